"""Somebody leaves: everything ends in one action, the next request finds nothing, and the last administrator stays."""

from datetime import date, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from changes.approvals.delegating import delegate
from changes.approvals.models import Delegation
from changes.calendar.feeds import make_feed
from portal.access import actions
from portal.access.models import RoleProposal, User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.roster.describing import Description, describe
from portal.access.roster.leaving import come_back, end_access, leave, leave_due, sign_out_everywhere
from portal.access.roster.tasks import end_due_access
from portal.access.roster.views import in_words
from portal.access.tokens import make_token
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import everybody, hold, now, person, soon

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def team():
    return everybody()


def kinds(user: User) -> list[str]:
    return sorted(entry.kind for entry in entries_about(stream=f"person:{user.pk}"))


def signed_in(user: User) -> Client:
    user.set_password(PASSWORD)
    user.save()
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client


def test_leaver_is_cut_off_on_the_next_request_everywhere(team):
    bob, at = team["Bob"], now()
    browser = signed_in(bob)
    _, token = make_token(user=bob, name="ci", scopes=[P.CHANGE_SEE], expires_at=soon(days=30), by=f"user:{bob.pk}", at=at)
    _, feed = make_feed(user=bob, name="Mine", kinds=["freeze"], environments=[], repositories=[], expires_at=soon(days=30), at=at)
    roads = [
        lambda: browser.get(reverse("people")).status_code,
        lambda: Client().get("/api/v1/changes", headers={"Authorization": f"Bearer {token}"}).status_code,
        lambda: Client().get(reverse("calendar-feed"), {"token": feed}).status_code,
    ]
    before = [road() for road in roads]

    answer = sign_in(Client(), team["Rex"], minutes_ago=1).post(
        reverse("person-leaves", args=[bob.pk]), {"reason": "Last day was yesterday"}
    )

    assert before == [200, 200, 200]
    assert answer.status_code == 302
    assert [road() for road in roads] == [302, 401, 401]
    assert not UserSession.objects.filter(user=bob).exists()
    assert Session.objects.filter(pk=browser.session.session_key).count() == 0


def test_administrator_signs_somebody_out_everywhere_who_stays(team):
    bob, browsers = team["Bob"], []
    for _ in range(2):
        browsers.append(Client())
        bob.set_password(PASSWORD)
        bob.save(update_fields=["password"])
    for browser in browsers:
        browser.post(reverse("account_login"), {"login": bob.email, "password": PASSWORD})
    address = reverse("sign-out-person", args=[bob.pk])

    refused = sign_in(Client(), team["Mia"], minutes_ago=9).post(address)
    answer = sign_in(Client(), team["Rex"], minutes_ago=1).post(address, follow=True)

    assert refused.status_code == 302, "it asks for a fresh proof first"
    assert "Bob was signed out everywhere (2 sessions)" in answer.content.decode()
    assert [browser.get(reverse("people")).status_code for browser in browsers] == [302, 302]
    bob.refresh_from_db()
    assert bob.is_active
    assert signed_in(bob).get(reverse("people")).status_code == 200, "and signs in again"
    assert kinds(bob)[0] == "person.signed_out"
    with pytest.raises(Refused):
        sign_out_everywhere(user=team["Rex"], by=bob, at=now())


def test_leaving_ends_every_role_token_delegation_and_proposal_with_an_entry_each(team):
    bob, rex, at = team["Bob"], team["Rex"], now()
    hold(bob, Role.ENGINEER)
    hold(bob, Role.ARCHITECT, since=soon(days=5))
    make_token(user=bob, name="ci", scopes=[P.CHANGE_SEE], expires_at=soon(days=30), by=f"user:{bob.pk}", at=at)
    actions.propose_role(user=bob, role=Role.CHAIR, by=rex, reason="Leads", at=at)
    handed = delegate(absent=bob, to=team["Dev"], starts_at=at, ends_at=soon(days=3), reason="Away", by=bob, at=at)

    ended = leave(user=bob, by=rex, reason="Leaves", at=soon(hours=1))

    bob.refresh_from_db()
    handed.refresh_from_db()
    assert ended == {
        "roles": 3,
        "tokens": 1,
        "calendar_feeds": 0,
        "delegations": 1,
        "provisioning_tokens": 0,
        "sign_ins": 0,
        "sessions": 0,
    }
    assert (bob.is_active, bob.has_usable_password(), bob.left_at is not None) == (False, False, True)
    assert [grant.ended_by for grant in bob.grants.all()] == [rex] * 3
    assert (handed.ended_by, RoleProposal.objects.get().withdrawn_at is not None) == (rex, True)
    assert kinds(bob).count("role.revoked") == 3
    assert {"person.left", "token.revoked", "role.proposal_withdrawn", "approvals.delegation_ended"} <= set(kinds(bob))
    with pytest.raises(Stale):
        leave(user=bob, by=rex, reason="Again", at=soon(hours=2))


def test_delegation_to_somebody_who_left_is_refused(team):
    leave(user=team["Bob"], by=team["Rex"], reason="Leaves", at=now())

    with pytest.raises(Refused):
        delegate(
            absent=team["Dev"],
            to=team["Bob"],
            starts_at=soon(hours=1),
            ends_at=soon(days=3),
            reason="Away",
            by=team["Dev"],
            at=now(),
        )

    assert not Delegation.objects.exists()


@pytest.mark.parametrize("name", ["Ann", "Bob", "Cleo", "Dev", "Uma"])
def test_only_administrators_and_compliance_let_somebody_go(name, team):
    with pytest.raises(Refused, match="may not keep the roster"):
        leave(user=person("Pia"), by=team[name], reason="Leaves", at=now())


def test_leaving_needs_a_reason(team):
    with pytest.raises(Refused, match="reason is missing"):
        leave(user=team["Bob"], by=team["Rex"], reason="  ", at=now())


@pytest.mark.parametrize(("name", "by"), [("Rex", "Mia"), ("Rex", "Rex"), ("Mia", "Rex")])
def test_last_holder_of_a_role_does_not_leave_and_keeps_everything(name, by, team):
    _, token = make_token(
        user=team[name], name="ci", scopes=[P.CHANGE_SEE], expires_at=soon(days=9), by=f"user:{team[name].pk}", at=now()
    )

    with pytest.raises(Refused, match=f"{name} would be the last"):
        leave(user=team[name], by=team[by], reason="Leaves", at=now())

    team[name].refresh_from_db()
    assert team[name].is_active
    assert Client().get("/api/v1/changes", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_administrator_who_ends_their_own_last_role_reads_why_not(team):
    rex = sign_in(Client(), team["Rex"], minutes_ago=1)

    role = rex.post(reverse("end-role", args=[team["Rex"].grants.get().pk]), {"reason": "Enough"})
    gone = rex.post(reverse("person-leaves", args=[team["Rex"].pk]), {"reason": "Enough"})

    assert [answer.status_code for answer in (role, gone)] == [403, 403]
    assert all("Rex would be the last Administrator." in answer.content.decode() for answer in (role, gone))
    assert rex.get(reverse("people")).status_code == 200


def test_administrator_leaves_once_there_is_another(team):
    hold(person("Pia"), Role.ADMINISTRATOR)

    leave(user=team["Rex"], by=team["Mia"], reason="Leaves", at=now())

    assert not User.objects.get(pk=team["Rex"].pk).is_active


def test_who_comes_back_has_nothing_and_chooses_a_new_password(team):
    bob = team["Bob"]
    leave(user=bob, by=team["Rex"], reason="Leaves", at=now())

    come_back(user=bob, by=team["Rex"], at=now())

    bob.refresh_from_db()
    assert (bob.is_active, bob.left_at, bob.has_usable_password()) == (True, None, False)
    assert actions.RoleGrant.objects.valid(at=soon(hours=1)).filter(user=bob).count() == 0
    assert kinds(bob).count("person.returned") == 1
    with pytest.raises(Stale):
        come_back(user=bob, by=team["Rex"], at=now())


def test_access_ends_by_itself_when_the_last_day_is_over(team):
    today = now().date()
    User.objects.filter(pk=team["Ann"].pk).update(leaves_on=today - timedelta(days=1))
    User.objects.filter(pk=team["Bob"].pk).update(leaves_on=today)
    User.objects.filter(pk=team["Rex"].pk).update(leaves_on=today - timedelta(days=1))

    end_due_access()

    assert set(User.objects.filter(is_active=False)) == {team["Ann"]}
    entry = next(entry for entry in entries_about(stream=f"person:{team['Ann'].pk}") if entry.kind == "person.left")
    assert (entry.actor, entry.fact["ended"]["roles"]) == ("portal", 1)
    page = sign_in(Client(), team["Mia"]).get(reverse("person", args=[team["Rex"].pk])).content.decode()
    assert "could not end the access" in page


def test_portal_ends_a_delegation_in_the_name_of_whoever_leaves(team):
    bob, at = team["Bob"], now()
    handed = delegate(absent=bob, to=team["Dev"], starts_at=at, ends_at=soon(days=3), reason="Away", by=bob, at=at)

    end_access(user=bob, by=None, actor="portal", reason="Over", at=soon(hours=1))

    handed.refresh_from_db()
    assert handed.ended_by == bob


def test_whoever_left_already_is_not_let_go_again(team):
    User.objects.filter(pk=team["Ann"].pk).update(leaves_on=date(2026, 1, 6))

    first, second = leave_due(at=now()), leave_due(at=now())

    assert (first, second) == ([team["Ann"]], [])


def test_what_ended_is_said_in_words():
    assert in_words({"roles": 2, "tokens": 1, "sessions": 0}) == "2 roles, 1 token"
    assert in_words({"roles": 0}) == "nothing, since there was nothing"


# What is written about a person


ABOUT = {"name": "Ann Ash", "kind": "contractor", "team": "Payments", "employer": "Ash Ltd", "joined_on": "2026-01-05"}


def test_roster_is_kept_on_the_page_and_each_change_is_in_the_ledger(team):
    ann, rex = team["Ann"], sign_in(Client(), team["Rex"], minutes_ago=1)
    address = reverse("describe-person", args=[ann.pk])

    answers = [rex.post(address, {**ABOUT, "leaves_on": "2027-03-31"}), rex.post(address, {**ABOUT, "leaves_on": "2027-03-31"})]

    ann.refresh_from_db()
    assert [answer.status_code for answer in answers] == [302, 302]
    assert (ann.name, ann.kind, ann.team, ann.employer) == ("Ann Ash", "contractor", "Payments", "Ash Ltd")
    assert (ann.joined_on, ann.leaves_on) == (date(2026, 1, 5), date(2027, 3, 31))
    told = [entry.fact for entry in entries_about(stream=f"person:{ann.pk}") if entry.kind == "person.described"]
    assert [(fact["before"]["kind"], fact["after"]["leaves_on"]) for fact in told] == [("employee", "2027-03-31")]
    page = rex.get(reverse("people")).content.decode()
    assert "Contractor, Payments, last day 31 Mar 2027" in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Write the person"),
        ({"kind": "robot"}, "Select a valid choice"),
        ({"leaves_on": "2026-01-01"}, "The last day lies before the first"),
        ({"joined_on": "yesterday"}, "Enter a valid date"),
    ],
)
def test_mistake_in_the_roster_comes_back_with_the_form(wrong, words, team):
    answer = sign_in(Client(), team["Rex"], minutes_ago=1).post(
        reverse("describe-person", args=[team["Ann"].pk]), {**ABOUT, **wrong}
    )

    team["Ann"].refresh_from_db()
    assert (answer.status_code, team["Ann"].name) == (422, "Ann")
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Description(name=" ", kind="employee"), "has a name"),
        (Description(name="Ann", kind="robot"), "no kind of person"),
        (Description("Ann", "employee", joined_on=date(2026, 2, 1), leaves_on=date(2026, 1, 1)), "lies before the first"),
    ],
)
def test_action_refuses_what_cannot_be(said, words, team):
    with pytest.raises(Refused, match=words):
        describe(user=team["Ann"], said=said, by=team["Rex"], at=now())


def test_page_about_leaving_asks_for_a_reason_and_lists_who_left(team):
    rex = sign_in(Client(), team["Rex"], minutes_ago=1)

    without = rex.post(reverse("person-leaves", args=[team["Bob"].pk]), {"reason": ""})
    empty = rex.get(reverse("people-left")).content.decode()
    rex.post(reverse("person-leaves", args=[team["Bob"].pk]), {"reason": "Leaves"})
    listed = rex.get(reverse("people-left")).content.decode()
    page = rex.get(reverse("person", args=[team["Bob"].pk])).content.decode()
    back = rex.post(reverse("person-returns", args=[team["Bob"].pk]))

    assert (without.status_code, "Nobody left" in empty, "bob@northwind.example" in listed) == (422, True, True)
    assert "Open the account again" in page
    assert back.status_code == 302
    assert User.objects.get(pk=team["Bob"].pk).is_active
