"""A Cloudflare account read over HTTP from the stand-in: nothing lost, nothing twice, and all of it as Cloudflare describes it."""

import json

import pytest
from openapi_core import Config, OpenAPI

from changes.connectors.cloudflare import client as client_module
from changes.connectors.cloudflare.client import Cloudflare
from changes.connectors.cloudflare.sync import sync
from changes.connectors.errors import Forbidden, Invalid, NotFound, Passing, Permanent, Unauthorised
from changes.connectors.models import Source
from changes.entitlements.models import Entitlement
from changes.inventory.models import Asset, Snapshot, VendorEvent
from portal import vault
from tests.changes.connectors.cloudflare.conftest import BOB, REX, ZONE, at
from tests.changes.connectors.cloudflare.vendor_data import described, needed
from tests.changes.connectors.recorded import hold, listen, spoil

pytestmark = pytest.mark.django_db


def assets():
    rows = Asset.objects.filter(gone_at=None).order_by("kind", "name")
    return [(row.kind.removeprefix("cloudflare."), row.name, row.environment) for row in rows]


def fresh(source):
    return Source.objects.get(pk=source.pk)


def test_one_run_reads_assets_rights_and_the_audit_log(source, world):
    assert sync(source=source, at=at()) == 10

    assert [row for row in assets() if row[0] != "role"] == [
        ("access_app", "Admin", "production"),
        ("access_group", "Engineers", ""),
        ("access_policy", "Engineers", ""),
        ("dns_record", f"A api.{ZONE}", "production"),
        ("dns_record", f"A www.{ZONE}", "production"),
        ("reusable_policy", "Everybody here", ""),
        ("service_token", "CI", ""),
        ("zone", ZONE, "production"),
    ]
    held = Entitlement.objects.filter(ended_at=None).values_list("account_name", "right").order_by("account_name")
    assert list(held) == [(BOB, "read"), (REX, "admin")]
    event = VendorEvent.objects.get(object_name=f"www.{ZONE}")
    assert (event.kind, event.action, event.actor_name, event.at) == ("cloudflare.dns_record", "create", REX, at(-590))
    kept = fresh(source)
    assert (kept.settings["log_version"], kept.settings["missing"]) == ("v2", [])
    assert kept.rate_remaining > 1100


def test_entries_of_the_log_that_cannot_be_used_hide_no_other_one(source, world, monkeypatch):
    spoil(monkeypatch, "/logs/audit", lambda body: body["result"].extend([None, "x", {}, {"action": 5}]))

    with pytest.raises(Permanent) as wrong:
        sync(source=source, at=at())

    assert str(wrong.value).count("an entry of the audit log cannot be used") == 4

    assert VendorEvent.objects.count() == 10


def test_a_second_run_writes_nothing_and_a_later_one_sees_what_moved(source, world):
    sync(source=source, at=at())
    counts = (Snapshot.objects.count(), VendorEvent.objects.count())
    assert sync(source=fresh(source), at=at(1)) == 0
    assert (Snapshot.objects.count(), VendorEvent.objects.count()) == counts

    world.set_record(zone=ZONE, name=f"www.{ZONE}", content="203.0.113.9", by=BOB, at=at(2))
    world.delete_record(zone=ZONE, name=f"api.{ZONE}", by=BOB, at=at(2))
    world.remove_member(email=BOB, by=REX, at=at(2))
    assert sync(source=fresh(source), at=at(3)) == 3

    changed = Snapshot.objects.filter(taken_at=at(3)).order_by("what").values_list("what", "asset__name", "differs")
    assert list(changed) == [
        ("changed", f"A www.{ZONE}", ["content: 198.51.100.4 → 203.0.113.9"]),
        ("gone", f"A api.{ZONE}", []),
    ]
    assert Entitlement.objects.get(account_name=BOB).ended_at == at(3)


def test_no_secret_of_a_service_token_is_kept(source, world):
    sync(source=source, at=at())

    told = next(row for row in world.store.all("audit") if "client_secret" in row["told"])
    everything = json.dumps([*VendorEvent.objects.values("detail"), *Snapshot.objects.values("configuration")], default=str)
    assert told["told"]["client_secret"] not in everything


def test_version_1_of_the_log_stands_in_and_nothing_is_read_twice_when_version_2_comes(source, world):
    world.permit(without=("audit v2",))
    assert sync(source=source, at=at()) == 10
    assert fresh(source).settings["log_version"] == "v1"

    world.permit()
    world.set_record(zone=ZONE, name=f"www.{ZONE}", content="203.0.113.9", by=BOB, at=at(2))

    assert sync(source=fresh(source), at=at(3)) == 1
    assert fresh(source).settings["log_version"] == "v2"


def test_what_the_token_may_not_read_is_named_and_all_else_is_read(source, world):
    world.permit(without=("Access: Service Tokens Read", "DNS Read"), expires_on="2026-04-01T00:00:00Z")

    sync(source=source, at=at())

    kept = fresh(source)
    assert kept.settings["missing"] == ["Access: Service Tokens Read", "DNS Read"]
    assert kept.settings["token_expires"] == "2026-04-01T00:00:00+00:00"
    assert not Asset.objects.filter(kind__in=["cloudflare.dns_record", "cloudflare.service_token"]).exists()
    assert Asset.objects.filter(kind="cloudflare.zone").exists()
    world.permit()
    sync(source=fresh(source), at=at(11))
    assert Asset.objects.filter(kind="cloudflare.dns_record").count() == 2
    assert fresh(source).settings["missing"] == []


def test_a_zone_that_is_gone_takes_its_records_along(source, world):
    sync(source=source, at=at())
    world.store.delete(world.store.one("zone", subject=ZONE))

    sync(source=fresh(source), at=at(11))

    assert not Asset.objects.filter(kind__in=["cloudflare.zone", "cloudflare.dns_record"], gone_at=None).exists()


def test_lists_end_with_the_last_page_and_with_a_page_that_repeats_itself(source, world, monkeypatch):
    for number in range(7):
        world.set_record(zone=ZONE, name=f"n{number}.{ZONE}", content="198.51.100.4", by=REX)
    monkeypatch.setattr(client_module, "MANY", 4)
    zone = world.zone(ZONE)["vendor_id"]

    heard = listen(monkeypatch)
    assert len(list(Cloudflare(source=source).records(zone=zone))) == 9
    assert [exchange.query["page"] for exchange in heard] == ["1", "2", "3"]

    body = {
        "success": True,
        "result": [{"id": "same"}],
        "result_info": {"page": 1, "per_page": 1, "total_count": 9, "total_pages": 9},
    }
    monkeypatch.setattr(Cloudflare, "_ask", lambda self, path, read, query=None: read(body))
    assert len(list(Cloudflare(source=source).records(zone=zone))) == 1
    monkeypatch.setattr(
        Cloudflare,
        "_ask",
        lambda self, path, read, query=None: read({**body, "result": [{"id": query["page"]}], "result_info": {}}),
    )
    monkeypatch.setattr(client_module, "MANY", 1)
    with pytest.raises(Invalid, match="without an end"):
        list(Cloudflare(source=source).records(zone=zone))


def test_what_lies_on_many_pages_of_the_log_is_read_with_the_cursor(source, world, monkeypatch):
    monkeypatch.setattr(client_module, "MANY", 3)

    assert sync(source=source, at=at()) == 10
    assert VendorEvent.objects.count() == 10


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (200, 10000, Unauthorised),
        (200, 9109, Forbidden),
        (200, 7003, NotFound),
        (200, 5, Invalid),
        (400, 6111, Unauthorised),
        (400, 5, Invalid),
        (401, 1000, Unauthorised),
        (403, 10000, Forbidden),
        (429, 971, Passing),
        (503, 10000, Passing),
    ],
)
def test_success_false_is_an_error_whatever_the_status(source, monkeypatch, status, code, problem):
    said = {"success": False, "errors": [{"code": code, "message": "No way"}], "messages": [], "result": None}
    account = Cloudflare(source=source)

    def request(self, **asked):
        return client_module.Answer(what="GET /zones", status=status, headers={"retry-after": "7"}, body=json.dumps(said).encode())

    monkeypatch.setattr(client_module.Client, "request", request)
    with pytest.raises(problem, match="No way") as raised:
        list(account.zones())
    if problem is Passing:
        assert raised.value.retry_after == 7


def test_the_vendors_limit_is_minded_before_it_is_reached(source, world):
    world.window.limit = client_module.RESERVE + 5

    with pytest.raises(Passing, match="little left") as raised:
        sync(source=source, at=at())

    assert raised.value.retry_after > 200
    assert fresh(source).rate_remaining == client_module.RESERVE
    world.window.limit = 1200
    sync(source=fresh(source), at=at(5))
    assert Asset.objects.filter(kind="cloudflare.dns_record").count() == 2


def test_a_token_that_is_not_good_says_so(source, world):
    source.token_encrypted = vault.seal("another")
    source.save()

    with pytest.raises(Unauthorised, match="Invalid API Token"):
        sync(source=source, at=at())


def test_another_account_cannot_be_read(source):
    source.settings["account"] = "0" * 32
    source.save()

    with pytest.raises(Permanent, match="Could not route"):
        sync(source=source, at=at())


@needed
@pytest.mark.filterwarnings("ignore:Use of allowEmptyValue:DeprecationWarning")
def test_every_question_and_every_answer_is_as_cloudflare_describes_it(source, world, monkeypatch):
    document = described()
    description = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))
    heard = listen(monkeypatch)

    sync(source=source, at=at())
    world.permit(without=("audit v2",))
    sync(source=fresh(source), at=at(1))

    for exchange in heard:
        hold(exchange, description, host="https://api.cloudflare.com", prefix="/client/v4")
    assert len({exchange.path.partition("/access/apps/")[0] for exchange in heard}) == 12
