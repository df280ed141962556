"""The pages about people, oneself and joining, in a real browser."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.access import actions, invitations
from portal.access.identities import link_identity
from portal.access.models import ApiToken, RoleGrant, User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.tokens import make_token
from tests.browser import assert_accessible, shoot
from tests.portal.access.people import everybody, now, person, soon

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


@pytest.fixture
def team(site):
    people = everybody()
    pia = person("Pia Park")
    actions.propose_role(user=pia, role=Role.APPROVER, by=people["Rex"], reason="Goes on call in May", at=now())
    invitations.invite(email="quin@northwind.example", name="Quin", roles=[Role.ENGINEER], by=people["Rex"], at=now())
    ann = people["Ann"]
    link_identity(user=ann, provider="github", uid="583231", login="ann-ash", by=f"user:{ann.pk}", at=now())
    make_token(user=ann, name="ci", scopes=[P.CHANGE_SEE], expires_at=soon(days=30), by=f"user:{ann.pk}", at=now())
    actions.revoke(grant=people["Dev"].grants.get(), by=people["Mia"], reason="On leave", at=now())
    return people


@pytest.mark.parametrize("name", ["Mia", "Ann"])
def test_people_page_is_accessible(name, visit, team):
    page = visit(reverse("people"), by=team[name])

    assert_accessible(page)
    shoot(page, f"people-{name.lower()}")


def test_person_page_is_accessible(visit, team):
    page = visit(reverse("person", args=[team["Dev"].pk]), by=team["Rex"])

    assert_accessible(page)
    shoot(page, "person")


@pytest.mark.parametrize("name", ["Ann", "Bob"])
def test_own_page_is_accessible(name, visit, team):
    page = visit(reverse("me"), by=team[name])
    page.locator("#fold-token summary").click()

    assert_accessible(page)
    shoot(page, f"me-{name.lower()}")


def test_second_person_confirms_with_one_click(visit, team):
    page = visit(reverse("people"), by=team["Mia"])

    page.get_by_role("button", name="Confirm").click()
    page.wait_for_selector("text=Pia Park is Approver now.")

    assert RoleGrant.objects.get(user__name="Pia Park").seconded_by == team["Mia"]


def test_role_form_shows_its_mistake_at_the_field(visit, team):
    visit.expect_status(422)
    page = visit(reverse("person", args=[team["Ann"].pk]), by=team["Rex"])

    page.get_by_role("button", name="Give or propose the role").click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page, themes=("light",))


def test_token_is_made_and_shown_once(visit, team):
    page = visit(reverse("me"), by=team["Bob"])
    page.locator("#fold-token summary").click()
    page.get_by_label("What it is for").fill("ci")
    page.get_by_label("See changes", exact=True).check()

    page.get_by_role("button", name="Make the token").click()
    page.wait_for_selector("h1:has-text('Your new token')")

    text = page.locator("[data-token]").inner_text()
    assert text.startswith(ApiToken.objects.get(user=team["Bob"]).prefix)
    assert_accessible(page)
    shoot(page, "token")


def test_invited_person_joins(visit, team):
    _, token = invitations.invite(email="una@northwind.example", name="Una", roles=[Role.ENGINEER], by=team["Rex"], at=now())
    page = visit(reverse("invitation", args=[token]))
    assert_accessible(page)
    shoot(page, "invitation")

    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_selector("h1:has-text('Your account')")

    assert User.objects.get(email="una@northwind.example").grants.get().role == Role.ENGINEER


def test_closed_invitation_is_accessible(visit, site):
    visit.expect_status(410)

    assert_accessible(visit(reverse("invitation", args=["x" * 43])))
