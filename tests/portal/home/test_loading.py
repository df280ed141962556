"""The line on the start page of a demo while its year is told."""

import pytest
from django.core.cache import cache
from django.test import Client

from portal.home import loading
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db


def test_people_see_how_far_the_year_has_come_and_only_in_a_demo(settings):
    page = Client()
    sign_in(page, person("Ann"))
    loading.say("The year has come to March 2026.")

    settings.DEMO = False
    assert "come to March" not in page.get("/").content.decode()
    settings.DEMO = True
    assert "The year has come to March 2026." in page.get("/").content.decode()
    assert "come to March" in page.get("/", headers={"HX-Request": "true"}).content.decode()
    sign_in(page, person("Cleo"))
    for address in ("insights", "controls", "inventory"):
        assert "The year has come to March 2026." in page.get(f"/{address}/").content.decode()
    loading.say("")
    assert "come to March" not in page.get("/").content.decode()
    cache.clear()
