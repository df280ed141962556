"""The doctor looks at the lines to other machines."""

import pytest
from django.db import connections

from portal.runtime.doctor import lines
from portal.runtime.doctor.finding import Level


@pytest.mark.parametrize(
    ("host", "sslmode", "private", "level"),
    [
        ("", "", "", Level.GOOD),
        ("/run/postgresql", "", "", Level.GOOD),
        ("127.0.0.1", "", "", Level.GOOD),
        ("db.example", "verify-full", "", Level.GOOD),
        ("db.example", "", "", Level.BAD),
        ("db.example", "require", "", Level.BAD),
        ("db.example", "verify-ca", "", Level.BAD),
        ("db.example", "", "1", Level.NOTE),
    ],
)
def test_a_database_on_another_machine_is_known_by_its_certificate(monkeypatch, host, sslmode, private, level):
    monkeypatch.setenv("COUNTERSIGN_PRIVATE_NETWORK", private)
    monkeypatch.setitem(connections.settings, "replica", {"HOST": host, "OPTIONS": {"sslmode": sslmode}})

    default, replica = lines.databases()

    assert default.level is Level.GOOD
    assert (replica.level, "DATABASE_REPLICA_URL" in replica.text) == (level, True)


@pytest.mark.parametrize(
    ("url", "private", "levels"),
    [
        ("redis://127.0.0.1:6379/0", "", []),
        ("redis+socket:///run/valkey.sock", "", []),
        ("rediss://broker.example/0", "", []),
        ("redis://broker.example/0", "1", [Level.BAD]),
        ("amqp://u:secret@broker.example//", "", [Level.NOTE]),
        ("amqp://u:secret@broker.example//", "1", []),
    ],
)
def test_a_broker_on_another_machine_has_a_password_and_better_tls(monkeypatch, settings, url, private, levels):
    monkeypatch.setenv("COUNTERSIGN_PRIVATE_NETWORK", private)
    settings.CELERY_BROKER_URL = url

    found = list(lines.broker())

    assert [finding.level for finding in found] == levels
    assert "secret" not in "".join(finding.text + finding.mend for finding in found)
