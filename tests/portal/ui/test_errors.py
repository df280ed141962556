"""Errors: plain words, the right number, a reference that stands in the logs, and the four forms of one answer."""

import json
import re
from pathlib import Path

import pytest
import time_machine
from allauth.core.internal.ratelimit import parse_rates
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from portal.ui.errors import PATIENCE
from tests.portal.access.people import person
from tests.portal.ui.urls import PROBLEMS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.portal.ui.urls")]

STATUS = {
    "refused": 422,
    "refused-access": 403,
    "stale": 409,
    "stale-mute": 409,
    "denied": 403,
    "bad": 400,
    "away": 503,
    "crowded": 503,
    "broken": 500,
}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ann():
    client = Client(raise_request_exception=False)
    client.force_login(person("Ann"))
    return client


def reference_in(text):
    return re.search(r'<span class="mono">([2-9A-Z]{10})</span>', text)[1]


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_problem_has_its_number_and_a_reference_in_every_form(ann, name):
    page = ann.get(f"/wrong/{name}/")
    api = ann.get(f"/api/v1/wrong/{name}/")

    assert page.status_code == api.status_code == STATUS[name]
    assert reference_in(page.content.decode()) == page["X-Request-ID"]
    assert api.json()["error"]["reference"] == api["X-Request-ID"]
    assert api.json()["error"]["status"] == STATUS[name]


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_problem_shows_a_trace_or_a_detail_of_the_machine(ann, name):
    for path in (f"/wrong/{name}/", f"/api/v1/wrong/{name}/"):
        text = ann.get(path).content.decode()

        assert "Traceback" not in text
        assert "secret detail" not in text
        assert "connection refused" not in text


def test_a_refusal_names_its_clause_and_what_to_do_and_escapes_the_rest(ann):
    text = ann.get("/wrong/refused/").content.decode()

    assert "clause P-03" in text
    assert "Somebody else reviews a pull request" in text
    assert "Ask somebody who did not write it." in text
    assert "<b>2</b>" not in text
    assert ">U+202E<" in text


def test_a_refusal_comes_to_htmx_as_a_banner_at_the_head_of_the_page(ann):
    answer = ann.post("/wrong/refused/", headers=HTMX)

    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#problem"
    assert json.loads(answer["HX-Trigger"])["toast"]["tone"] == "bad"
    assert "<html" not in answer.content.decode()
    assert "P-03" in answer.content.decode()


def test_a_refusal_comes_to_the_api_with_its_clause(ann):
    assert ann.get("/api/v1/wrong/refused/").json()["error"] | {"reference": "", "detail": ""} == {
        "status": 422,
        "title": "The policy does not allow this",
        "detail": "",
        "reference": "",
        "clause": "P-03",
        "instead": "Ask somebody who did not write it.",
    }


def test_403_names_the_roles_that_may_and_the_people_who_hold_them(ann):
    person("Rex")

    text = ann.get("/manage/").content.decode()

    assert "Your roles do not allow you to connect sources. Nothing was changed." in text
    assert "1 person can: Rex." in text
    assert "The permission belongs to: Administrator." in text


def test_404_says_what_to_do_to_people_in_and_out(ann, client):
    assert "This page does not exist" in ann.get("/nowhere/").content.decode()
    outside = client.get("/nowhere/")
    assert outside.status_code == 404
    assert "nav-link" not in outside.content.decode()


def test_503_asks_to_come_back_and_needs_no_database(ann, django_assert_num_queries):
    answer = ann.get("/wrong/away/")

    assert answer["Retry-After"] == "30"
    assert "Countersign is not available right now" in answer.content.decode()


def test_a_forged_form_is_refused_in_words_and_our_own_page_gets_the_new_token(ann):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = ann.cookies

    page = strict.post("/theme/", {"theme": "dark"})
    piece = strict.post("/theme/", {"theme": "dark"}, headers=HTMX)

    assert page.status_code == piece.status_code == 403
    assert "This form is no longer valid" in page.content.decode()
    assert len(json.loads(piece["HX-Trigger"])["token"]["value"]) == 64


def test_a_signed_out_page_is_told_so_instead_of_getting_the_sign_in_page_into_itself(client):
    answer = client.get("/inbox/count/", headers=HTMX)

    assert answer.status_code == 401
    assert answer["HX-Retarget"] == "#problem"
    assert "You are signed out" in answer.content.decode()
    assert client.get("/inbox/count/").status_code == 302


def test_too_many_attempts_are_answered_in_words(client):
    for _ in range(40):
        answer = client.post("/account/login/", {"login": "x@northwind.example", "password": "wrong"})

    assert answer.status_code in {200, 429}
    assert any("too many" in answer.content.decode().lower() for _ in [0])


def test_who_is_slowed_down_is_told_until_when(client):
    cache.clear()
    with time_machine.travel("2026-11-28T10:58:30Z", tick=False):
        answers = [client.post("/account/login/", {"login": "x@northwind.example", "password": "wrong"}) for _ in range(31)]
    cache.clear()

    assert "Try again in five minutes" in answers[6].content.decode()
    assert answers[-1].status_code == 429
    assert "Wait until 11:03 UTC" in answers[-1].content.decode()
    assert answers[-1]["Retry-After"] == "300"
    rates = [rate for rates in settings.ACCOUNT_RATE_LIMITS.values() for rate in parse_rates(rates)]
    assert max(rate.duration for rate in rates) <= PATIENCE.total_seconds()


def test_a_request_that_is_too_large_is_refused_in_words(ann, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = ann.post("/theme/", {"theme": "x" * 2000})

    assert answer.status_code == 413
    assert "too large" in answer.content.decode()


def test_the_page_for_the_proxy_is_a_file_of_its_own():
    text = (Path(settings.BASE_DIR) / "portal/static/portal/503.html").read_text()

    assert "not available right now" in text
    assert "{%" not in text
    assert "<script" not in text
