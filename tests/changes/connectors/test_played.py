"""The pages of the Doppler and the Cloudflare stand-in, in a real browser: a person edits there, and the portal follows."""

import re
import time
from datetime import timedelta
from html import unescape

import httpx
import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from changes.connectors.actions import connect_cloudflare, connect_doppler
from changes.connectors.door import forget
from changes.connectors.inbox import drain
from changes.connectors.models import Source
from changes.connectors.polling import poll_due
from changes.exceptions.models import ExceptionRecord
from changes.inventory.models import Asset, VendorEvent
from portal.standins.together import StandIns
from tests.browser import assert_accessible
from tests.changes.people import person
from tests.pace import SHARED

ZONE, REX = "northwind.example", "rex@northwind.example"
VALUE = "canary-5b2f90"


@pytest.fixture
def standins(tmp_path):
    made = StandIns(tmp_path / "standins")
    made.start()
    doppler, cloudflare, long_ago = made.vendors.doppler, made.vendors.cloudflare, now() - timedelta(days=9)
    doppler.add_user(email=REX, name="Rex Stone", access="owner", at=long_ago)
    doppler.add_project(name="shop", by=REX, at=long_ago)
    doppler.set_secrets(project="shop", config="prd", values={"PAYMENT_KEY": "first"}, by=REX, at=long_ago)
    cloudflare.add_zone(name=ZONE, by=REX, at=long_ago)
    cloudflare.set_record(zone=ZONE, name=f"www.{ZONE}", content="198.51.100.10", by=REX, at=long_ago)
    cloudflare.set_application(name="Back office", domain=f"office.{ZONE}", by=REX, at=long_ago)
    cloudflare.set_policy(application="Back office", name="Everybody", emails=(REX,), by=REX, at=long_ago)
    cloudflare.add_member(email=REX, by=REX, at=long_ago)
    yield made
    made.stop()


def pressed(standins, address, **fields):
    """What the page says after a button was pressed, and the whole page."""
    answer = httpx.post(standins.vendors.url + address, data=fields, follow_redirects=True)
    return unescape(re.search(r'role="status">([^<]*)', answer.text).group(1)), answer.text


def test_each_button_does_what_it_says_or_says_why_not(standins):
    doppler, cloudflare = standins.vendors.doppler, standins.vendors.cloudflare
    secret = {"project": "shop", "config": "prd", "by": REX}
    said, page = pressed(standins, "/doppler", act="set", name="API_KEY", value=VALUE, title="For CHG-7", **secret)
    assert (said, VALUE in page) == (f"API_KEY of shop/prd was set by {REX}.", False)
    assert doppler.config("shop", "prd")["secrets"]["API_KEY"] == VALUE
    assert pressed(standins, "/doppler", act="renew", name="API_KEY", **secret)[0].endswith(f"was set by {REX}.")
    assert doppler.config("shop", "prd")["secrets"]["API_KEY"] != VALUE
    assert pressed(standins, "/doppler", act="remove", name="API_KEY", **secret)[0].endswith(f"taken away by {REX}.")
    assert set(doppler.config("shop", "prd")["secrets"]) == {"PAYMENT_KEY"}
    record = {"zone": ZONE, "by": REX, "type": "A"}
    said, page = pressed(standins, "/cloudflare", act="record", title=f"a.{ZONE}", content="203.0.113.9", comment="<b>", **record)
    assert (said, "&lt;b&gt;" in page) == (f"A a.{ZONE} points at 203.0.113.9 now, by {REX}.", True)
    assert pressed(standins, "/cloudflare", act="gone", title=f"a.{ZONE}", **record)[0] == f"A a.{ZONE} was deleted by {REX}."
    given = {"application": "Back office", "decision": "allow", "by": REX}
    said, _ = pressed(standins, "/cloudflare", act="policy", title="Guests", emails="kim@x.example, lee@x.example", **given)
    assert said == f"Guests of Back office: allow for kim@x.example, lee@x.example, by {REX}."
    assert [row["type"] for row in cloudflare.store.all("audit")[-3:]] == ["dns_record", "dns_record", "policy"]

    for address, fields, why in (
        ("/doppler", {"act": "set", "name": "lower", "value": "v", **secret}, "named with capitals"),
        ("/doppler", {"act": "set", "name": "A", "value": "v", **secret, "by": "eve@x.example"}, "no user eve"),
        ("/doppler", {"act": "explode", **secret}, "incomplete"),
        ("/cloudflare", {"act": "record", "title": "www.other.example", "content": "1", **record}, "does not lie in"),
        ("/cloudflare", {"act": "gone", "title": f"b.{ZONE}", **record}, "does not exist"),
        ("/cloudflare", {"act": "policy", "title": "x", "emails": "", **given, "by": "eve@x.example"}, "no member"),
    ):
        assert why in pressed(standins, address, **fields)[0], fields
    foreign = httpx.post(f"{standins.vendors.url}/doppler", data={}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403


@pytest.mark.browser
def test_an_edit_on_the_stand_ins_pages_is_an_exception_within_seconds(visit, standins, settings):
    forget()
    url, since = standins.vendors.url, now() - timedelta(days=1)
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    doppler, cloudflare = standins.vendors.doppler, standins.vendors.cloudflare
    connect_doppler(token=doppler.token, secret="hook-secret", environments={}, api_url=doppler.api_url, at=since)
    given = {"account": cloudflare.account, "token": cloudflare.token, "api_url": cloudflare.api_url}
    connect_cloudflare(environments={ZONE: "production"}, at=since, **given)
    doppler.send_hooks_to(f"{visit.site}/hooks/doppler/", secret="hook-secret")
    poll_due(now=now)
    visit.expect_host(url)
    page = visit("/exceptions/", by=person("Rex"))

    page.goto(f"{url}/doppler")
    assert_accessible(page)
    began = time.monotonic()
    page.get_by_label("Secret", exact=True).fill("API_KEY")
    page.get_by_label("New value").fill(VALUE)
    page.get_by_role("button", name="Set the secret").click()
    expect(page.get_by_role("status")).to_have_text(f"API_KEY of shop/prd was set by {REX}.")
    for _ in range(100):
        drain(now=now)
        if Source.objects.get(kind="doppler").settings.get("hints"):
            break
        time.sleep(0.05)
    poll_due(now=now)
    page.goto(f"{visit.site}/exceptions/")
    expect(page.locator("main")).to_contain_text("shop/prd")
    assert (VALUE in page.content(), time.monotonic() - began < 10 * SHARED) == (False, True)

    page.goto(f"{url}/cloudflare")
    assert_accessible(page)
    page.get_by_role("textbox", name="Name").fill(f"new.{ZONE}")
    page.get_by_role("button", name="Set the record").click()
    expect(page.get_by_role("status")).to_contain_text("points at 203.0.113.9 now")
    page.get_by_role("button", name="Set the policy").click()
    expect(page.get_by_role("status")).to_contain_text("Contractors of Back office")
    poll_due(now=lambda: now() + timedelta(seconds=15))
    assert set(ExceptionRecord.objects.values_list("kind", flat=True)) == {
        "secret_edited_outside_process",
        "dns_edited_outside_process",
        "access_edited_outside_process",
    }
    page.goto(f"{visit.site}/exceptions/")
    expect(page.locator("main")).to_contain_text(f"new.{ZONE}")
    assert Asset.objects.filter(kind="cloudflare.dns_record", name__contains=f"new.{ZONE}").exists()
    assert "API_KEY" in str(list(VendorEvent.objects.filter(kind="doppler.config").values_list("detail", flat=True)))
