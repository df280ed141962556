"""The pages about the roster, in a real browser: leaving, who could, unexplained accounts, files of people."""

import pytest
from django.urls import reverse

from portal.access.accounts import actions as accounts
from portal.access.accounts.seeing import note_met, seen_accounts
from portal.access.importing import actions
from portal.access.importing.models import PeopleImport
from portal.access.importing.tasks import work_on_imports
from portal.access.models import User
from portal.access.roster.leaving import leave
from portal.access.scim.tokens import make_token
from portal.sign_in_providers import providers_from
from tests.browser import assert_accessible, shoot
from tests.pace import SHARED
from tests.portal.access.people import everybody, now, person, soon

pytestmark = pytest.mark.browser
FILE = (
    "name,email,kind,team\nPia Park,pia@northwind.example,contractor,Payments\n"
    "=cmd(),q@northwind.example,,\nBob,bob@northwind.example,,Ops\n"
)


@pytest.fixture
def team(site):
    people = everybody()
    note_met(provider="slack", uid="T0NORTHWND:U0BOB", login="bob", name="Bob", at=now())
    note_met(provider="slack", uid="T0NORTHWND:U0WHOMEVER", login="somebody-with-a-long-name-elsewhere", at=now())
    note_met(provider="slack", uid="T0NORTHWND:U0CI", login="ci", is_bot=True, at=now())
    bot = next(seen for seen in seen_accounts() if seen.login == "ci")
    accounts.explain(seen=bot, explained_as="service", reason="Posts what was deployed", by=people["Rex"], at=now())
    User.objects.filter(pk=people["Ann"].pk).update(kind="contractor", employer="Ash Ltd", team="Payments", leaves_on=now().date())
    leave(user=person("Quin Quill"), by=people["Rex"], reason="Leaves", at=now())
    actions.upload(raw=FILE.encode(), file_name="people.csv", by=people["Rex"], at=now())
    work_on_imports()
    return people


def addresses(team):
    make_token(name="Okta", expires_at=soon(days=30), by=team["Rex"], at=now())
    waiting = PeopleImport.objects.get().pk
    return {
        "provisioning": reverse("provisioning"),
        "left": reverse("people-left"),
        "could": reverse("who-could"),
        "accounts": reverse("accounts"),
        "account": reverse("account", args=["slack", "T0NORTHWND:U0BOB"]),
        "imports": reverse("imports"),
        "import": reverse("import", args=[waiting]),
        "leaver": reverse("person", args=[User.objects.get(name="Quin Quill").pk]),
        "contractor": reverse("person", args=[team["Ann"].pk]),
    }


@pytest.mark.parametrize(
    "name", ["provisioning", "left", "could", "accounts", "account", "imports", "import", "leaver", "contractor"]
)
def test_page_is_accessible(name, visit, team):
    page = visit(addresses(team)[name], by=team["Rex"])

    assert_accessible(page)
    shoot(page, f"roster-{name}")


def test_page_of_a_file_moves_by_itself_when_the_worker_is_done(visit, team):
    held = actions.upload(raw=b"name,email\nUna,una@northwind.example\n", file_name="one.csv", by=team["Rex"], at=now())
    page = visit(reverse("import", args=[held.pk]), by=team["Rex"])
    assert_accessible(page, themes=("light",))

    work_on_imports()
    page.get_by_role("button", name="Import 1 person").click()
    page.wait_for_selector("text=Being imported")
    work_on_imports()
    page.wait_for_selector("p:has-text('Imported. 1 row')", timeout=10_000 * SHARED)

    assert User.objects.filter(email="una@northwind.example").exists()


def test_somebody_leaves_with_one_click(visit, team):
    page = visit(reverse("person", args=[team["Bob"].pk]), by=team["Rex"])

    page.locator("#leave_reason").fill("Last day was yesterday")
    page.get_by_role("button", name="End all access now").click()
    page.wait_for_selector("text=Bob has left. Ended: 1 role.")

    assert not User.objects.get(pk=team["Bob"].pk).is_active


def test_pages_of_signing_in_with_a_provider_are_accessible(visit, team, settings):
    settings.SOCIALACCOUNT_PROVIDERS = providers_from(
        {"COUNTERSIGN_SIGNIN_GOOGLE_ID": "x", "COUNTERSIGN_SIGNIN_GOOGLE_SECRET": "y"}
    )

    page = visit(reverse("account_login"))
    page.get_by_role("button", name="Sign in with Google").wait_for()
    assert_accessible(page)
    shoot(page, "sign-in-outside")
    assert_accessible(visit(reverse("sign-in-again"), by=team["Ann"]))
    assert_accessible(visit(reverse("me"), by=team["Ann"]), themes=("light",))
