"""The panel with classes and risk of a change: reasons, people's words, and the form."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from changes.proposals.models import Change, ClassChoice
from tests.changes.people import person, sign_in
from tests.changes.stories import told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def change(client):
    """The standard change of the stories while its first pull request is open."""
    told(client, "dev.standard-change", until=6)
    return Change.objects.get()


def page_of(client, change):
    return client.get(reverse("change", args=[change.number])).content.decode()


def choose(client, change, chosen, reason=""):
    return client.post(reverse("choose-class", args=[change.number]), {"chosen_class": chosen, "reason": reason})


def test_the_page_says_why_it_is_classed_so_and_what_the_risk_is_made_of(client, change):
    sign_in(client, person("Ann"))

    page = page_of(client, change)

    assert "Classes and risk" in page
    assert change.reasons["size"][0] in page
    assert "Low risk, 0 points" in page
    assert "The questionnaire was not answered." in page


def test_an_engineer_is_offered_higher_classes_only(client, change):
    choose_as(client, change, "Ann", "size:large")

    page = page_of(client, change)

    assert 'value="kind:access"' in page
    assert 'value="size:normal"' not in page


def test_an_architect_is_offered_lower_ones_too_and_has_to_say_why(client, change):
    choose_as(client, change, "Ann", "size:large", "Many customers")
    client.logout()
    sign_in(client, person("Dev"))

    page = page_of(client, change)
    silent = choose(client, change, "size:normal")
    spoken = choose(client, change, "size:normal", "Two customers")

    assert 'value="size:normal"' in page
    assert (silent.status_code, spoken.status_code) == (422, 302)
    assert b"Write why the rule is too strict here" in silent.content
    change.refresh_from_db()
    assert change.size == "normal"


def choose_as(client, change, name, chosen, reason=""):
    sign_in(client, person(name))
    return choose(client, change, chosen, reason)


def test_a_word_stands_on_the_page_with_who_when_and_why(client, change):
    assert choose_as(client, change, "Ann", "size:large", "It touches <b>everything</b>").status_code == 302

    page = page_of(client, change)

    assert "size from normal to large" in page
    assert "It touches &lt;b&gt;everything&lt;/b&gt;" in page
    assert ClassChoice.objects.get().by.name == "Ann"


BAD = {"nothing": "", "no class": "size:huge", "not offered": "size:normal", "nonsense": "x"}


def test_what_is_not_offered_is_asked_again(client, change):
    sign_in(client, person("Ann"))

    found = {name: choose(client, change, chosen).status_code for name, chosen in BAD.items()}

    assert found == dict.fromkeys(BAD, 422)
    assert not ClassChoice.objects.exists()


@pytest.mark.parametrize("name", ["Rex", "Uma"])
def test_who_does_not_work_on_changes_sees_no_form(client, change, name):
    sign_in(client, person(name))

    if name == "Rex":
        assert "Class it differently" not in page_of(client, change)
    assert choose(client, change, "size:large").status_code == 403


def test_the_page_asks_no_more_with_many_words(client, change):
    sign_in(client, person("Dev"))
    asked = []
    for kind in ("infrastructure", "database", "secrets", "access"):
        assert choose(client, change, f"kind:{kind}").status_code == 302
        page_of(client, change)
        with CaptureQueriesContext(connection) as queries:
            page = page_of(client, change)
        asked.append(len(queries))

    assert page.count("Raised</span>") == 4
    assert len(set(asked)) == 1
