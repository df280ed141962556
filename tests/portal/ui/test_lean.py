"""Addresses before Django: only exactly those; everything else is answered as ever; what protects is the same."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve

from portal.access.walk import rule_of
from portal.limits import LARGEST
from portal.ui.headers import SECURITY_HEADERS
from portal.ui.lean import Asked, LeanPaths, Said
from tests.lean import LeanClient, aside, lean_client

pytestmark = pytest.mark.django_db(transaction=True)
HERE = r"/door/[a-z]+/"


@pytest.fixture
def client():
    with lean_client() as found:
        yield found


def scope(path="/door/a/", method="POST", headers=(), type="http"):
    return {"type": type, "method": method, "path": path, "headers": [(b"host", b"testserver"), *headers]}


def play(asked, *parts, more=b""):
    """Let the wrapper answer one request. Returns (who answered, messages sent)."""
    sent, who = [], []
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": more} if more is not None else {"type": "http.disconnect"})

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    async def django(scope, receive, send):
        who.append("django")

    async def door(given):
        who.append(given)
        return Said(202, b"{}", headers={"Retry-After": "5"})

    aside(LeanPaths(django, {HERE: door})(asked, receive, send))
    return who, sent


def test_a_whole_request_reaches_its_handler_and_the_answer_has_every_header():
    who, sent = play(scope(headers=[(b"x-a", b"1"), (b"x-a", b"2"), (b"x_a", b"3")]), b"one ", more=b"two")

    assert who == [Asked("/door/a/", {"host": "testserver", "x-a": "1,2"}, b"one two")]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert sent[0]["status"] == 202
    assert sent[1]["body"] == b"{}"
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert (headers["Cache-Control"], headers["Content-Length"], headers["Retry-After"]) == ("no-store", "2", "5")
    assert len(headers["X-Request-ID"]) == 10


@pytest.mark.parametrize(
    "asked",
    [
        scope(method="GET"),
        scope(method="PUT"),
        scope(path="/door/a"),
        scope(path="/door/a/b/"),
        scope(path="/door/a/\n"),
        scope(path="/x/door/a/"),
        scope(type="websocket"),
        {**scope(), "headers": []},
        {**scope(), "headers": [(b"host", b"evil.example")]},
        {**scope(), "headers": [(b"host", b"testserver"), (b"host", b"testserver")]},
    ],
    ids=str,
)
def test_whatever_is_not_exactly_that_goes_on_to_django(asked):
    assert play(asked) == (["django"], [])


def test_a_sender_who_hangs_up_in_the_middle_reaches_nobody():
    assert play(scope(), b"half", more=None) == ([], [])


def test_every_lean_address_is_a_public_one_with_its_reason():
    for pattern in settings.LEAN_PATHS:
        found = resolve(pattern.replace("[-a-zA-Z0-9_]+", "github"))
        rule = rule_of(found.func, found.view_name)

        assert rule is not None
        assert rule.public
        assert rule.reason


@pytest.mark.parametrize(("method", "path", "status"), [("get", "/hooks/github/", 405), ("post", "/hooks/nobody/", 404)])
def test_both_roads_give_the_same_number(client, method, path, status):
    assert getattr(client, method)(path).status_code == status
    assert getattr(Client(), method)(path).status_code == status


def test_another_host_is_refused_in_words(client):
    answer = LeanClient(host="evil.example").post("/hooks/github/", data=b"{}")

    assert answer.status_code == 400
    assert "We could not read that request" in answer.content.decode()


def test_a_body_over_the_cap_is_refused_before_anything_is_kept(client):
    answer = client.post("/hooks/github/", data=b"x" * (LARGEST + 1))

    assert answer.status_code == 413
    assert "25 MiB" in answer.json()["error"]
