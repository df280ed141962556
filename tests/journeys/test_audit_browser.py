"""An auditor from the invitation to a pack that verifies without the portal: nobody is asked for anything in between."""

import re
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from audits.packs.building import work_on_packs
from audits.packs.models import Pack
from portal.outbox.tasks import deliver_outbox
from tests.audits.packs.conftest import where
from tests.audits.packs.made import sealed
from tests.audits.populations.test_freezing import told
from tests.browser import assert_accessible, shoot
from tests.changes.people import who
from tests.changes.stories import Clock
from tests.pace import SHARED

__all__ = ["where"]
pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


def invited(visit, mia, cleo):
    """Mia invites Vera as an auditor, she joins by the letter, and Cleo confirms the role."""
    page = visit("/people/", by=mia)
    form = page.locator("#invite")
    form.get_by_label("Name").fill("Vera Vance")
    form.get_by_label("E-mail").fill("vera@northwind.example")
    form.get_by_label("Auditor").check()
    form.get_by_role("button", name="Send the invitation").click()
    expect(page.locator("main")).to_contain_text("vera@northwind.example")
    deliver_outbox()
    address = re.search(r"https?://\S+/(account/invitation/\S+|\S*join\S*|\S*invit\S*)", mail.outbox[-1].body)[0]

    joining = visit("/" + address.split("/", 3)[3])
    joining.get_by_label("Password", exact=True).fill(PASSWORD)
    joining.get_by_label("The same password again").fill(PASSWORD)
    joining.get_by_role("button", name="Join").click()
    expect(joining.locator("h1")).to_have_text("Your account")

    second = visit("/people/", by=cleo)
    second.get_by_role("button", name="Confirm").click()
    expect(second.locator("body")).to_contain_text("Vera Vance is Auditor now.")
    return who("Vera Vance")


def let_in(visit, cleo, mia):
    """Cleo prepares the audit, Mia confirms what she reads. Returns its address."""
    page = visit("/audits/new/", by=cleo)
    today = timezone.now().date()
    page.get_by_label("Name", exact=True).fill("Change management 2026")
    for label, day in (
        ("Records from", "2026-01-01"),
        ("Records to", today.isoformat()),
        ("Open from", (today - timedelta(days=1)).isoformat()),
        ("Open to", (today + timedelta(days=30)).isoformat()),
    ):
        page.get_by_label(label).fill(day)
    page.get_by_label(re.compile("Vera Vance .vera")).check()
    page.get_by_role("button", name="Prepare the audit").click()
    page.get_by_role("link", name="Change management 2026").click()
    expect(page.get_by_role("heading", name="Change management 2026")).to_be_visible()
    address = re.sub(r"^https?://[^/]+", "", page.url)

    other = visit(address, by=mia)
    other.get_by_role("button", name="Confirm", exact=True).click()
    expect(other.locator("body")).to_contain_text("Confirmed")
    return address


def test_from_the_invitation_to_a_pack_that_verifies(site, visit, where, tmp_path):
    told(Clock(), Client())
    vera = invited(visit, who("Mia"), who("Cleo"))
    audit = let_in(visit, who("Cleo"), who("Mia"))

    page = visit(audit, by=vera)
    page.goto(f"{site}{audit}populations/?kind=changes")
    page.get_by_label("From").fill("2026-01-01")
    page.get_by_role("button", name="Freeze the changes").click()
    expect(page.get_by_role("heading", name="Is the population complete?")).to_be_visible()
    page.get_by_label("How many").select_option("own")
    page.get_by_label("Own size").fill("2")
    page.get_by_label("Seed").fill("Vera, day 1")
    page.get_by_role("button", name="Draw sample").click()
    expect(page.get_by_role("heading", name="Sample 1 of changes")).to_be_visible()

    page.goto(f"{site}{audit}packs/")
    page.get_by_role("button", name="Build a pack").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    assert_accessible(page)
    shoot(page, "pack-building")
    sealed(where)
    work_on_packs(now=timezone.now, where=where)
    link = page.get_by_role("link", name="Download pack 1")
    expect(link).to_be_visible(timeout=15_000 * SHARED)
    expect(page.get_by_text(Pack.objects.get().digest)).to_be_visible()
    assert_accessible(page)
    shoot(page, "pack")
    with page.expect_download() as found:
        link.click()

    assert found.value.suggested_filename.startswith("confidential-audit-")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/exports/")
    page.locator("summary", has_text="Cancel").click()
    expect(page.get_by_role("button", name="Cancel and remove the file")).to_be_visible()
    assert page.get_by_text("SHA-256").bounding_box()["width"] > 200, "what a pack is stands above its buttons on a phone"
    assert_accessible(page)
    taken = tmp_path / "taken"
    with zipfile.ZipFile(found.value.path()) as pack:
        pack.extract(next(name for name in pack.namelist() if name.endswith("verify.py")), taken)
    (program,) = taken.rglob("verify.py")
    done = subprocess.run(
        [sys.executable, "-I", program, found.value.path()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all verify" in done.stdout
