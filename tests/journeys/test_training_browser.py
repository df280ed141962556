"""Training in a real browser: from a joiner's first day to the last, read by all; and the course without script."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from changes.proposals import approving
from changes.proposals.models import Change
from changes.training.models import Acknowledgement, Attempt
from portal.access import invitations
from portal.access.roles import Role
from tests.changes.people import linked, person
from tests.changes.training.world import publish
from tests.journeys.company import Company
from tests.journeys.forge import ACCOUNTS, Forge
from tests.journeys.test_pages_browser import looked_at
from tests.portal.access.people import ROLE_OF
from tests.portal.access.test_linking import github
from tests.portal.access.test_scim import USER, USERS, Directory

__all__ = ["github"]
pytestmark = pytest.mark.browser


@pytest.fixture
def company(site):
    """Everybody is there for long but Ann, who joins after the course; all others have days left for it."""
    now = timezone.now()
    people = {name: person(name) for name in ROLE_OF if name != "Ann"}
    publish(by=people["Mia"], at=now - timedelta(hours=2))
    for login, uid in ACCOUNTS.items():
        if login != "ann":
            linked(people[login.title()], uid, login)
    return Company(people=people, forge=Forge(site))


def approved(company):
    """Ann's work stands on main, and Bob has approved it for production."""
    change = company.opened(1, "Send invoices as PDF")
    company.forge.review(1, by="dev")
    company.forge.check(1)
    merged = company.forge.merge(1, by="dev")
    company.forge.deploy(merged, "staging")
    company.forge.work()
    at = timezone.now()
    approving.approve(
        change=Change.objects.get(pk=change.pk), by=company.people["Bob"], verdict="yes", note="", authenticated_at=at, at=at
    )
    company.forge.work()
    return Change.objects.get(pk=change.pk)


def answered(page, *, right, look):
    """Answer each question of the attempt under way, and hand it in."""
    expect(page.locator("h1")).to_contain_text("Question 1 of")
    attempt = Attempt.objects.select_related("course").latest("pk")
    for place, item in enumerate(attempt.drawn, start=1):
        expect(page.locator("h1")).to_have_text(f"Question {place} of {len(attempt.drawn)}")
        good = attempt.course.questions[item["question"]]["right"]
        chosen = good if right else [choice for choice in item["choices"] if choice not in good][:1]
        if place == 1:
            look(page)
        for choice in chosen:
            page.check(f"input[name=chosen][value='{choice}']")
        page.get_by_role("button", name="Keep").click()
    expect(page.locator("h1")).to_have_text("Hand the quiz in")
    look(page)
    page.get_by_role("button", name="Hand in").click()


def trained(page, *, name, look=lambda page: None):
    """The whole way of a joiner, from the inbox to the certificate."""
    page.get_by_role("link", name="Take the course on the policy").first.click()
    expect(page.locator("main")).to_contain_text("You are not trained yet")
    look(page)
    page.get_by_role("link", name="Start", exact=True).click()
    expect(page.get_by_role("button", name="I read it")).to_be_visible()
    look(page)
    page.get_by_role("button", name="I read it").click()
    expect(page.locator("h1")).to_have_text("How")
    page.get_by_role("button", name="I read it").click()
    expect(page.get_by_role("button", name="Take the quiz")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Take the quiz").click()
    answered(page, right=False, look=look)
    expect(page.locator("h1")).to_have_text("Not passed: 0 of 2 right")
    look(page)
    page.get_by_role("button", name="Take the quiz again").click()
    answered(page, right=True, look=lambda page: None)
    expect(page.locator("h1")).to_have_text("Passed: 2 of 2 right")
    page.get_by_role("link", name="Sign", exact=True).click()
    page.fill("#id_typed_name", "Somebody Else")
    page.get_by_role("button", name="Sign").click()
    expect(page.locator(".errsum")).to_contain_text("Tick that you agree")
    look(page)
    page.fill("#id_typed_name", name)
    page.check("#id_agreed")
    page.get_by_role("button", name="Sign").click()
    expect(page.locator("h1")).to_have_text(f"{name} is trained on the policy")
    look(page)


def provisioned(company):
    """Ann comes by SCIM, without a role, and Rex invites her. Returns the directory, her number there, and the invitation."""
    okta = Directory(company.people["Rex"])
    said = {"schemas": [USER], "userName": "ann@northwind.example", "displayName": "Ann", "active": True}
    made = okta.ask("POST", USERS, said, status=201)
    _, token = invitations.invite(
        email="ann@northwind.example", name="Ann", roles=[Role.ENGINEER], by=company.people["Rex"], at=timezone.now()
    )
    return okta, made["id"], reverse("invitation", args=[token])


def test_a_joiner_comes_by_the_directory_is_trained_opens_the_gate_and_leaves(visit, company, github):
    """P-28, P-29 from the first day to the last: SCIM, invitation, GitHub, course, failed once, passed, signed, gone."""
    visit.expect_status(422)
    visit.expect_host(github.url)
    github.profile = {"id": ACCOUNTS["ann"], "login": "ann"}
    okta, number, address = provisioned(company)
    page = visit(address)
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("The same password again").fill("correct horse battery")
    page.get_by_role("button", name="Join").click()
    expect(page.locator("h1")).to_have_text("Your account")
    page.get_by_role("button", name="Link your GitHub account").click()
    expect(page.locator("body")).to_contain_text("Your GitHub account is linked.")
    change = approved(company)
    gate = visit(f"/changes/{change.number}/", by=company.people["Mia"])
    expect(gate.locator("#gates")).to_contain_text("Ann has never signed the policy")
    expect(gate.locator("#gates")).to_contain_text("Ann takes the course on the policy, under Training.")

    page.goto(f"{visit.site}/")
    trained(page, name="Ann", look=looked_at)

    page.get_by_role("link", name="Check it").click()
    expect(page.locator("main")).to_contain_text("Signature of Ann on version 1 of the policy")
    gate.reload()
    expect(gate.locator("#gates")).not_to_contain_text("has never signed")
    page.goto(f"{visit.site}/training/")
    expect(page.locator("main")).to_contain_text("You are up to date")
    looked_at(page)
    for path in ("/training/people/", "/training/draft/", "/training/courses/1/"):
        gate.goto(f"{visit.site}{path}")
        looked_at(gate)
    gate.goto(f"{visit.site}/training/people/")
    gate.get_by_label("Choose Bob").check()
    gate.get_by_role("button", name="Remind those ticked").click()
    expect(gate.locator("body")).to_contain_text("1 person was reminded.")

    okta.patch(number, {"op": "replace", "value": {"active": False}})
    page.reload()
    expect(page.get_by_role("button", name="Sign in").first).to_be_visible()
    assert "/account/login/" in page.url


def test_the_same_without_script(visit, company):
    visit.expect_status(422)
    jo = person("Jo", "engineer", since=timezone.now() - timedelta(minutes=30))

    trained(visit("/", by=jo, script=False), name="Jo")

    assert Acknowledgement.objects.get().person == jo
    assert list(Attempt.objects.order_by("pk").values_list("passed", flat=True)) == [False, True]
