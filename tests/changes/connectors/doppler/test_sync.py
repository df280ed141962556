"""A Doppler workplace read over HTTP from the stand-in: names, logs, rights; nothing lost, nothing twice, and never a value."""

import json
import logging
import zlib
from functools import partial

import pytest
from django.db import connection
from django.urls import reverse
from openapi_core import Config, OpenAPI

from changes.connectors import door, inbox, polling
from changes.connectors.checks import check
from changes.connectors.doppler import transport
from changes.connectors.doppler.client import Doppler
from changes.connectors.doppler.sync import sync
from changes.connectors.errors import Invalid, Passing, Permanent, Unauthorised
from changes.connectors.models import Delivery
from changes.connectors.wellbeing import judge
from changes.entitlements.models import Entitlement
from changes.exceptions.models import ExceptionRecord
from changes.inventory.models import Asset, Snapshot, VendorEvent
from portal import vault
from portal.access.accounts.actions import explain
from portal.access.accounts.seeing import unexplained
from portal.standins.doppler import access
from portal.standins.faults import Fault
from tests.changes.connectors.doppler.conftest import BOB, CANARY, REX, at, fresh
from tests.changes.connectors.doppler.vendor_data import described, needed
from tests.changes.connectors.recorded import hold, listen, spoil
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db


def test_one_run_reads_names_logs_and_rights(source, world):
    assert sync(source=source, at=at()) == 5

    rows = Asset.objects.filter(gone_at=None).order_by("kind", "name")
    assert [(row.kind.removeprefix("doppler."), row.name, row.environment) for row in rows] == [
        ("change_request_policy", "Two look", ""),
        ("config", "backend/dev", "development"),
        ("config", "backend/prd", "production"),
        ("config", "backend/stg", "staging"),
        ("environment", "backend Development", "development"),
        ("environment", "backend Production", "production"),
        ("environment", "backend Staging", "staging"),
        ("project", "backend", ""),
        ("service_token", "fly", "production"),
        ("sync", "backend/prd to Fly", ""),
    ]
    names = Snapshot.objects.get(asset__kind="doppler.config", asset__name="backend/prd").configuration["names"]
    assert names == ["DATABASE_URL", "STRIPE"]
    held = Entitlement.objects.order_by("thing__key", "account_name")
    assert [(row.thing.key, row.account_name, row.right, row.through) for row in held] == [
        ("doppler.project:backend", BOB, "write", "dev"),
        ("doppler.workplace:fcd76", BOB, "write", ""),
        ("doppler.workplace:fcd76", REX, "admin", ""),
    ]
    event = VendorEvent.objects.get(kind="doppler.config", environment="production")
    assert (event.action, event.actor_id, event.object_id, event.at) == ("secrets.update", REX, "backend/prd", at(-700))
    assert event.detail == {"added": ["DATABASE_URL", "STRIPE"]}
    kept = fresh(source).settings
    assert (kept["workplace"], kept["token_kind"], kept["missing"], kept["syncs"]) == (
        "fcd76",
        "service_account",
        [],
        {
            world.store.all("sync")[0]["vendor_id"]: {
                "config": "backend/prd",
                "type": "flyio",
                "enabled": True,
                "last": at(-670).isoformat(),
            }
        },
    )


def test_a_second_run_writes_nothing_and_a_later_one_sees_what_moved(source, world):
    sync(source=source, at=at())
    counts = (Snapshot.objects.count(), VendorEvent.objects.count())
    assert sync(source=fresh(source), at=at(1)) == 0
    assert (Snapshot.objects.count(), VendorEvent.objects.count()) == counts

    world.set_secrets(
        project="backend", config="prd", values={"STRIPE": "new", "DATABASE_URL": None}, by=BOB, text="For CHG-7", at=at(2)
    )
    world.remove_member(project="backend", email=BOB)
    assert sync(source=fresh(source), at=at(3)) == 2

    event = VendorEvent.objects.filter(kind="doppler.config").latest("at")
    assert event.detail == {"removed": ["DATABASE_URL"], "updated": ["STRIPE"], "references": ["CHG-7"]}
    changed = Snapshot.objects.get(taken_at=at(3))
    assert (changed.asset.name, changed.differs) == ("backend/prd", ["names: without DATABASE_URL"])
    sync(source=fresh(source), at=at(12))
    assert not Entitlement.objects.filter(thing__key="doppler.project:backend", ended_at=None).exists()


def test_doppler_s_own_change_request_is_tied_to_the_entry_that_it_became(source, world):
    request = world.request_change(
        project="backend",
        config="prd",
        values={"STRIPE": CANARY},
        title=f"Rotate to {CANARY}, CHG-7",
        by=BOB,
        reviewers=(REX,),
        at=at(-20),
    )
    entry = world.apply_request(request=request["vendor_id"], by=BOB, at=at(-10))

    sync(source=source, at=at())

    event = VendorEvent.objects.get(kind="doppler.change_request")
    assert (event.object_id, event.environment, event.detail["log"]) == ("backend/prd", "production", entry["vendor_id"])
    assert (event.detail["reviewers"], event.detail["references"]) == ([REX], ["CHG-7"])


def test_a_project_that_is_gone_takes_all_of_it_along(source, world):
    sync(source=source, at=at())
    for kind, place in (("project", ""), ("config", "backend")):
        for row in world.store.all(kind, place=place):
            world.store.delete(row)

    sync(source=fresh(source), at=at(11))

    assert not Asset.objects.filter(gone_at=None, kind__in=["doppler.project", "doppler.config", "doppler.service_token"]).exists()
    assert not Entitlement.objects.filter(thing__key="doppler.project:backend", ended_at=None).exists()
    assert fresh(source).settings["configs"] == {}


def test_a_run_that_may_ask_little_goes_on_in_the_next_ones_and_loses_nothing(source, world, monkeypatch):
    for number in range(12):
        world.set_secrets(project="backend", config="prd", values={f"S{number}": CANARY}, by=REX, at=at(-300 + number))
    monkeypatch.setattr(transport, "REQUESTS", 16)
    monkeypatch.setattr(Doppler, "allowance", None, raising=False)

    def allowed(self, original=Doppler.__post_init__):
        self.allowance = transport.Allowance(seconds=40.0, requests=16)
        original(self)

    monkeypatch.setattr(Doppler, "__post_init__", allowed)
    for minute in range(8):
        sync(source=fresh(source), at=at(minute))

    assert VendorEvent.objects.filter(kind="doppler.config").count() == 14
    assert (
        len(Snapshot.objects.filter(asset__kind="doppler.config", asset__name="backend/prd").latest("id").configuration["names"])
        == 14
    )


def test_what_the_token_may_not_read_is_named_and_all_else_is_read(source, world):
    world.permit(without=("/v3/workplace/change_requests", "/v3/integrations"))

    sync(source=source, at=at())

    assert fresh(source).settings["missing"] == ["change requests", "integrations"]
    assert VendorEvent.objects.filter(kind="doppler.config").count() == 2


def test_lists_end_with_a_short_page_and_with_one_that_repeats_itself(source, world, monkeypatch):
    for number in range(25):
        world.add_project(name=f"p{number:02}", by=REX)
    assert len(Doppler(source=source).projects()) == 26
    assert len(Doppler(source=source).users()) == 2

    body = {"projects": [{"id": "same"}] * transport.PAGE}
    monkeypatch.setattr(Doppler, "_ask", lambda self, path, read, query=None: read(body))
    assert len(Doppler(source=source).projects()) == transport.PAGE
    monkeypatch.setattr(
        Doppler, "_ask", lambda self, path, read, query=None: read({"projects": [{"id": f"p{query['page']}"}] * transport.PAGE})
    )
    with pytest.raises(Invalid, match="without an end"):
        Doppler(source=source).projects()


@pytest.mark.parametrize(
    ("status", "problem"),
    [(200, Invalid), (400, Invalid), (401, Unauthorised), (403, Permanent), (404, Permanent), (429, Passing), (503, Passing)],
)
def test_no_word_of_doppler_s_gets_into_a_reason(source, monkeypatch, status, problem):
    said = {"messages": [CANARY], "message": CANARY, "success": False, "data": {"isRetryableAfterSec": 9}}

    def request(self, **asked):
        return transport.Answer(what="GET /v3/me", status=status, headers={}, body=json.dumps(said).encode())

    monkeypatch.setattr(transport.Client, "request", request)
    with pytest.raises(problem) as raised:
        Doppler(source=source).me()

    assert CANARY not in str(raised.value)
    if problem is Passing:
        assert raised.value.retry_after == 9


def test_the_vendors_limit_is_minded_before_it_is_reached(source, world):
    world.window.limit = transport.RESERVE + 3

    with pytest.raises(Passing, match="little left"):
        sync(source=source, at=at())

    assert fresh(source).rate_remaining == transport.RESERVE


@pytest.fixture
def delivered(source, world):
    """Deliver what the stand-in holds, to the door and through the inbox."""

    def deliver(moment):
        words = []
        while world.hooks.held:
            body = world.hooks.held.pop(0)
            headers = {name.lower(): value for name, value in world.hooks.signed(body).items()}
            words.append(door.arrive(name="doppler", body=body, headers=headers))
        inbox.drain(now=lambda: moment)
        return words

    door.forget()
    return deliver


def test_a_webhook_lets_its_config_be_read_at_once_and_proves_nothing_by_itself(source, world, delivered):
    sync(source=source, at=at())
    world.send_hooks_to("hold:", secret="hook-secret")
    world.set_secrets(project="backend", config="dev", values={"DATABASE_URL": "n"}, by=BOB, at=at(2))
    world.hooks.held *= 2

    assert [word.status for word in delivered(at(2))] == [202, 202]
    assert Delivery.objects.count() == 1
    assert list(fresh(source).settings["hints"]) == ["backend/dev"]
    assert VendorEvent.objects.filter(kind="doppler.config").count() == 2

    polling.POLLS["doppler"](fresh(source), lambda: at(2))

    assert fresh(source).settings["hints"] == {}
    assert VendorEvent.objects.filter(kind="doppler.config").count() == 3


def test_a_forged_webhook_leaves_nothing(source, world):
    door.forget()
    body = b'{"config": {"name": "prd", "project": "backend"}}'

    assert door.arrive(name="doppler", body=body, headers={"x-doppler-signature": "sha256=" + "0" * 64}).status == 401
    assert not Delivery.objects.exists()


def everything():
    """Every text, JSON and byte of every table, bodies of deliveries unpacked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY', 'bytea')"
        )
        columns = cursor.fetchall()
        for table, column, kind in columns:
            cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
            for (value,) in cursor.fetchall():
                yield f"{table}.{column}", str(bytes(value)) if kind == "bytea" else str(value)
    for row in Delivery.objects.all():
        yield "changes_delivery.body unpacked", zlib.decompress(bytes(row.body)).decode(errors="replace")


def _with_a_key(shape, *given, **more):
    """What a list never shows, shown."""
    return {**shape(*given, **more), "key": CANARY, "token": {"value": CANARY}, "description": CANARY}


def test_no_value_is_in_any_table_log_queue_or_page(source, peopled, world, delivered, caplog, client, monkeypatch):
    for shape in ("group", "whole_group", "role", "service_account", "api_token"):
        monkeypatch.setattr(access, shape, partial(_with_a_key, getattr(access, shape)))
    caplog.set_level(logging.DEBUG)
    world.send_hooks_to("hold:", secret="hook-secret", template=True)
    world.set_secrets(
        project="backend", config="prd", values={"STRIPE": CANARY, CANARY: CANARY}, by=REX, text=f"Set to {CANARY}", at=at(-5)
    )
    request = world.request_change(
        project="backend", config="prd", values={"STRIPE": CANARY}, title=f"Rotate to {CANARY}", by=BOB, reviewers=(REX,), at=at(-4)
    )
    world.apply_request(request=request["vendor_id"], by=BOB, at=at(-3))
    assert any(CANARY in body.decode() for body in world.hooks.held)
    broken = f'{{"config": "{CANARY}"'.encode()
    world.hooks.held.append(broken)

    words = delivered(at())
    for minute, fault in enumerate((None, *ANSWERED_WITH), start=1):
        if fault:
            world.faults.switch({"rules": [{"fault": fault, "path": "configs|logs|me|groups|roles|service", "seconds": 0.01}]})
        polling.POLLS["doppler"](fresh(source), lambda minute=minute: at(minute * 20))
        world.faults.switch({})
    polling.POLLS["doppler"](fresh(source), lambda: at(400))

    found = {place for place, text in everything() if CANARY in text}
    assert found == set()
    assert ExceptionRecord.objects.filter(kind="secret_edited_outside_process").count() == 2
    assert Delivery.objects.filter(state="quarantined").count() == 1
    assert CANARY not in "".join(map(repr, words))
    assert CANARY not in caplog.text
    assert not any(CANARY in str(record.__dict__) for record in caplog.records)
    sign_in(client, person("Rex", "administrator"))
    for page in ("integrations", "deliveries", "exceptions"):
        answer = client.get(reverse(page))
        assert (answer.status_code, CANARY in answer.content.decode()) == (200, False), page


ANSWERED_WITH = (
    Fault.UNAUTHORISED,
    Fault.FORBIDDEN,
    Fault.MISSING,
    Fault.ERROR_500,
    Fault.SECONDARY_429,
    Fault.BROKEN_JSON,
    Fault.HTML,
)


def test_a_token_that_is_not_good_says_so(source, world):
    source.token_encrypted = vault.seal("dp.sa.another")
    source.save()

    with pytest.raises(Unauthorised, match="401"):
        sync(source=source, at=at())


@pytest.fixture
def peopled(world):
    """The small world with a group that reaches production, a service account with a token, and a role of its own."""
    world.add_role(identifier="log-reader", name="Log reader", permissions=("enclave_config_logs",))
    world.add_group(name="Platform", emails=(BOB,), at=at(-500))
    world.add_group_member(project="backend", group="Platform", role="admin", environments=("prd",))
    world.add_service_account(name="ci", permissions=("logs", "team_manage"), at=at(-400))
    world.add_service_account(name="reader", at=at(-400))
    world.add_account_member(project="backend", account="reader", role="log-reader")
    world.add_account_token(account="ci", name="deploys", expires_at=at(90_000), at=at(-300))
    return world


def held_now():
    rows = Entitlement.objects.filter(ended_at=None).exclude(thing__key="doppler.workplace:fcd76")
    return {
        (row.thing.key.removeprefix("doppler."), row.account_name, row.account_kind, row.right, row.through)
        for row in rows.select_related("thing")
    }


BOB_THROUGH = ("project_groups:backend", BOB, "person", "admin", "Platform (prd)")


def group_of(world):
    return f"group:{world.store.all('group')[0]['vendor_id']}"


def test_groups_give_their_people_access_and_service_accounts_are_accounts_of_nobody(source, peopled):
    sync(source=source, at=at())

    assert held_now() == {
        ("project:backend", BOB, "person", "write", "dev"),
        ("project:backend", "Platform", "team", "admin", "prd"),
        ("project:backend", "reader", "app", "read", ""),
        (group_of(peopled), BOB, "person", "read", ""),
        ("workplace_service_accounts:fcd76", "ci", "app", "admin", ""),
        BOB_THROUGH,
    }
    kinds = ("doppler.group", "doppler.role", "doppler.service_account", "doppler.service_account_token")
    rows = Snapshot.objects.filter(asset__kind__in=kinds).order_by("asset__kind", "asset__name")
    assert [(row.asset.name, row.configuration) for row in rows] == [
        ("Platform", {"default_role": "no_access"}),
        ("Log reader", {"of": "project", "permissions": ["enclave_config_logs"], "counts_as": "read"}),
        ("ci", {"role": "logs, team_manage", "permissions": ["logs", "team_manage"]}),
        ("reader", {}),
        ("deploys", {"expires_at": at(90_000).isoformat()}),
    ]
    accounts = {seen.login or seen.uid: seen for seen in unexplained() if seen.provider == "doppler"}
    assert accounts["reader"].is_bot
    assert "Platform" not in accounts

    explain(
        seen=accounts["reader"], explained_as="service", reason="Rex answers for it", owner=person("Rex"), by=person("Mia"), at=at()
    )
    assert "reader" not in {seen.login for seen in unexplained()}


def test_who_leaves_a_group_and_a_group_that_is_dissolved_give_nothing_more(source, peopled):
    sync(source=source, at=at())
    peopled.set_group(name="Platform", emails=(REX,))
    sync(source=fresh(source), at=at(30))
    assert BOB_THROUGH in held_now()

    sync(source=fresh(source), at=at(61))
    through = {name for key, name, *_ in held_now() if key == "project_groups:backend"}
    assert through == {REX}

    peopled.remove_group(name="Platform")
    for row in peopled.store.all("service_account"):
        peopled.store.delete(row)
    sync(source=fresh(source), at=at(75))

    assert {key for key, *_ in held_now()} == {"project:backend"}
    gone = Asset.objects.filter(kind__in=("doppler.group", "doppler.service_account", "doppler.service_account_token"))
    assert not gone.filter(gone_at=None).exists()


STRANGE = [{"id": CANARY + " \n"}, "x", None]


def test_entries_of_logs_that_cannot_be_used_hide_no_other_one(source, world, monkeypatch):
    request = world.request_change(project="backend", config="prd", values={"STRIPE": "n"}, title="Rotate", by=BOB, at=at(-9))
    world.apply_request(request=request["vendor_id"], by=BOB, at=at(-8))
    for path in ("/v3/logs", "/v3/configs/config/logs", "/v3/workplace/change_requests"):
        spoil(monkeypatch, path, lambda body: (body if isinstance(body, list) else body["logs"]).extend(STRANGE))

    with pytest.raises(Permanent, match="an entry of a log cannot be used") as wrong:
        sync(source=source, at=at())

    assert CANARY not in str(wrong.value)
    assert VendorEvent.objects.filter(kind="doppler.config").count() == 3
    assert VendorEvent.objects.filter(kind="doppler.change_request").count() == 1


def test_lists_that_cannot_be_used_whole_end_nothing_that_they_said_before(source, peopled, monkeypatch):
    sync(source=source, at=at())
    before, assets = held_now(), Asset.objects.filter(gone_at=None).count()
    for path in ("/v3/configs/config/tokens", "/v3/projects/project/members", "/v3/workplace/groups"):
        spoil(monkeypatch, path, lambda body: next(iter(one for one in body.values() if isinstance(one, list))).append({"slug": 5}))

    with pytest.raises(Permanent, match="cannot be used"):
        sync(source=fresh(source), at=at(11))

    assert (held_now(), Asset.objects.filter(gone_at=None).count()) == (before, assets)


LISTS = ("/v3/workplace/groups", "/v3/workplace/service_accounts", "/v3/workplace/roles", "/v3/projects/roles")


@pytest.mark.parametrize("status", [401, 404])
def test_what_doppler_hides_of_groups_and_accounts_ends_nothing_and_is_said_until_it_is_given(source, peopled, status):
    sync(source=source, at=at())
    before = held_now()
    peopled.permit(without=LISTS, status=status)
    peopled.set_secrets(project="backend", config="prd", values={"STRIPE": "n"}, by=REX, at=at(20))

    assert sync(source=fresh(source), at=at(21)) == 2
    sync(source=fresh(source), at=at(22))

    assert held_now() == before
    row = fresh(source)
    row.last_good_read_at = at(22)
    hidden = "groups (team), roles, service accounts (service_accounts)"
    assert judge(row, at(22)) == ("stale", f"The token may not read: {hidden}. Give it these, or connect again with another token.")
    assert (
        check(source=row, at=at(22))
        .sentence(at=at(22))
        .endswith("The token lacks: groups (team), service accounts (service_accounts), roles.")
    )

    polling.POLLS["doppler"](fresh(source), lambda: at(23))
    assert fresh(source).covered_until == at(23)

    peopled.permit()
    sync(source=fresh(source), at=at(33))
    assert fresh(source).settings["missing"] == []
    assert held_now() == before


def test_many_groups_are_read_in_several_runs_and_none_is_read_twice(source, peopled, monkeypatch):
    monkeypatch.setattr("changes.connectors.doppler.access.FOR_OTHERS", 45)
    for number in range(8):
        peopled.add_group(name=f"G{number:02}", emails=(REX,))
    asked = []
    original = Doppler.group
    monkeypatch.setattr(Doppler, "group", lambda self, *, vendor_id: asked.append(vendor_id) or original(self, vendor_id=vendor_id))

    sync(source=source, at=at())
    first = len(asked)
    assert BOB_THROUGH not in held_now()
    for minute in (1, 2):
        sync(source=fresh(source), at=at(minute))

    assert 0 < first < 9
    assert sorted(asked) == sorted({row["vendor_id"] for row in peopled.store.all("group")})
    assert BOB_THROUGH in held_now()


@needed
def test_every_question_and_every_answer_is_as_doppler_describes_it(source, peopled, world, monkeypatch):
    description = OpenAPI.from_dict(described(), config=Config(spec_validator_cls=None))
    request = world.request_change(project="backend", config="prd", values={"STRIPE": "x"}, title="Rotate", by=BOB, at=at(-9))
    world.apply_request(request=request["vendor_id"], by=BOB, at=at(-8))
    heard = listen(monkeypatch)

    sync(source=source, at=at())

    for exchange in heard:
        hold(exchange, description, host="https://api.doppler.com")
    assert len({exchange.path for exchange in heard}) == 22
    assert all("reveal" not in exchange.query for exchange in heard)
