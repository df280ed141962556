"""Doppler's own examples are read, and no value of a secret comes out. Pure."""

import json
import re

import pytest

from changes.connectors.doppler import events, logs, payloads, rights
from changes.connectors.doppler.arriving import named, reduced
from changes.connectors.doppler.logs import Diff
from changes.connectors.doppler.payloads import Project
from changes.connectors.doppler.signature import is_genuine, sign
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.entitlements.facts import Right
from tests.changes.connectors.doppler.vendor_data import samples

VALUES = ("sk_test_9YxLnoLDdvOPn2dfjBVPB", "N9TOPUBTO", "dp.said.bAqhcVzrhy5cRHkOlNTc0Ve6w5NUDCpcutm8vGE9myi")


def of(value):
    return Fields.of(value=value, path="item")


def each(name, read):
    return lambda body: [read(row) for row in payloads.listed(body, name)]


def whole(name, read):
    return lambda body: read(Fields.of(value=body, path="answer").needed(name))


def member(row):
    return rights.member(row, Project(vendor_id="p1", name="backend"), {})


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
    "get.workplace_users": each("workplace_users", lambda row: rights.user(row, "w1")),
    "post.configs_config_lock": whole("config", lambda row: payloads.config(row, {})),
    "post.configs_config_unlock": whole("config", lambda row: payloads.config(row, {})),
}
NOT_READ = {
    "get.configs_config_trusted_ips",
    "get.integrations_integration",
    "get.workplace",
    "get.workplace_groups",
    "get.workplace_roles",
    "get.workplace_service_accounts",
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
    ("role", "right"), [("admin", Right.ADMIN), ("collaborator", Right.WRITE), ("viewer", Right.READ), ("of-our-own", Right.WRITE)]
)
def test_a_role_becomes_a_right_and_no_access_becomes_none(role, right):
    given = {"type": "group", "slug": "g1", "environments": ["dev", "stg"], "access_all_environments": False}

    (held,) = member(of({**given, "role": {"identifier": role}}))

    assert (held.right, held.account_kind, held.through, held.vendor_word) == (right, "team", "dev, stg", role)
    assert member(of({**given, "role": {"identifier": "no_access"}})) == []


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
