"""What there is at Fly, over HTTP from the stand-in and from flyctl's output: the same assets, and no value of anything."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from changes.connectors.errors import NotJson
from changes.connectors.fields import Incomplete
from changes.connectors.fly import assets, inventory
from changes.connectors.fly.ingest import NEEDED, TAKERS, NotPrinted, ingest
from changes.connectors.fly.inventory import sync_inventory
from changes.connectors.fly.payloads import Unreadable
from changes.connectors.models import Source
from changes.delivery.models import Release
from changes.inventory.models import Asset, Snapshot, SourceReading
from tests.changes.connectors.fly.test_sync import at, release, source, web
from tests.changes.connectors.fly.vendor_data import needed, sample, samples
from tests.changes.connectors.recorded import spoil
from tests.standins import fly_standin

__all__ = ["fly_standin", "release", "source", "web"]
pytestmark = pytest.mark.django_db
CANARY = "canary-9f3"


def there(*fields):
    return sorted(Asset.objects.filter(gone_at=None).values_list(*fields))


def test_a_few_runs_read_all_there_is_and_then_nothing_is_due(source, fly_standin):
    for name in ("api-prod", "docs", "jobs"):
        fly_standin.create_app(name=name, org="northwind", machines=1, at=at(-90))
    volume = fly_standin.set_volume(app="web-prod", name="data", size_gb=10, at=at(-80))["volume"]
    fly_standin.set_secrets(app="web-prod", names=["DATABASE_URL"], at=at(-80))
    fly_standin.release(app="web-prod", by="ann@northwind.example", sha="1" * 40, at=at(-70))
    service = {"protocol": "tcp", "internal_port": 8000, "ports": [{"port": 443, "handlers": ["tls"]}], "autostop": True}
    check = {"type": "http", "port": 8000, "path": "/healthz", "headers": [{"name": "Authorization", "values": [CANARY]}]}
    config = {"env": {"LOG_LEVEL": CANARY}, "services": [service], "checks": {"alive": check}, "init": {"cmd": [CANARY]}}
    fly_standin.configure(app="web-prod", config=config)

    asked = [sync_inventory(source=source, at=at(minutes)) for minutes in range(5)]

    assert asked == [9, 7, 0, 0, 0] or asked == [9, 6, 1, 0, 0]
    count = {kind: sum(1 for row in there("kind") if row == (kind,)) for kind in {row[0] for row in there("kind")}}
    assert count == {"fly.organization": 1, "fly.member": 1, "fly.app": 4, "fly.machine": 5} | {
        **{"fly.volume": 1, "fly.volume_snapshot": 1, "fly.secret": 1}
    }
    machine = Snapshot.objects.filter(asset__kind="fly.machine", asset__within="web-prod").first()
    assert machine.environment == "production"
    assert machine.configuration["env"] == ["LOG_LEVEL"]
    assert machine.configuration["services"] == [
        {"protocol": "tcp", "internal_port": 8000, "ports": [{"port": 443, "handlers": ["tls"]}], "autostop": "stop"}
    ]
    assert machine.configuration["checks"] == {"alive": {"type": "http", "port": 8000, "path": "/healthz"}}
    assert (machine.configuration["image"], machine.configuration["release"]) == (f"registry.fly.io/web-prod:{'1' * 40}", "1")
    assert ("fly.volume_snapshot", volume) in there("kind", "within")
    assert ("fly.secret", "web-prod/DATABASE_URL", "web-prod") in there("kind", "external_id", "within")
    kept = json.dumps([*Snapshot.objects.values("configuration", "differs"), *Asset.objects.values("name", "external_id")])
    assert CANARY not in kept


def test_what_changed_is_seen_again_and_an_app_that_is_gone_takes_all_with_it(source, fly_standin):
    fly_standin.set_volume(app="web-prod", name="data", at=at(-80))
    sync_inventory(source=source, at=at(0))
    sync_inventory(source=source, at=at(1))
    fly_standin.configure(app="web-prod", config={"guest": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 1024}})

    sync_inventory(source=source, at=at(11))

    changed = Snapshot.objects.filter(what="changed", asset__kind="fly.machine")
    assert [row.differs for row in changed] == [["guest.cpus: 1 → 2", "guest.memory_mb: 512 → 1024"]] * 2
    for row in fly_standin.store.all("app"):
        fly_standin.store.delete(row)
    sync_inventory(source=source, at=at(22))
    assert there("kind") == [("fly.organization",)]


def test_an_answer_that_cannot_be_used_is_said_and_keeps_what_else_was_read(source, monkeypatch):
    monkeypatch.setattr(inventory.Fly, "look", lambda *_, path: {"apps": "none"})

    with pytest.raises(NotJson, match="not a list"):
        sync_inventory(source=source, at=at())
    assert there("kind") == [("fly.organization",)]


def test_an_app_that_cannot_be_read_holds_no_other_one_up_and_is_said_until_it_can(source, fly_standin, monkeypatch):
    for name in ("a-first", "b-second", "z-last"):
        fly_standin.create_app(name=name, org="northwind", machines=1, at=at(-90))
    with monkeypatch.context() as spoilt:
        for name in ("a-first", "b-second"):
            spoil(spoilt, f"/v1/apps/{name}/machines", lambda body: body[0].update(name=5))
        for minute in range(3):
            with pytest.raises(NotJson, match="a-first.*b-second" if minute else "a-first"):
                sync_inventory(source=source, at=at(minute))

        assert {row[0] for row in there("within", "kind") if row[1] == "fly.machine"} == {"web-prod", "z-last"}
        assert set(source.settings["unread"]["fly.secret"]) == {"a-first", "b-second"}

    sync_inventory(source=source, at=at(12))
    assert {row[0] for row in there("within", "kind") if row[1] == "fly.machine"} == {"a-first", "b-second", "web-prod", "z-last"}
    assert source.settings["unread"]["fly.secret"] == {}


def test_members_of_another_organisation_than_was_asked_for_are_not_taken(source, fly_standin, release, monkeypatch):
    release()
    spoil(monkeypatch, "members(first", lambda body: body["data"]["organization"].update(slug="another"))

    with pytest.raises(NotJson, match=r"northwind: .* is not within northwind"):
        sync_inventory(source=source, at=at())

    assert ("fly.member",) not in there("kind")
    assert ("fly.machine",) in there("kind")


@needed
def test_what_flyctl_prints_gives_the_assets_that_the_api_gives(source):
    source.settings["apps"] = {"acme-web-prod": {"environment": "production", "repository": "acme/web"}}
    of = {"volumes-snapshots-list": "vol_acmepg01", "mpg-backup-list": "cluster1"}

    for command in TAKERS:
        text = json.dumps(sample(f"cli/set-a/{command}.json")).encode()
        said = ingest(source=source, command=command, text=text, of=of.get(command, "acme-web-prod"), at=at())
        assert " read, " in said

    kinds = [row[0] for row in there("kind")]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        **{"fly.app": len(sample("cli/set-a/apps-list.json")), "fly.organization": 2, "fly.member": 2, "fly.machine": 2},
        **{"fly.volume": 2, "fly.volume_snapshot": 1, "fly.secret": 3, "fly.backup": 2},
    }
    assert Release.objects.filter(app="acme-web-prod").count() == 3
    assert ("fly.member", "acme-production/ada@example.com") in there("kind", "external_id")
    assert Asset.objects.get(kind="fly.app", name="acme-web-prod").within == "acme-production"
    assert Asset.objects.filter(kind="fly.machine").first().environment == "production"
    api = assets.machines(sample("cli/set-a/machine-list.json"), app="acme-web-prod", environment=lambda _: "production")
    assert {one.external_id for one in api} == set(Asset.objects.filter(kind="fly.machine").values_list("external_id", flat=True))


@pytest.mark.parametrize("path", [*samples("cli/set-*/*.json")])
def test_every_output_is_taken_or_refused_with_a_reason(path, source):
    command = path.stem
    if command not in TAKERS:
        with pytest.raises(NotPrinted, match="is not taken"):
            ingest(source=source, command=command, text=path.read_bytes(), at=at())
        return
    source.settings["apps"] = {"x": {"environment": "staging", "repository": "a/b"}}
    assert " read, " in ingest(source=source, command=command, text=path.read_bytes(), of="x", at=at())
    again = ingest(source=source, command=command, text=path.read_bytes(), of="x", at=at(1))
    assert ", 0 of them" in again


@pytest.mark.parametrize(
    ("command", "text", "words"),
    [
        ("apps-list", b"NAME\tOWNER", "not JSON"),
        ("apps-list", b'{"a": 1}', "apps is missing"),
        ("apps-list", b'["a"]', "not an object"),
        ("machine-list", b'[{"id": 7}]', "not text"),
        ("secrets-list", b'[{"name": "A", "value": "canary"}]', "values of secrets"),
        ("mpg-backup-list", b"No backups found", "not JSON"),
    ],
)
def test_what_is_no_output_of_flyctl_is_refused_in_words(source, command, text, words):
    with pytest.raises(NotPrinted, match=words) as problem:
        ingest(source=source, command=command, text=text, of="x", at=at())
    assert "canary" not in str(problem.value)
    assert not SourceReading.objects.exists()


def test_the_command_reads_standard_input(source, monkeypatch, capsys):
    given = io.TextIOWrapper(io.BytesIO(b'[{"Name": "web-prod", "Organization": {"Slug": "northwind"}}]'))
    monkeypatch.setattr("sys.stdin", given)

    call_command("ingest", "fly", "apps-list")

    assert "1 read, 1 of them new" in capsys.readouterr().out
    for command in NEEDED:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"[]")))
        with pytest.raises(CommandError, match="Say with --of"):
            call_command("ingest", "fly", command)
    Source.objects.all().delete()
    with pytest.raises(CommandError, match="Connect Fly first"):
        call_command("ingest", "fly", "apps-list")


def test_an_output_without_what_is_needed_is_incomplete():
    with pytest.raises(Incomplete):
        assets.members({"Slug": "x", "Members": {"Edges": [{"Role": "ADMIN"}]}})
    with pytest.raises(Unreadable):
        assets.machines([{"id": "m", "config": {"env": ["A=b"]}}], app="x", environment=lambda _: "")


def test_readings_stay_within_a_few_questions_a_run(source, fly_standin):
    for number in range(6):
        fly_standin.create_app(name=f"app-{number}", org="northwind", machines=1, at=at(-90))

    assert max(sync_inventory(source=source, at=at(0) + timedelta(seconds=15 * turn)) for turn in range(6)) <= 9
    assert sync_inventory(source=source, at=at(4)) == 0
