"""Teams, their members and owners at GitHub: told by deliveries, kept for each repository, read at once. Over the stand-in."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils.timezone import now

from changes.connectors.actions import connect_github
from changes.connectors.door import forget
from changes.connectors.github import auth
from changes.connectors.github.payloads import parse
from changes.connectors.github.watching import _find_weaker
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Reading, Source
from changes.connectors.readings import read_due
from changes.connectors.settling import settle_due
from changes.delivery.facts import OrganisationReported, RuleEventReported
from changes.delivery.models import Repository
from changes.delivery.rule_models import RuleEvent, RulesSnapshot
from changes.entitlements.models import Entitlement
from changes.exceptions import detect
from changes.exceptions.models import ExceptionRecord
from tests.changes.connectors.github import made, vendor_data
from tests.changes.stories import Clock
from tests.portal.standins.life import WEB
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
ORGANISATION = {"login": "northwind", "id": 1}
CORE = {"id": 7, "name": "Core", "slug": "core", "permission": "push"}


class Portal:
    """The portal in front of the stand-in, with one repository of two in scope."""

    def __init__(self, client, github):
        self.client, self.github, self.clock = client, github, Clock(now())
        self.source = Source.objects.get(name="github")
        Repository.objects.update(vendor_id=github.repository(WEB)["id"])

    def post(self, headers, body):
        kind = headers.pop("Content-Type")
        return self.client.post("/hooks/github/", data=body, content_type=kind, headers=headers).status_code

    def apply(self):
        """Deliveries, without readings. The states and notes of those about the organisation."""
        self.github.post_held(self.post)
        drain(now=self.clock)
        rows = Delivery.objects.filter(event__in=["team", "membership", "organization"]).order_by("id")
        return [(row.event, row.state, row.note) for row in rows]

    def read(self):
        read_due(now=self.clock)

    def settle(self):
        self.read()
        self.clock.wait(6)
        settle_due(now=self.clock)
        rows = ExceptionRecord.objects.filter(kind="access_granted_outside_process").order_by("id")
        return [row.sentence for row in rows]

    def events(self):
        rows = RuleEvent.objects.filter(kind="member").order_by("id").values_list("action", "subject", "weakens")
        return [row for row in rows if row[0] != "edited"]


@pytest.fixture
def portal(transactional_db, client, settings, northwind):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    forget()
    auth._kept.clear()
    northwind.post_held(lambda headers, body: 202)
    given = {"main": "main", "prod": "prod", "api_url": northwind.api_url, "token": northwind.token()}
    connect_github(repository=WEB, secret="standin-secret", at=now(), **given)
    return Portal(client, northwind)


def held(kind):
    rows = Entitlement.objects.filter(thing__key__startswith=kind, ended_at=None)
    return sorted(rows.values_list("account_name", "right"))


def test_a_team_and_who_is_in_it_are_kept_and_read_at_once(portal, northwind):
    given = {"org": "northwind", "name": "Core", "by": "rex"}
    northwind.set_team(**given, members={}, repositories={WEB: "push"})
    assert portal.apply()[1:] == [("team", "applied", "")]
    portal.read()
    assert held("github.repository_teams:") == [("Core", "write")]

    northwind.set_team(**given, members={"ann": "member"}, repositories={WEB: "push"})
    northwind.set_team(**given, members={"ann": "member"}, repositories={WEB: "pull"})
    assert portal.apply()[2:] == [("membership", "applied", f"about {WEB}"), ("team", "applied", "")]
    portal.read()

    assert held("github.team:") == [("ann", "read")]
    assert portal.events() == [("added_to_repository", "team Core", True), ("added", "ann", True)]
    assert RuleEvent.objects.get(action="edited", kind="member").weakens is False
    assert portal.settle() == [
        "rex gave team Core access to the repository.",
        "rex gave ann access to the repository, through the team Core.",
    ]
    northwind.set_team(**given, members={}, repositories={WEB: "pull"})
    northwind.delete_team(org="northwind", name="Core", by="rex")
    portal.apply()
    portal.read()
    assert portal.events()[2:] == [("removed", "ann", False), ("deleted", "team Core", False)]
    assert held("github.repository_teams:") == []
    assert len(portal.settle()) == 2


def test_who_is_in_a_team_that_has_just_been_given_access_is_told_before_that_was_read(portal, northwind):
    northwind.set_team(org="northwind", name="Docs", by="rex", members={}, repositories={})
    portal.apply()
    portal.read()
    northwind.set_team(org="northwind", name="Docs", by="rex", members={"ann": "member"}, repositories={WEB: "push"})

    assert portal.apply()[1:] == [("team", "applied", ""), ("membership", "applied", f"about {WEB}")]
    assert portal.events() == [("added_to_repository", "team Docs", True), ("added", "ann", True)]


def test_a_team_without_access_in_scope_changes_nothing_once_that_is_known(portal, northwind):
    northwind.create_repository(name="northwind/other", by="rex", files={"a": "b"})
    given = {"org": "northwind", "name": "Docs", "by": "rex", "repositories": {"northwind/other": "push"}}
    northwind.set_team(**given, members={})
    told = portal.apply()
    assert ("team", "applied", "which repositories it concerns was not read yet") in told
    assert ("team", "ignored", "northwind/other is not in scope") in told
    assert Reading.objects.filter(subject="access:", done_at=None).count() == 1
    portal.read()

    northwind.set_team(**given, members={"bob": "member"})

    assert portal.apply()[-1] == ("membership", "ignored", "the team has access to no repository in scope")
    assert not RuleEvent.objects.filter(kind="member", subject="bob").exists()


def test_an_owner_may_do_everything_and_a_member_gets_what_is_read(portal, northwind):
    northwind.join_organization(org="northwind", login="ann", by="rex", role="admin")
    northwind.join_organization(org="northwind", login="bob", by="rex")
    northwind.leave_organization(org="northwind", login="bob", by="rex")

    assert portal.apply() == [("organization", "applied", f"about {WEB}")] * 3
    assert portal.events() == [("member_added", "ann", True), ("member_added", "bob", False), ("member_removed", "bob", False)]
    assert portal.settle() == ["rex gave ann access to every repository, as an owner of northwind."]
    assert ExceptionRecord.objects.get().fold == "access_granted_outside_process|northwind|rex"


def test_access_that_was_taken_and_given_again_is_told_again_though_the_bytes_are_the_same(portal, northwind):
    for _ in range(2):
        northwind.join_organization(org="northwind", login="ann", by="rex", role="admin")
        portal.apply()
        portal.clock.wait(900)
        Delivery.objects.update(received_at=now() - timedelta(minutes=20))

    assert portal.events() == [("member_added", "ann", True)] * 2
    assert len(set(RuleEvent.objects.filter(kind="member").values_list("delivery_key", flat=True))) == 2


def test_access_that_was_given_hides_no_rule_that_was_loosened_meanwhile(portal, northwind):
    northwind.add_member(repository=WEB, login="zed", by="rex")
    portal.apply()
    at, repository = portal.clock.at, Repository.objects.get()
    after = {"after": at - timedelta(minutes=9), "read_at": at, "last_read_at": at}
    snapshot = RulesSnapshot(repository=repository, subject="branch:prod", digest="d", rules={}, weaker=["less"], **after)

    _find_weaker(repository, snapshot, "what guards prod")

    assert ExceptionRecord.objects.filter(kind="protection_weakened").count() == 1


def test_a_secret_of_one_repository_signs_nothing_about_another_and_strangers_are_ignored(portal, northwind):
    northwind.join_organization(org="northwind", login="ann", by="rex", role="admin")
    Repository.objects.update(name="elsewhere/web")
    assert portal.apply() == [("organization", "ignored", "no repository of northwind is in scope")]
    Repository.objects.update(name=WEB, in_scope_until=now())
    connect_github(repository="northwind/api", secret="another", main="main", prod="prod", at=now(), api_url=northwind.api_url)
    northwind.join_organization(org="northwind", login="bob", by="rex", role="admin")

    assert portal.apply()[1:] == [("organization", "quarantined", "signed with no secret of northwind's repositories")]
    assert not RuleEvent.objects.exists()


def parsed(event, **body):
    found = parse(event, json.dumps({"organization": ORGANISATION, "sender": made.SENDER, **body}).encode())
    return found, next(iter(found.facts), None)


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ({"pull": True}, {"pull": True, "push": True}, ["the team's access went from pull to push"]),
        ({"push": True}, {"push": True, "pull": True}, []),
        ({"admin": True}, None, []),
        ({"pull": True}, None, ["the team's access went from pull to unknown"]),
        ({}, {"pull": True}, ["the team's access went from unknown to pull"]),
    ],
)
def test_an_edit_of_a_team_is_harmless_only_when_it_shows_it(before, after, reasons):
    repository = made.REPOSITORY | ({"permissions": after} if after is not None else {})
    changes = {"repository": {"permissions": {"from": before}}}

    _, fact = parsed("team", action="edited", team=CORE, repository=repository, changes=changes)

    assert isinstance(fact, RuleEventReported)
    assert (fact.detail["reasons"], fact.weakens) == (reasons, bool(reasons))


def test_what_is_said_of_an_organisation_and_no_repository():
    above = {**CORE, "parent": {"id": 6}}
    for event, body, expected in (
        ("team", {"action": "created", "team": above}, OrganisationReported(organisation="northwind", teams=(7, 6))),
        ("team", {"action": "added_to_repository", "team": CORE}, OrganisationReported(organisation="northwind")),
        (
            "organization",
            {"action": "renamed", "changes": {"login": {"from": "northwynd"}}},
            OrganisationReported(organisation="northwind", former="northwynd", whole=True),
        ),
        ("organization", {"action": "deleted"}, OrganisationReported(organisation="northwind", whole=True)),
    ):
        found, fact = parsed(event, **body)
        assert (found.kind, found.repository, fact) == ("known", None, expected)

    membership = {"role": "billing_manager", "user": {"login": "zed", "id": 3}}
    _, fact = parsed("organization", action="member_added", membership=membership)
    assert fact.event.detail["reasons"] == ["the role 'billing_manager' is not known"]
    event = RuleEvent(kind="member", actor_login="rex", subject="zed", detail=fact.event.detail)
    assert detect._rule_sentence(event) == "rex gave zed access, in the organisation northwind."
    _, fact = parsed("membership", action="moved", scope="team", member=None, team=CORE)
    assert (fact.event.subject, fact.event.detail["reasons"]) == ("unknown account", ["the action 'moved' is not known"])
    found, fact = parsed("organization", action="member_invited", invitation={}, user={})
    assert (found.note, fact) == ("An invitation gives no access before it is accepted", None)


def test_an_organisation_that_is_renamed_is_read_at_each_of_its_repositories(portal, northwind):
    body = json.dumps({"action": "renamed", "changes": {"login": {"from": "northwind"}}, "organization": {"login": "northwest"}})
    northwind.hooks.send(event="organization", payload=json.loads(body))

    assert portal.apply() == [("organization", "applied", f"about {WEB}")]
    wanted = Reading.objects.exclude(subject__startswith="rules:").values_list("subject", flat=True)
    assert set(wanted) == {"access:", "repository:"}


@vendor_data.needed
def test_the_recorded_deliveries_say_who_was_given_what():
    said = {}
    for name in ("membership/added", "membership/removed", "team/added_to_repository", "team/deleted", "organization/member_added"):
        found = parse(name.partition("/")[0], json.dumps(vendor_data.recorded(f"octokit/{name}")).encode())
        (fact,) = found.facts
        event = fact.event if isinstance(fact, OrganisationReported) else fact
        said[name] = (event.subject, event.detail["reasons"], event.actor_login)
        assert replace(event, weakens=bool(event.detail["reasons"])) == event

    assert said == {
        "membership/added": ("Codertocat", ["access was given through the team github"], "Codertocat"),
        "membership/removed": ("Codertocat", [], "Codertocat"),
        "team/added_to_repository": ("team github", ["the team was given access (pull)"], "Codertocat"),
        "team/deleted": ("team github", [], "Codertocat"),
        "organization/member_added": ("hacktocat", [], "Codertocat"),
    }
