"""The pages of engagements, and what an auditor sees, in a real browser."""

import pytest
from django.urls import reverse
from django.utils import timezone

from audits.engagements.actions import note_reading
from audits.engagements.models import ReadLog
from tests.audits.engagements.opened import admitted, prepared
from tests.browser import assert_accessible, shoot
from tests.portal.access.people import person

pytestmark = pytest.mark.browser


@pytest.fixture
def engagement(site):
    user, opened = admitted()
    prepared(person("Una", "auditor"), opened.created_by, name="Second audit", repositories=["acme/web"])
    for path in ("/changes/", "/changes/1042/?q=" + "x" * 300):
        note_reading(
            engagement=opened,
            reader=user,
            path=path,
            objects_named=["number=1042"],
            session_digest="0" * 64,
            outcome="read",
            at=timezone.now(),
        )
    assert user.name == "Uma"
    return opened


def test_engagements_are_accessible(visit, engagement):
    page = visit(reverse("audits"), by=engagement.confirmed_by)

    assert_accessible(page)
    shoot(page, "audits")


def test_read_log_is_accessible(visit, engagement):
    page = visit(reverse("read-log", args=[engagement.pk]), by=engagement.confirmed_by)

    assert_accessible(page)
    shoot(page, "read-log")


@pytest.mark.parametrize("name", ["people", "me"])
def test_auditor_sees_the_same_page_without_buttons_under_a_banner(name, visit, engagement):
    page = visit(reverse(name), by=engagement.admissions.get().person)

    if name == "people":
        assert "Annual audit: records from 1 Jan 2026 to 31 Dec 2026" in page.locator("body").inner_text()
    assert page.locator("main form").count() == 0
    assert_accessible(page)
    shoot(page, f"auditor-{name}")


def test_auditors_frame_works_behind_the_wall(visit, engagement):
    page = visit("/", by=engagement.admissions.get().person)
    page.wait_for_timeout(300)

    assert page.url.endswith(reverse("audit", args=[engagement.pk]))
    assert "Read-only." in page.locator("body").inner_text()
    assert ReadLog.objects.filter(path="/").count() == 1
    shoot(page, "auditor-home")


def test_auditor_without_an_engagement_reads_why(visit, site):
    visit.expect_status(403)
    page = visit("/people/", by=person("Uma"))

    assert "Your engagement is not open" in page.locator("main").inner_text()
    assert_accessible(page)
