"""Access that was given and rules that were loosened at the forge: tied to the change that foresaw it, or in the register."""

from datetime import timedelta

import pytest
from django.urls import reverse

from changes.connectors.actions import connect_github
from changes.connectors.settling import settle_due, touch
from changes.delivery.actions import record_rule_event
from changes.delivery.facts import RuleEventReported
from changes.exceptions.models import ExceptionRecord, RuleMatch
from changes.proposals.actions import open_change
from portal.ledger.queries import entries_about
from tests.changes.people import linked, person, sign_in
from tests.changes.stories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def web():
    return connect_github(repository="northwind/web", secret="s3cret", main="main", prod="prod", at=NOW - 9 * DAY)


@pytest.fixture
def rex():
    return linked(person("Rex"), 12, "rex").user


def change(by, title, *, kind="access", at=NOW - DAY, state="proposed"):
    return open_change(
        texts={"title": title}, source="form", at=at, actor="shell:test", by=by, state=state, classified={"kind": kind}
    )


def edited(web, *, kind="member", action="added", subject="zed", uid=12, key="d1", weakens=True, **detail):
    fact = RuleEventReported(
        kind=kind, action=action, subject=subject, weakens=weakens, detail=detail, actor_uid=uid, actor_login="rex" if uid else ""
    )
    return record_rule_event(repository=web, fact=fact, key=key, at=NOW)


def settled(web):
    touch(repository=web, at=NOW)
    settle_due(now=lambda: NOW + timedelta(minutes=1))
    return list(ExceptionRecord.objects.order_by("id").values_list("kind", "state"))


def test_access_that_a_change_foresaw_is_tied_to_it_and_no_exception(web, rex, client):
    made = change(rex, "Give zed access to the web repository")
    edited(web)

    assert settled(web) == []

    row = RuleMatch.objects.get()
    assert (row.change, row.reason) == (made, "It names zed web, and whoever edited asked for it or worked on it.")
    (entry,) = [one for one in entries_about(stream=f"change:{made.number}") if one.kind == "edit.matched"]
    assert entry.fact["edit"] == "member added zed"
    assert settled(web) == []
    assert RuleMatch.objects.count() == 1
    sign_in(client, rex)
    page = client.get(reverse("change", args=[made.number])).content.decode()
    assert ("access of zed in northwind/web</span> at GitHub" in page, row.reason in page) == (True, True)


@pytest.mark.parametrize(
    "given",
    [
        {"title": "Give zed access"},
        {"title": "Give zeda access to web"},
        {"title": "Give zed access to web", "kind": "application"},
        {"title": "Give zed access to web", "state": "draft"},
        {"title": "Give zed access to web", "at": NOW + DAY},
    ],
    ids=["no repository", "somebody else", "another kind", "not proposed", "afterwards"],
)
def test_access_that_no_change_foresaw_is_an_exception(web, rex, given):
    change(rex, **given)
    edited(web)

    assert settled(web) == [("access_granted_outside_process", "open")]
    assert not RuleMatch.objects.exists()


def test_a_change_of_somebody_else_covers_nothing(web, rex):
    change(person("Cleo"), "Give zed access to web")
    edited(web)
    edited(web, uid=None, key="d2", subject="amy")

    assert settled(web) == [("access_granted_outside_process", "open")] * 2


def test_a_loosened_rule_is_named_with_the_whole_name_of_its_repository(web, rex):
    change(rex, "Take the ruleset strict off northwind/web, and branch protection")
    edited(web, kind="ruleset", action="deleted", subject="strict")
    edited(web, kind="protection", action="disabled", subject="*", key="d2")
    edited(web, kind="protection", action="edited", subject="prod", key="d3")
    edited(web, kind="ruleset", action="created", subject="web", key="d4", weakens=False)

    assert settled(web) == [("protection_weakened", "open")]
    assert sorted(RuleMatch.objects.values_list("event__delivery_key", flat=True)) == ["d1", "d2"]


def test_access_by_a_team_or_as_an_owner_is_named_with_the_team_or_the_organisation(web, rex):
    core = {"id": 7, "name": "Core"}
    for title in ("Put ann into the team Core", "Make bob an owner of northwind", "Give the team Ops access to web"):
        change(rex, title)
    edited(web, subject="ann", team=core, through="through the team Core")
    edited(web, subject="bob", key="d2", action="member_added", organisation="northwind")
    edited(web, subject="team Ops", key="d3", action="added_to_repository", team={"id": 8, "name": "Ops"})
    edited(web, subject="zed", key="d4", team=core, through="through the team Core")
    edited(web, subject="team Core", key="d5", action="added_to_repository", team=core)

    assert settled(web) == [("access_granted_outside_process", "open")] * 2
    assert sorted(RuleMatch.objects.values_list("event__delivery_key", flat=True)) == ["d1", "d2", "d3"]
    assert sorted(ExceptionRecord.objects.values_list("sentence", flat=True)) == [
        "rex gave team Core access to the repository.",
        "rex gave zed access to the repository, through the team Core.",
    ]
