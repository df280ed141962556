"""The same over HTTP: for every act, which roles the door lets in; and what a stale sign-in gets."""

import pytest
from django.urls import reverse

from tests.changes.approvals.situations import AT, seen, waiting_change
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
DECIDING = frozenset({"Bob", "Dev", "Cleo"})
WORKING = DECIDING | {"Ann", "Mia"}
EVERYBODY = ("Nia", "Ann", "Bob", "Dev", "Cleo", "Mia", "Uma", "Rex")
READING = WORKING | {"Rex"}

POSTS = {
    "approve": DECIDING,
    "approve-with-conditions": DECIDING,
    "withdraw-approval": DECIDING,
    "step-condition": WORKING,
    "sign-off": DECIDING | {"Ann"},
    "propose-waiver": DECIDING | {"Mia"},
    "sign-waiver": {"Cleo", "Mia"},
    "withdraw-waiver": DECIDING | {"Mia"},
    "review-waiver": {"Cleo", "Mia"},
    "choose-routine": DECIDING,
    "approve-routine": DECIDING,
    "new-delegation": DECIDING,
    "end-delegation": DECIDING,
}
"""Whom the door lets in to post; what they then may is for the actions."""
PAGES = {
    "waiver": READING,
    "approve-with-conditions": DECIDING,
    "approvals": DECIDING,
    "delegations": READING,
    "new-delegation": DECIDING,
}
FRESH = ("approve", "approve-with-conditions", "propose-waiver", "sign-waiver", "approve-routine")
NUMBERED = {"withdraw-approval", "step-condition", "sign-waiver", "withdraw-waiver", "review-waiver"}


def address(name, change):
    if name in {"approvals", "choose-routine", "approve-routine", "delegations", "new-delegation"}:
        return reverse(name)
    if name == "end-delegation":
        return reverse(name, args=[1])
    return reverse(name, args=[change.number, 1] if name in NUMBERED else [change.number])


@pytest.fixture
def change():
    return waiting_change(person("Ivy", "engineer"), at=AT)


@pytest.mark.parametrize("name", EVERYBODY)
def test_each_role_gets_in_exactly_where_it_may(client, change, name):
    sign_in(client, person(name))

    posts = {act for act in POSTS if client.post(address(act, change), {}).status_code != 403}
    pages = {page for page in PAGES if client.get(address(page, change)).status_code == 200}

    assert posts == {act for act, names in POSTS.items() if name in names}
    assert pages == {page for page, names in PAGES.items() if name in names}


def test_an_auditor_without_an_engagement_sees_nothing_and_posts_nothing(client, change):
    sign_in(client, person("Uma"))

    assert {client.get(address(page, change)).status_code for page in PAGES} == {403}


@pytest.mark.parametrize("act", FRESH)
def test_what_decides_asks_for_a_sign_in_just_now(client, change, act):
    sign_in(client, person("Cleo"), fresh=False)
    shown = seen(change)

    answer = client.post(address(act, change), {"verdict": "yes", "read": "on", "digest": shown.digest, "head": shown.head})

    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert not change.approvals.exists()
