"""Cloudflare's own answers are read, or refused with the reason that is right. Pure."""

import json
import re

import pytest

from changes.connectors.cloudflare import envelope, payloads
from changes.connectors.cloudflare.audit import event_v1, event_v2, kind_of
from changes.connectors.cloudflare.envelope import Declined
from changes.connectors.cloudflare.payloads import environment_of, right_of, scrubbed
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.entitlements.facts import Right
from tests.changes.connectors.cloudflare.vendor_data import samples

ENVIRONMENTS = {"northwind.example": "production", "staging.northwind.example": "staging"}


def of(value):
    return Fields.of(value=value, path="item")


READERS = (
    (r"access/logs/|access/users|identity_providers|organizations|access_identity_provider|access_organization", None),
    (r"access/apps/\{?[\w-]*\}?/policies|access_policy|access/policies", payloads.policy),
    (r"access/apps|access_application", lambda item: payloads.application(item, ENVIRONMENTS)),
    (r"access/groups|access_group", payloads.group),
    (r"service_tokens", payloads.service_token),
    (r"members|account_members", lambda item: payloads.member(item, "a1")),
    (r"roles|account_roles", payloads.role),
    (r"dns", lambda item: payloads.record(item, "z1", ENVIRONMENTS)),
    (r"logs/audit/product_categories", None),
    (r"logs/audit", lambda item: event_v2(item, ENVIRONMENTS)),
    (r"audit_logs", lambda item: event_v1(item, ENVIRONMENTS)),
    (r"analytics", None),
    (r"^/zones|recorded/zone", lambda item: payloads.zone(item, ENVIRONMENTS)),
)
REFUSED = {
    "zones_zone_id_dns_records.json": "id is missing",
    "zones_zone_id_dns_records_dns_record_id.json": "id is missing",
}
"""The description's own example of a record leaves the id out."""


def reader_of(path, recorded):
    told = f"{recorded.get('path', '')} {recorded.get('routes_expr', '')} {'/'.join(path.parts[-3:])}"
    return next((reader for pattern, reader in READERS if re.search(pattern, told)), None)


@pytest.mark.parametrize("path", samples("recorded/*/*.json", "spec-examples/*.json"))
def test_every_recorded_answer_is_read_or_refused_with_its_reason(path):
    recorded = json.loads(path.read_bytes())
    body = recorded.get("response", recorded)
    reader = reader_of(path, recorded)

    assert envelope.declined(body) is None
    result = body["result"]
    if "verify" in path.name.lower():
        state = envelope.token_state(body)
        assert (state.status, state.expires_at.year) == ("active", 2020)
        return
    items = envelope.page(body).items if isinstance(result, list) else (envelope.one(body),)
    if reader is None:
        assert all(item.values for item in items)
        return
    if path.name in REFUSED:
        with pytest.raises(Incomplete, match=REFUSED[path.name]):
            [reader(item) for item in items]
        return
    found = repr([reader(item) for item in items])
    assert len(found) > 20
    for secret in ("1234567890", "a-secret-key", "client_secret'", "your client secret"):
        assert secret not in found


@pytest.mark.parametrize("policies", [5, 1.5, True, "x", {"id": "p1"}])
def test_policies_of_an_application_that_are_no_list_are_refused(policies):
    with pytest.raises(Unreadable, match="policies is not a list"):
        payloads.application(of({"id": "a1", "name": "Admin", "policies": policies}), ENVIRONMENTS)


def test_a_zone_and_its_record_keep_what_a_person_decided():
    zone = payloads.zone(of({"id": "z1", "name": "northwind.example", "status": "active", "paused": False}), ENVIRONMENTS)
    srv = {"id": "r1", "type": "SRV", "name": "_sip.staging.northwind.example", "content": "5 x", "ttl": 60, "data": {"port": 5}}
    record = payloads.record(of({**srv, "modified_on": "2026-01-01T00:00:00Z"}), "z1", ENVIRONMENTS)

    assert (zone.environment, zone.configuration) == ("production", {"status": "active", "paused": False})
    assert (record.name, record.within, record.environment) == ("SRV _sip.staging.northwind.example", "z1", "staging")
    assert record.configuration == {"type": "SRV", "content": "5 x", "ttl": 60, "data": {"port": 5}}


def test_the_longest_domain_names_the_environment():
    assert environment_of("api.staging.northwind.example/admin", ENVIRONMENTS) == "staging"
    assert environment_of("*.northwind.example", ENVIRONMENTS) == "production"
    assert environment_of("othernorthwind.example", ENVIRONMENTS) == ""


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("Super Administrator - All Privileges", Right.ADMIN),
        ("Administrator Read Only", Right.READ),
        ("Audit Logs Viewer", Right.READ),
        ("DNS Read", Right.READ),
        ("DNS", Right.WRITE),
        ("Something new", Right.WRITE),
    ],
)
def test_a_role_becomes_the_right_that_it_gives(word, right):
    assert right_of(word) is right


def test_a_member_holds_a_right_for_each_role_and_a_pending_one_holds_none():
    user = {"id": "u1", "email": "rex@northwind.example"}
    roles = [{"name": "DNS"}, {"name": "Administrator"}]

    held = payloads.member(of({"id": "m1", "user": user, "status": "accepted", "roles": roles}), "a1")

    assert [(one.account_id, one.account_name, one.thing, one.right, one.through) for one in held] == [
        ("u1", "rex@northwind.example", "cloudflare.account:a1", Right.WRITE, "DNS"),
        ("u1", "rex@northwind.example", "cloudflare.account:a1", Right.ADMIN, "Administrator"),
    ]
    assert payloads.member(of({"id": "m1", "user": user, "status": "pending", "roles": roles}), "a1") == []
    assert payloads.member(of({"id": "m1", "user": None, "status": "pending", "roles": roles}), "a1") == []


@pytest.mark.parametrize(
    ("given", "name"),
    [({"name": "Admin", "domain": "a.example"}, "Admin"), ({"name": None, "domain": "a.example"}, "a.example"), ({}, "p1")],
)
def test_an_application_without_a_name_is_called_by_its_domain_or_its_id(given, name):
    assert payloads.application(of({"id": "p1", **given}), ENVIRONMENTS).name == name


def test_what_is_named_as_a_secret_is_left_out_and_ids_stay():
    value = {
        "client_id": "c",
        "client_secret": "x",
        "api_token": "y",
        "token_id": "t",
        "deep": [{"password": "z", "scheme": "basic"}],
    }

    assert scrubbed(value) == {"client_id": "c", "token_id": "t", "deep": [{"scheme": "basic"}]}


@pytest.mark.parametrize(
    ("body", "pages"),
    [
        ({"page": 1, "per_page": 20, "total_count": 41, "total_pages": 3}, 3),
        ({"page": 1, "per_page": 20, "total_count": 41}, 3),
        ({"page": 1, "per_page": 20}, None),
        ({"count": "1", "cursor": "abc"}, None),
    ],
)
def test_the_number_of_pages_is_said_or_counted(body, pages):
    assert envelope.page({"success": True, "result": [], "result_info": body}).pages == pages


def test_an_envelope_that_says_no_is_an_error_with_its_number_and_no_envelope_is_unreadable():
    with pytest.raises(Declined) as no:
        envelope.page({"success": False, "errors": [{"code": 9109, "message": "no\nway"}], "result": None})

    assert (no.value.code, no.value.words) == (9109, "no way")
    assert envelope.declined({"success": False, "errors": []}).words == "an error without words"
    assert envelope.declined({"result": []}).code == 0
    with pytest.raises(Unreadable):
        envelope.page([])


def entry(**more):
    return {
        "id": "e1",
        "action": {"type": "create", "result": "success", "time": "2026-03-02T09:00:00Z"},
        "actor": {"id": "u1", "email": "rex@northwind.example", "context": "dash"},
        "resource": {"id": "r1", "product": "dns_records", "type": "dns_record"},
        "raw": {"method": "POST", "uri": "/zones/z1/dns_records"},
        "zone": {"id": "z1", "name": "northwind.example"},
        **more,
    }


def test_an_entry_of_the_audit_log_says_who_did_what_to_which_record():
    request = {"name": "www.northwind.example", "type": "A", "content": "198.51.100.4", "comment": "CHG-1042, new shop"}
    resource = {**entry()["resource"], "request": request}

    event = event_v2(of(entry(resource=resource)), ENVIRONMENTS)

    assert (event.external_id, event.action, event.kind) == ("e1", "create", "cloudflare.dns_record")
    assert (event.actor_id, event.actor_name) == ("u1", "rex@northwind.example")
    assert (event.object_id, event.object_name, event.environment) == ("r1", "www.northwind.example", "production")
    assert event.detail == {
        "result": "success",
        "by": "dash",
        "zone": "northwind.example",
        "type": "A",
        "comment": "CHG-1042, new shop",
        "references": ["CHG-1042"],
    }


def test_a_secret_in_the_quoted_answer_is_not_read():
    resource = {
        "id": "t1",
        "product": "access",
        "type": "service_token",
        "response": {"success": True, "result": {"name": "CI", "client_secret": "canary"}},
    }

    event = event_v2(of(entry(resource=resource, raw={"uri": "/accounts/a/access/service_tokens", "method": "POST"})), {})

    assert (event.kind, event.object_name) == ("cloudflare.service_token", "CI")
    assert "canary" not in repr(event)


def test_looking_is_no_event_and_version_1_says_the_same_in_other_words():
    old = {
        "id": "o1",
        "when": "2026-03-02T09:00:00Z",
        "action": {"type": "rec_del", "result": False},
        "actor": {"email": "rex@northwind.example"},
        "resource": {"id": "r1", "type": "DNS_record"},
        "metadata": {"name": "www.northwind.example", "zone_name": "northwind.example", "type": ["odd"]},
        "oldValue": "canary",
    }

    event = event_v1(of(old), ENVIRONMENTS)

    assert event_v2(of(entry(action={"type": "view", "time": "2026-03-02T09:00:00Z"})), {}) is None
    assert event_v2(of(entry(raw={"method": "GET"})), {}) is None
    assert event_v1(of({**old, "action": {"type": "view"}}), {}) is None
    assert (event.action, event.kind, event.actor_id) == ("delete", "cloudflare.dns_record", "rex@northwind.example")
    assert event.detail == {"result": "failure", "zone": "northwind.example"}


@pytest.mark.parametrize(
    ("product", "kind", "path", "thing"),
    [
        ("dns_records", "", "", "cloudflare.dns_record"),
        ("", "", "/zones/z/dns_records/r", "cloudflare.dns_record"),
        ("access", "", "/accounts/a/access/apps/x/policies/p", "cloudflare.access_policy"),
        ("access", "", "/accounts/a/access/apps/x", "cloudflare.access_app"),
        ("access", "", "/accounts/a/access/groups", "cloudflare.access_group"),
        ("access", "", "/accounts/a/access/organizations", "cloudflare.access_organization"),
        ("access", "identity_provider", "", "cloudflare.identity_provider"),
        ("access.app", "create", "", "cloudflare.access_app"),
        ("access", "", "", "cloudflare.access"),
        ("members", "", "/accounts/a/members", "cloudflare.members"),
        ("zones", "", "/zones", "cloudflare.zones"),
        ("zone", "change_setting", "", "cloudflare.zone"),
        ("", "", "", "cloudflare.other"),
    ],
)
def test_what_an_entry_is_about_is_told_from_its_words(product, kind, path, thing):
    assert kind_of(product, kind, path) == thing
