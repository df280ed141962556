"""Doppler's own examples are read, and no value of a secret comes out. Pure."""

import json
import re

import pytest

from changes.connectors.doppler import accounts, events, logs, payloads, rights
from changes.connectors.doppler.arriving import named, reduced
from changes.connectors.doppler.logs import Diff
from changes.connectors.doppler.payloads import Project
from changes.connectors.doppler.signature import is_genuine, sign
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.entitlements.facts import Held, Right
from tests.changes.connectors.doppler.vendor_data import samples

VALUES = ("sk_test_9YxLnoLDdvOPn2dfjBVPB", "N9TOPUBTO", "dp.said.bAqhcVzrhy5cRHkOlNTc0Ve6w5NUDCpcutm8vGE9myi")


def of(value):
    return Fields.of(value=value, path="item")


def each(name, read):
    return lambda body: [read(row) for row in payloads.listed(body, name)]


def whole(name, read):
    return lambda body: read(Fields.of(value=body, path="answer").needed(name))


BACKEND = Project(vendor_id="p1", name="backend")


def member(row):
    return rights.member(row, BACKEND, {}, {"log-reader": Right.READ})


def account(row):
    return accounts.service_account(row), accounts.service_account_right(row, "w1")


def role(row):
    return accounts.role(Fields.of(value={**row.values, "is_custom_role": True}, path="role"), "workplace")


def log(row):
    return logs.entry(row), logs.diff(row)


READERS = {
    "get.configs": each("configs", lambda row: payloads.config(row, {})),
    "get.configs_config": whole("config", lambda row: payloads.config(row, {})),
    "get.configs_config_logs": each("logs", logs.entry),
    "get.configs_config_logs_log": whole("log", log),
    "post.configs_config_logs_log_rollback": whole("log", log),
    "get.configs_config_secrets_names": logs.names,
    "get.configs_config_syncs_sync": whole("sync", lambda row: payloads.sync(row, "flyio", "Fly")),
    "post.configs_config_syncs": whole("sync", lambda row: payloads.sync(row, "flyio", "Fly")),
    "get.configs_config_tokens": each("tokens", lambda row: rights.service_token(row, "backend/prd", "production")),
    "get.environments": each("environments", payloads.environment),
    "get.environments_environment": whole("environment", payloads.environment),
    "get.integrations": payloads.syncs,
    "get.logs": each("logs", logs.entry),
    "get.logs_log": whole("log", log),
    "get.me": payloads.me,
    "get.projects": each("projects", payloads.project),
    "get.projects_project": whole("project", payloads.project),
    "get.projects_project_members": each("members", member),
    "get.workplace_change_request_policies": each("policies", payloads.policy),
    "get.workplace_change_request_policies_change_request_policy_slug": payloads.policy,
    "get.workplace_groups": each("groups", accounts.group),
    "get.workplace_roles": each("roles", role),
    "get.workplace_service_accounts": each("service_accounts", account),
    "get.workplace_users": each("workplace_users", lambda row: rights.user(row, "w1", {})),
    "post.configs_config_lock": whole("config", lambda row: payloads.config(row, {})),
    "post.configs_config_unlock": whole("config", lambda row: payloads.config(row, {})),
}
NOT_READ = {
    "get.configs_config_trusted_ips",
    "get.integrations_integration",
    "get.workplace",
    "post.auth_oidc",
}


@pytest.mark.parametrize("path", samples("responses/*.json"))
def test_every_example_is_read_and_its_values_stay_behind(path):
    name = path.name.removesuffix(".json")
    read = READERS.get(name)
    for body in json.loads(path.read_bytes())["responses"]["200"]:
        if read is None:
            assert name in NOT_READ
            with pytest.raises((Unreadable, Incomplete)):
                logs.hook(body)
            continue
        found = read(of(body) if read is payloads.policy else body)
        told = repr(found)
        assert len(told) > 10
        assert not any(value in told for value in VALUES)


@pytest.mark.parametrize("path", samples("webhooks/*.json"))
def test_every_webhook_names_its_config_and_names(path):
    event, kept = reduced(path.read_bytes())

    told = json.loads(kept)
    assert event == "config.secrets.update"
    assert (told["config"], told["environment"]) in {("dev_2", "dev"), ("prd", "prd")}
    assert told["diff"] in ({}, {"added": ["SENTRY_DSN"], "updated": ["DATABASE_URL"]})
    assert b"example.com" not in kept


def test_a_diff_keeps_names_and_sides_and_counts_what_is_no_name():
    canary = "canary-1"
    given = [
        {"name": "NEW", "added": canary},
        {"name": "OLD", "removed": canary},
        {"name": "BOTH", "added": canary, "removed": canary},
        {"name": "EMPTY"},
        {"name": canary, "added": canary},
        {"added": canary},
        canary,
    ]

    found = logs.diff(of({"diff": given}))

    assert found == Diff(added=("NEW",), removed=("OLD",), updated=("BOTH", "EMPTY"), unnamed=3)
    assert found.told() == {"added": ["NEW"], "removed": ["OLD"], "updated": ["BOTH", "EMPTY"], "unnamed": 3}
    assert logs.diff(of({"diff": canary})) == Diff()


@pytest.mark.parametrize(
    ("text", "rollback", "word"),
    [
        ("Rolled back log WaRMMyxHUg4lOKR", False, "rollback"),
        ("Secrets were modified", True, "rollback"),
        ("Created config prd", False, "create"),
        ("Deleted secret", False, "delete"),
        ("Locked config", False, "lock"),
        ("canary", False, "update"),
    ],
)
def test_of_a_text_only_the_kind_of_act_and_references_are_kept(text, rollback, word):
    said = f"{text} for CHG-1042 and CHG-1042"
    found = logs.entry(of({"id": "l1", "created_at": "2026-03-02T09:00:00Z", "text": said, "html": text, "rollback": rollback}))

    assert (found.word, found.references, found.email) == (word, ("CHG-1042",), "")
    assert text not in repr(found)


def test_what_is_no_id_is_refused_without_being_shown():
    with pytest.raises(Unreadable) as wrong:
        payloads.project(of({"id": "canary with spaces"}))

    assert "canary" not in str(wrong.value)


def test_a_change_request_keeps_who_and_where_and_never_what_it_sets():
    target = {"project": {"slug": "backend"}, "environment": {"slug": "prd"}, "config": {"slug": "prd"}}
    updates = [{"name": "STRIPE", "value": "canary"}]
    units = [
        {"status": "applied", "target": target, "updates": updates, "applied": {"configLog": {"slug": "l1"}}},
        {"status": "open", "target": target},
        {"status": "applied", "target": {}, "applied": None},
    ]
    request = {"id": "q1", "title": "CHG-7: rotate to canary", "createdAt": "2026-03-02T09:00:00Z", "units": units}
    request |= {"createdBy": {"name": "Bob"}, "assigned": [{"email": "rex@northwind.example"}, {"name": "Mia"}]}

    found = logs.request(of(request))
    told = events.applied_of(found, {})

    assert found.applied == (("backend/prd", "prd", "l1"), ("/", "", ""))
    assert (found.reviewers, found.references, found.by) == (("rex@northwind.example", "Mia"), ("CHG-7",), "Bob")
    assert (told[0].environment, told[0].detail["log"]) == ("production", "l1")
    assert "canary" not in repr(found) + repr(told)


@pytest.mark.parametrize(
    ("role", "right"),
    [
        *(("admin", Right.ADMIN), ("collaborator", Right.WRITE), ("viewer", Right.READ)),
        *(("of-our-own", Right.WRITE), ("log-reader", Right.READ)),
    ],
)
def test_a_role_becomes_a_right_and_no_access_becomes_none(role, right):
    given = {"type": "group", "slug": "g1", "environments": ["dev", "stg"], "access_all_environments": False}

    (held,) = member(of({**given, "role": {"identifier": role}}))

    assert (held.right, held.account_kind, held.through, held.vendor_word) == (right, "team", "dev, stg", role)
    assert member(of({**given, "role": {"identifier": "no_access"}})) == []


def held_by(account, name, kind, through):
    thing = {"thing": "doppler.project_groups:backend", "thing_name": "backend"}
    return Held(account, name, **thing, right=Right.READ, account_kind=kind, through=through, vendor_word="log-reader")


def test_a_group_gives_its_people_what_it_may_and_one_that_is_not_known_makes_nothing_up():
    given = {"type": "group", "role": {"identifier": "log-reader"}, "environments": ["prd"], "access_all_environments": False}
    held = [*member(of({**given, "slug": "g1"})), *member(of({**given, "slug": "g2", "access_all_environments": True}))]
    groups = {"g1": rights.Group("Platform", (("person", "u1"), ("app", "s1"))), "g2": rights.Group("All", (("person", "u2"),))}

    found = rights.through_groups(held, BACKEND, groups, {"u1": "rex@x.y"})

    assert found == [
        held_by("u1", "rex@x.y", "person", "Platform (prd)"),
        held_by("s1", "s1", "app", "Platform (prd)"),
        held_by("u2", "u2", "person", "All"),
    ]
    assert rights.through_groups(held, BACKEND, {"g1": groups["g1"]}, {}) is None
    assert rights.through_groups([], BACKEND, {}, {}) == []


def test_of_a_group_everybody_is_read_and_one_that_says_nobody_is_not_empty():
    members = [{"type": "workplace_user", "slug": "u1"}, {"type": "service_account", "slug": "s1"}, {"type": "robot", "slug": "r1"}]

    assert accounts.group_members(of({"members": members})) == [("person", "u1"), ("app", "s1"), ("app", "r1")]
    assert accounts.group_members(of({"members": []})) == []
    with pytest.raises(Incomplete, match="members is missing"):
        accounts.group_members(of({"name": "canary"}))


@pytest.mark.parametrize(
    ("permissions", "right"),
    [
        (["enclave_config_logs", "enclave_project_config_secrets_read", "team"], Right.READ),
        (["enclave_config_logs", "enclave_project_config_secrets_write"], Right.WRITE),
        (["enclave_config_logs", "enclave_project_members"], Right.ADMIN),
        (["something_new"], Right.WRITE),
    ],
)
def test_a_role_of_one_s_own_is_what_it_permits(permissions, right):
    given = {"name": "Ours", "identifier": "ours", "permissions": permissions, "is_custom_role": True}

    seen = accounts.role(of(given), "project")

    assert (seen.external_id, seen.configuration["counts_as"]) == ("project/ours", right)
    assert seen.configuration["permissions"] == sorted(permissions)
    assert accounts.role(of({**given, "is_custom_role": False}), "project") is None
    assert accounts.role(of({**given, "is_inline_role": True}), "project") is None


@pytest.mark.parametrize(
    ("role", "right", "word"),
    [
        ({"identifier": "admin", "permissions": ["team"]}, Right.ADMIN, "admin"),
        ({"identifier": "a1b2", "permissions": ["logs", "team"], "is_inline_role": True}, Right.READ, "logs, team"),
        ({"identifier": "a1b2", "permissions": [], "is_inline_role": True}, None, ""),
        ({"identifier": "no_access", "permissions": []}, None, ""),
        (None, None, ""),
    ],
)
def test_a_service_account_holds_what_its_role_says_and_nothing_of_its_keys(role, right, word):
    given = {"name": "sa", "slug": "s1", "workplace_role": role, "key": "canary", "token": {"value": "canary"}}
    token = {"name": "ci", "slug": "t1", "expires_at": "2026-06-01T00:00:00Z", "key": "canary", "token_preview": "canary"}

    held = accounts.service_account_right(of(given), "w1")
    seen = accounts.api_token(of(token), "s1")

    assert [(one.account_kind, one.account_name, one.right, one.vendor_word) for one in held] == (
        [("app", "sa", right, word)] if right else []
    )
    assert (seen.name, seen.within, seen.configuration) == ("ci", "s1", {"expires_at": "2026-06-01T00:00:00+00:00"})
    assert accounts.api_token(of({**token, "expires_at": None}), "s1").configuration == {}
    assert "canary" not in repr((held, seen, accounts.service_account(of(given))))


def test_the_settings_name_environments_and_doppler_s_own_slugs_are_known():
    assert payloads.environment_of("prd", {}) == "production"
    assert payloads.environment_of("prd", {"prd": "staging"}) == "staging"
    assert payloads.environment_of("qa", {}) == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{canary", "The body is not JSON"),
        (b"[]", "is not an object"),
        (b"{}", "config is missing"),
        (b'{"config": {"name": "prd"}}', "config.project is missing"),
        (b'{"config": {"name": "canary canary", "project": "p"}}', "is no id"),
    ],
)
def test_a_webhook_that_cannot_be_read_is_kept_as_the_reason_alone(body, reason):
    event, kept = reduced(body)

    assert event == "unreadable"
    assert reason in json.loads(kept)["unreadable"]
    assert b"canary" not in kept


def test_a_delivery_is_named_after_what_is_kept_of_it(monkeypatch):
    body = b'{"config": {"name": "prd", "project": "backend"}, "diff": {"updated": ["STRIPE", "canary", 5]}, "extra": "canary"}'
    monkeypatch.setattr("time.time", lambda: 6000.0)
    first, again = named(body, {}), named(body.replace(b'"canary"}', b'"another"}'), {})
    monkeypatch.setattr("time.time", lambda: 6600.0)

    assert first == again
    assert re.fullmatch(r"[0-9a-f]{48}-10", first.delivery_id)
    assert json.loads(first.body)["diff"] == {"updated": ["STRIPE"], "unnamed": 2}
    assert named(body, {}).delivery_id != first.delivery_id
    assert is_genuine(body, sign(body=body, secret="s"), "s")
    assert not is_genuine(body, sign(body=body, secret="s"), "t")
