"""The audit log at GitHub Enterprise Cloud, over the stand-in: what deliveries lost, told once, and where there is none."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.utils.timezone import now
from jsonschema import Draft202012Validator

from changes.connectors.errors import Passing
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.github import audit_log
from changes.connectors.github.audit_entries import is_before, kept_of, matters, meaning_of
from changes.connectors.inbox import drain
from changes.connectors.models import Reading, Source
from changes.delivery.models import Repository
from changes.delivery.rule_events import record_logged, record_told
from changes.delivery.rule_models import RuleEvent
from changes.exceptions.models import ExceptionRecord
from changes.inventory.models import VendorEvent
from tests.changes.connectors.github import vendor_data
from tests.changes.connectors.github.test_teams import portal
from tests.changes.people import person, sign_in
from tests.portal.standins.life import WEB
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind", "portal"]


def entry(action, **said):
    return {"@timestamp": 1770718800123, "_document_id": "doc-1", "action": action, "actor": "rex", "actor_id": 9003, **said}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (entry("protected_branch.create", repo=WEB, name="prod"), ("protection", "created", "prod", [])),
        (entry("protected_branch.destroy", repo=WEB, name="prod"),
         ("protection", "deleted", "prod", ["the protection was removed"])),
        (entry("repository_ruleset.destroy", repo=WEB, ruleset_name="r"), ("ruleset", "deleted", "r", ["the ruleset was removed"])),
        (entry("repo.add_member", repo=WEB, user="ann"), ("member", "added", "ann", ["access was given"])),
        (entry("repo.remove_member", repo=WEB, user="ann"), ("member", "removed", "ann", [])),
        (entry("repo.update_member", repo=WEB, data={"old_permission": "admin", "permission": "read"}),
         ("member", "edited", "unknown account", [])),
        (entry("repo.update_member", repo=WEB, user="ann", old_permission="read", permission="admin"),
         ("member", "edited", "ann", ["access went from read to admin"])),
        (entry("org.add_member", org="northwind", user="ann", permission="admin"),
         ("member", "member_added", "ann", ["an owner of the organisation may do everything"])),
        (entry("org.add_member", org="northwind", user="ann", permission="read"), ("member", "member_added", "ann", [])),
        (entry("org.update_member", org="northwind", user="ann"),
         ("member", "member_edited", "ann", ["the role None is not known"])),
        (entry("org.remove_member", org="northwind", user="ann"), ("member", "member_removed", "ann", [])),
        (entry("team.add_member", team="northwind/core", user="ann"),
         ("member", "added", "ann", ["access was given through the team core"])),
        (entry("team.remove_member", team="northwind/core", user="ann"), ("member", "removed", "ann", [])),
        (entry("team.add_repository", team="northwind/core", repo=WEB),
         ("member", "added_to_repository", "team core", ["access was given"])),
        (entry("team.update_repository_permission", team="northwind/core", repo=WEB, old_repo_permission="push",
               new_repo_permission="pull"), ("member", "edited", "team core", [])),
    ],
    ids=lambda value: value["action"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_an_entry_means_what_a_delivery_about_it_would(given, expected):
    kept = kept_of(entry=given)
    event = meaning_of(kept=kept).event

    assert (event.kind, event.action, event.subject, event.detail["reasons"]) == expected
    assert (event.weakens, event.actor_uid, event.actor_login) == (bool(expected[3]), 9003, "rex")
    assert event.happened_at == datetime(2026, 2, 10, 10, 20, 0, 123000, tzinfo=UTC)


def test_of_an_edit_of_rules_the_log_does_not_say_which_way_and_the_rest_means_nothing_for_repositories():
    for action in ("protected_branch.update_admin_enforced", "repository_ruleset.update"):
        event = meaning_of(kept=kept_of(entry=entry(action, repo=WEB, name="prod", ruleset_name="prod"))).event
        assert (event.action, event.weakens) == ("edited", False)
        assert event.detail["reasons"] == ["the log does not say which way; what guards the branch is read"]
    hook = entry("hook.create", hook_id=7, config=[{"url": "https://x.example/?key=canary-1"}], fingerprint="canary-2")
    kept = kept_of(entry=hook)
    assert (kept.kind, kept.object_id, meaning_of(kept=kept)) == ("github.hook", "7", None)
    assert "canary" not in str(kept)
    for nothing in (entry("team.create", team="northwind/core"), entry("protected_branch.policy_override", repo=WEB, name="prod")):
        assert meaning_of(kept=kept_of(entry=nothing)) is None
    some = ("git.clone", "repo.create", "repo.add_member", "hook.create")
    assert [word for word in some if matters(action=word)] == ["repo.add_member", "hook.create"]
    assert not is_before(entry={}, moment=now())
    with pytest.raises(Incomplete, match="@timestamp is missing"):
        kept_of(entry=entry("hook.create") | {"@timestamp": None})
    with pytest.raises(Unreadable, match="is no time"):
        kept_of(entry=entry("hook.create") | {"@timestamp": 2**62})


@vendor_data.needed
def test_the_official_example_is_read():
    spec = json.loads((vendor_data.GITHUB / "openapi.ghec-audit-log.cut.json").read_bytes())
    examples = spec["components"]["examples"]["audit-log"]["value"]
    found = [kept_of(entry=one) for one in examples if matters(action=one["action"])]

    assert [one.action for one in found] == ["team.add_member"]
    assert (found[0].external_id, found[0].object_name) == ("xJJFlFOhQ6b-5vaAFy9Rjw", "octo-corp/example-team")


@vendor_data.needed
def test_the_log_of_the_stand_in_is_valid_against_githubs_contract(northwind):
    northwind.keep_audit_log(org="northwind")
    northwind.set_ruleset(repository=WEB, name="r", by="rex")
    northwind.set_team(org="northwind", name="Core", by="rex", members={"ann": "member"}, repositories={WEB: "push"})
    schema = json.loads((vendor_data.GITHUB / "openapi.ghec-audit-log.cut.json").read_bytes())["components"]["schemas"]
    address, token = f"{northwind.api_url}/orgs/northwind/audit-log", northwind.token_of("rex")

    said = httpx.get(address, headers={"Authorization": f"Bearer {token}"}).json()

    wrong = [error.message for one in said for error in Draft202012Validator(schema["audit-log-event"]).iter_errors(one)]
    assert (len(said), wrong) == (4, [])


def rows():
    found = RuleEvent.objects.order_by("id")
    return [(row.kind, row.action, row.subject, row.weakens, row.confirmed_at is not None) for row in found]


def test_what_a_delivery_lost_is_told_by_the_log_and_what_it_told_is_confirmed_once(portal, northwind, client):
    Repository.objects.update(in_scope_from=portal.clock.at - timedelta(days=1))
    northwind.keep_audit_log(org="northwind")
    northwind.add_member(repository=WEB, login="zed", by="rex")
    northwind.log_action(org="northwind", action="hook.destroy", by="rex", said={"hook_id": 7})
    portal.apply()
    northwind.remove_protection(repository=WEB, branch="prod", by="rex")
    late = []
    northwind.post_held(lambda headers, body: late.append((headers, body)) or 202)
    assert rows() == [("member", "added", "zed", True, False)]

    found = audit_log.read_due(source=portal.source, at=portal.clock.at)
    for headers, body in late:
        portal.post(headers, body)
    drain(now=portal.clock)

    assert found == 3
    assert rows() == [("member", "added", "zed", True, True), ("protection", "deleted", "prod", True, True)]
    assert list(VendorEvent.objects.order_by("id").values_list("action", "kind")) == [
        ("repo.add_member", "github.repo"),
        ("hook.destroy", "github.hook"),
        ("protected_branch.destroy", "github.protected_branch"),
    ]
    assert {"access:", "rules:prod"} <= set(Reading.objects.values_list("subject", flat=True))
    source = Source.objects.get()
    assert audit_log.read_due(source=source, at=portal.clock.at + timedelta(minutes=1)) == 0
    assert audit_log.read_due(source=source, at=portal.clock.at + timedelta(minutes=6)) == 0, "by their ids they are known"
    portal.settle()
    assert sorted(ExceptionRecord.objects.values_list("kind", "confirmed")) == [
        ("access_granted_outside_process", True),
        ("protection_weakened", True),
    ]
    sign_in(client, person("Mia"))
    assert "northwind: read" in client.get("/integrations/").content.decode()


def test_a_person_in_a_team_and_an_owner_are_told_where_they_matter(portal, northwind):
    Repository.objects.update(in_scope_from=portal.clock.at - timedelta(days=1))
    northwind.set_team(org="northwind", name="Core Team", by="rex", members={}, repositories={WEB: "push"})
    portal.apply()
    portal.read()
    northwind.keep_audit_log(org="northwind")
    for slug in ("core-team", "other"):
        said = {"team": f"northwind/{slug}", "user": "ann"}
        northwind.log_action(org="northwind", action="team.add_member", by="rex", said=said, at=now() + timedelta(seconds=2))
    northwind.join_organization(org="northwind", login="bob", by="rex", role="admin")
    northwind.post_held(lambda headers, body: 202)

    assert audit_log.read_due(source=portal.source, at=portal.clock.at) == 3
    assert sorted(rows()[1:]) == [("member", "added", "ann", True, True), ("member", "member_added", "bob", True, True)]


def test_an_entry_that_cannot_be_used_hides_no_other_one_and_what_is_old_ends_the_reading(portal, northwind):
    Repository.objects.update(in_scope_from=portal.clock.at - timedelta(days=1))
    northwind.keep_audit_log(org="northwind")
    old = {"org": "northwind", "by": "rex", "at": portal.clock.at - timedelta(days=2)}
    northwind.log_action(**old, action="repo.add_member", said={"repo": WEB, "user": "zed"})
    northwind.log_action(**old, action="repo.create")
    northwind.log_action(org="northwind", action="repo.add_member", by="rex", said={"repo": WEB, "user": "ann"})
    northwind.log_action(org="northwind", action="hook.create", by="rex", said={"actor_id": "x"})

    assert audit_log.read_due(source=portal.source, at=portal.clock.at) == 1
    assert [row[2] for row in rows()] == ["ann"]
    noted = Source.objects.get().settings["audit_log"]["northwind"]
    assert noted["problem"] == "an entry cannot be used: entry.actor_id is not a whole number"
    assert "until" not in noted


@pytest.mark.django_db
def test_an_edit_that_a_delivery_shows_to_loosen_a_rule_stands_beside_what_the_log_said_of_it():
    web = Repository.objects.create(name=WEB, in_scope_from=now())
    edit = entry("protected_branch.update_admin_enforced", repo=WEB, name="prod")
    logged = record_logged(repository=web, fact=meaning_of(kept=kept_of(entry=edit)).event, key="audit:1:1", at=now())
    fact = replace(meaning_of(kept=kept_of(entry=edit)).event, weakens=True)

    told = [record_told(repository=web, fact=fact, key="d1", came_at=now(), at=now()) for _ in range(2)]
    harmless = record_told(repository=web, fact=replace(fact, weakens=False), key="d2", came_at=now(), at=now())

    assert told[0] == told[1] != logged == harmless
    assert RuleEvent.objects.count() == 2


def test_where_there_is_no_log_that_is_said_and_asked_again_after_a_day(portal, northwind, client, monkeypatch):
    asked = []
    plain = northwind.api.answer
    monkeypatch.setattr(northwind.api, "answer", lambda request: asked.append(request.path) or plain(request))
    at = portal.clock.at
    for hours in (0, 1, 23, 25):
        assert audit_log.read_due(source=Source.objects.get(), at=at + timedelta(hours=hours)) == 0
    assert asked == ["/github/orgs/northwind/audit-log"] * 2
    sign_in(client, person("Mia"))
    page = client.get("/integrations/").content.decode()
    assert "northwind: not there, or not for us" in page
    assert Source.objects.get().failures == 0

    def away(**given):
        raise Passing("GitHub is away")

    monkeypatch.setattr(audit_log, "_entries", lambda *given: away())
    assert audit_log.read_due(source=Source.objects.get(), at=at + timedelta(days=3)) == 0
    noted = Source.objects.get().settings["audit_log"]["northwind"]
    assert (noted["problem"], "hidden" in noted) == ("GitHub is away", False)
