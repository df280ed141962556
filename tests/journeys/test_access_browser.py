"""The pages of access in a real browser: read by all, and a review that is answered without script."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from changes.delivery.models import Repository
from changes.entitlements.mergers import actions as mergers
from changes.entitlements.own import take_own
from changes.entitlements.reviews import actions
from changes.entitlements.reviews.models import AccessReview
from changes.entitlements.segregation import actions as limitations
from tests.changes.entitlements.world import DAY, HOUR, SHOP, held, take
from tests.changes.people import linked, person
from tests.journeys.test_pages_browser import walked

pytestmark = pytest.mark.browser


def test_access_is_read_by_all_and_a_review_is_answered_without_script(visit, site):
    now, (mia, bob, dev, cleo) = timezone.now(), map(person, ("Mia", "Bob", "Dev", "Cleo"))
    linked(bob, 2, "bob")
    branch = "github.branch:1:prod"
    admins = held("everybody with the role admin", "bypass", account_id="role:admin", account_kind="team", thing=branch)
    take(held("bob", "admin", account_id="2"), held("gone-long-ago", account_id="4"), at=now - 3 * DAY)
    rights = [held(f"somebody-with-a-long-name-{number}", account_id=f"9{number}", vendor_word="write") for number in range(105)]
    take(held("bob", "admin", account_id="2"), *rights, admins, things=(SHOP, branch), at=now - DAY)
    take_own(at=now - HOUR)
    shop = Repository.objects.create(name="northwind/shop", vendor_id=1, in_scope_from=now - 9 * DAY)
    row = mergers.propose(repository=shop.pk, branch="prod", people=[bob, cleo], reason="On call.", by=mia, at=now)
    mergers.confirm(row=row, digest=row.digest, by=dev, at=now)
    mergers.propose(repository=shop.pk, branch="main", people=[bob], reason="On call.", by=dev, at=now)
    text = {"reason": "Two of us.", "control": "Weekly reading.", "until": now + 30 * DAY}
    accepted = limitations.propose(person=bob, rule="past_the_rules", by=dev, at=now, **text)
    limitations.confirm(row=accepted, digest=accepted.digest, by=mia, at=now)
    limitations.propose(person=bob, rule="alone", by=dev, at=now, **text)
    actions.set_owner(source="github", thing="", person=bob, by=mia, at=now)
    review = actions.open_review(by=mia, at=now)
    some = review.entries.filter(account_name__startswith="somebody")
    actions.answer(review=review, entries=[some[0].pk], verdict="remove", reason="Left.", by=bob, at=now)

    since = (now - 2 * DAY).date().isoformat()
    paths = [f"/access/?since={since}", "/access-reviews/", "/access-reviews/1/", "/access-reviews/owners/", "/access/mergers/"]
    forms = [
        f"/access/mergers/{shop.pk}/prod/",
        "/access/segregation/",
        f"/access/segregation/{bob.pk}/alone/",
        "/people/accounts/",
    ]
    walked(visit, [*paths, *forms, "/people/accounts/"], by=mia)

    visit.expect_status(422)
    page = visit("/access-reviews/1/?who=me&state=open", by=bob, script=False)
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("This needs its reason.")).to_be_visible()
    page.get_by_label("Reason").fill("Not ours.")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("1 right was answered.")).to_be_visible()
    page.get_by_role("button", name="Keep all of this list").click()
    expect(page.get_by_text("rights were answered")).to_be_visible()
    assert not AccessReview.objects.get().entries.filter(reviewer=bob, answers=None).exists()
