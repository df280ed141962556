"""The auditor's way to a pack in a real browser: ask for one, see it being built, take it along, and check what came."""

import hashlib

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from audits.packs.building import work_on_packs
from audits.packs.models import Pack
from audits.packs.tools.main import verify
from tests.audits.packs.made import furnished, sealed
from tests.browser import assert_accessible, shoot

pytestmark = pytest.mark.browser


def test_an_auditor_asks_for_a_pack_sees_it_being_built_and_takes_a_file_that_verifies(site, visit, where):
    uma, engagement = furnished(rows=6)

    page = visit(reverse("audit-packs", args=[engagement.pk]), by=uma)
    page.get_by_role("button", name="Build a pack").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    assert_accessible(page)
    shoot(page, "pack-building")
    sealed(where)
    work_on_packs(now=timezone.now, where=where)

    link = page.get_by_role("link", name="Download pack 1")
    expect(link).to_be_visible(timeout=15_000)
    pack = Pack.objects.get()
    expect(page.get_by_text(pack.digest)).to_be_visible()
    assert_accessible(page)
    shoot(page, "pack")
    with page.expect_download() as found:
        link.click()
    content = found.value.path().read_bytes()
    assert found.value.suggested_filename == f"confidential-audit-{engagement.pk}-evidence-pack-1.zip"
    assert hashlib.sha256(content).hexdigest() == pack.digest
    assert "all verify" in verify(content)
