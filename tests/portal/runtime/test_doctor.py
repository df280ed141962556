"""The doctor: each complaint is provoked once, and the mended state is quiet."""

import shutil
import socket
import stat
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils.timezone import now

from portal.runtime import backup, programs
from portal.runtime.doctor import copies, database, surroundings
from portal.runtime.doctor.finding import Level
from portal.runtime.doctor.run import CHECKS, examine
from portal.runtime.models import Lease
from portal.schedule import SCHEDULE


def levels(check):
    return [finding.level for finding in check()]


def complaints(check):
    return [finding.text for finding in check() if finding.level is not Level.GOOD]


@pytest.fixture
def home(settings):
    """A portal that only this machine reaches."""
    settings.BASE_URL, settings.HTTPS = "http://127.0.0.1:8000", False
    settings.ALLOWED_HOSTS, settings.DEBUG, settings.DEMO = ["127.0.0.1", "localhost", "[::1]"], False, False
    return settings


@pytest.mark.django_db
def test_our_own_server_is_new_enough_and_agrees_on_the_time():
    """That a portal's own keeps what it acknowledged is seen at a running one: test_running.py."""
    found = [*database.version(), *database.schema(), *database.clock()]

    assert [finding.text for finding in found if finding.level is not Level.GOOD] == []


@pytest.mark.django_db
def test_an_old_server_is_bad(monkeypatch):
    monkeypatch.setattr(database, "OLDEST", 990_000)

    assert [text.endswith("is too old") for text in complaints(database.version)] == [True]


@pytest.mark.django_db
def test_commits_that_do_not_wait_for_the_disk_are_bad():
    """The tests' own server has let go of the two others (tests/server.py)."""
    before = set(complaints(database.durability))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")

    assert set(complaints(database.durability)) - before == {"synchronous_commit is off"}


@pytest.mark.django_db
def test_a_superuser_an_owner_and_an_ordinary_role_are_told_apart():
    with connection.cursor() as cursor:
        said = complaints(database.rights)
        cursor.execute("CREATE ROLE doctor_test; GRANT CREATE ON SCHEMA public TO doctor_test; SET LOCAL ROLE doctor_test")
        harmless = complaints(database.rights)
        cursor.execute("CREATE TABLE owned_by_test (id int)")
        owner = complaints(database.rights)

    assert [text.split(", ")[1].split(" and ")[0] for text in said] == ["which may do anything in the database"]
    assert harmless == []
    assert owner == ["the portal connects as doctor_test, which owns 1 tables and can switch off their guards"]


@pytest.mark.django_db
def test_a_missing_migration_and_an_index_cut_short_are_bad():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'portal' AND name = '0005_runtime'")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'portal_lease_pkey'::regclass")

    first, second = complaints(database.schema)
    assert "1 migrations are not applied" in first or "migrations are not applied, first portal.0005_runtime" in first
    assert second == "index portal_lease_pkey was cut short and is not used"


@pytest.mark.django_db
def test_clocks_that_differ_are_bad(time_machine):
    time_machine.move_to(datetime.now(UTC) + timedelta(minutes=10))

    assert [text.split(" is ")[0] for text in complaints(database.clock)] == ["the database's clock"]


@pytest.mark.django_db
def test_a_job_that_is_sent_but_never_finished_is_named():
    for entry in SCHEDULE:
        Lease.objects.create(name=entry.lease, next_at=now(), run_at=now(), finished=now())
    assert complaints(database.schedule) == []

    Lease.objects.filter(name="seal").update(finished=now() - timedelta(minutes=2))
    Lease.objects.filter(name="settle").update(finished=None)

    assert complaints(database.schedule) == ["not finished lately: settle, seal"]


def test_a_broker_that_is_away_and_one_that_hangs_are_bad(settings, monkeypatch, folder):
    monkeypatch.setattr(surroundings, "BROKER_SECONDS", 1)
    settings.CELERY_BROKER_URL = f"redis+socket://{folder}/nothing.sock"
    assert levels(surroundings.broker) == [Level.BAD]

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(4)
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{door.getsockname()[1]}/0"

        assert complaints(surroundings.broker) == ["the broker does not answer (no answer within 1 s)"]


def test_a_broker_that_answers_is_good(settings):
    settings.CELERY_BROKER_URL = "memory://"

    assert levels(surroundings.broker) == [Level.GOOD]


def test_short_and_malformed_keys_are_bad(settings):
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = "short", [*settings.ENCRYPTION_KEYS, "nonsense"]

    assert complaints(surroundings.keys) == ["COUNTERSIGN_SECRET_KEY is short", "encryption key 2 is not a Fernet key"]


def test_a_signing_key_that_is_not_named_not_there_or_open_is_told_apart(monkeypatch, folder):
    key = folder / "ledger.key"
    monkeypatch.delenv("COUNTERSIGN_SIGNING_KEY_FILE", raising=False)
    assert levels(surroundings.signing_key) == [Level.BAD]

    monkeypatch.setenv("COUNTERSIGN_SIGNING_KEY_FILE", str(key))
    assert levels(surroundings.signing_key) == [Level.NOTE]

    key.write_text("secret")
    key.chmod(stat.S_IRUSR | stat.S_IRGRP)
    assert levels(surroundings.signing_key) == [Level.BAD]

    key.chmod(stat.S_IRUSR)
    assert levels(surroundings.signing_key) == [Level.GOOD]

    monkeypatch.setenv("COUNTERSIGN_SIGNING_KEY_FILE", str(key / "below-a-file"))
    assert complaints(surroundings.signing_key) == [f"the signing key cannot be looked at ({key}/below-a-file: Not a directory)"]


@pytest.mark.parametrize(
    ("version", "found"),
    [("2.37.4", ["git version 2.37.4 is too old to compare merges"]), ("2.38.0", []), ("3.0.0 (Somebody Git-9)", [])],
)
def test_a_git_that_cannot_compare_merges_is_bad(monkeypatch, tmp_path, version, found):
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\necho 'git version {version}'\n")
    git.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(git))

    assert complaints(surroundings.programs) == found


def test_programs_that_are_missing_are_named(monkeypatch):
    assert Level.BAD not in levels(surroundings.programs)

    monkeypatch.setenv("PATH", "/nonexistent")
    assert complaints(surroundings.programs) == ["git is not installed", "chromium is not installed"]


def test_a_full_disk_is_bad(monkeypatch):
    monkeypatch.setattr(surroundings, "FULL", 0.0)

    assert levels(surroundings.disk) == [Level.BAD]


def test_a_portal_for_this_machine_only_may_use_http_and_demo_passwords(home):
    assert complaints(surroundings.exposure) == []
    home.DEMO = True
    assert complaints(surroundings.exposure) == []


def test_a_portal_that_others_reach_needs_https_no_demo_and_no_debugging(home):
    home.BASE_URL, home.ALLOWED_HOSTS, home.DEMO, home.DEBUG = "http://audit.acme.test", ["audit.acme.test"], True, True

    assert [text.split(":")[0].split(" with ")[0] for text in complaints(surroundings.exposure)] == [
        "COUNTERSIGN_DEBUG is on",
        "http",
        "the demo company",
    ]


def test_https_without_a_declared_proxy_is_worth_a_word(home):
    home.BASE_URL, home.HTTPS, home.ALLOWED_HOSTS, home.ALLAUTH_TRUSTED_PROXY_COUNT = (
        "https://audit.acme.test",
        True,
        ["audit.acme.test"],
        0,
    )

    assert levels(surroundings.exposure) == [Level.NOTE]
    home.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert levels(surroundings.exposure) == []


@pytest.mark.django_db
def test_a_pg_dump_that_is_older_than_the_server_is_bad_where_copies_are_made(settings, monkeypatch, tmp_path):
    settings.BACKUP_FOLDER = ""
    assert list(copies.copies()) == []

    settings.BACKUP_FOLDER = str(tmp_path)
    assert levels(copies.copies) == [Level.GOOD]
    script = tmp_path / "pg_dump"
    monkeypatch.setattr(backup, "program", lambda **_: str(script))
    for version in ("15.4 (Debian 15.4-1)", "99.1"):
        script.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
        script.chmod(0o755)
        assert levels(copies.copies) == [Level.BAD if version.startswith("15") else Level.GOOD]
    monkeypatch.setattr(backup, "program", lambda **_: str(tmp_path / "none"))
    assert "no copy can be made" in complaints(copies.copies)[0]


def test_the_images_copies_are_made_by_the_systems_program(monkeypatch):
    def nothing():
        raise programs.NoPrograms("not installed")

    monkeypatch.setattr(programs, "find", nothing)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert backup.program(name="pg_dump", embedded=True) == "/usr/bin/pg_dump"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(backup.BackupTrouble, match="pg_dump is not installed"):
        backup.program(name="pg_dump", embedded=False)


def test_a_database_that_does_not_answer_is_a_finding_and_the_rest_is_still_looked_at():
    def broken():
        raise DatabaseError("gone fishing")

    found = list(examine(checks=(broken, surroundings.disk)))

    assert next((finding.level, finding.text.split(":")[0]) for finding in found) == (Level.BAD, "broken could not be looked at")
    assert len(found) == 2


@pytest.mark.django_db
def test_the_command_says_all_of_it_and_fails_when_something_is_bad(capsys):
    with pytest.raises(SystemExit) as end:
        call_command("doctor")

    said = capsys.readouterr().out
    assert end.value.code == 1, "tests connect as a superuser, which is bad"
    assert "→" in said
    assert len(said.splitlines()) > len(CHECKS)


def test_the_command_makes_a_key(capsys):
    call_command("doctor", "--make-key")

    assert len(capsys.readouterr().out.strip()) == 44
