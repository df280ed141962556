"""The door: forged, replayed, oversized and poisonous deliveries get a clear status; nothing is lost, the next one is processed."""

import hashlib
import hmac
import json
import uuid
import zlib

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from changes.connectors import storing
from changes.connectors.models import Delivery, Source
from changes.delivery.models import PullRequest
from changes.proposals.models import Change
from tests.changes.stories import Clock, connect, post, read_story, work
from tests.lean import lean_client
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "s3cret"
STORY = {"repository": "acme/web", "secret": SECRET}


@pytest.fixture(params=["before Django", "as a view"])
def client(request):
    """Both roads to the door."""
    if request.param == "as a view":
        yield Client()
        return
    with lean_client() as found:
        yield found


def signed(body, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send(client, body, event="pull_request", **headers):
    sent = {"X-GitHub-Event": event, "X-GitHub-Delivery": str(uuid.uuid4()), "X-Hub-Signature-256": signed(body), **headers}
    sent = {name: value for name, value in sent.items() if value is not None}
    return client.post("/hooks/github/", data=body, content_type="application/json", headers=sent)


def opened(number=7, **more):
    """A pull request in the official shape, as small as it may be."""
    user = {"login": "ada", "id": 11, "type": "User"}
    pull = {
        "id": number,
        "number": number,
        "title": "Add a page",
        "state": "open",
        "body": "## Why\nneeded\n## Rollback\nredeploy",
        "draft": False,
        "user": user,
        "head": {"ref": "feature", "sha": "a" * 40},
        "base": {"ref": "main", "sha": "b" * 40},
        "labels": [],
        "merged": False,
        "created_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-01T10:00:00Z",
        **more,
    }
    repository = {"id": 5, "name": "web", "full_name": "acme/web", "owner": user}
    return {"action": "opened", "number": number, "pull_request": pull, "repository": repository, "sender": user}


def body_of(value):
    return json.dumps(value).encode()


BROKEN = {
    "missing": None,
    "empty": "",
    "no prefix": signed(b"{}")[7:],
    "short": signed(b"{}")[:-1],
    "upper case": signed(b"{}").upper().replace("SHA256", "sha256"),
    "other algorithm": "sha1=" + "0" * 40,
    "other secret": signed(b"{}", "other"),
    "empty secret": signed(b"{}", ""),
    "one digit off": signed(b"{}")[:-1] + ("0" if signed(b"{}")[-1] != "0" else "1"),
    "two at once": f"{signed(b'{}')},{signed(b'{}')}",
    "not ascii": "sha256=ä",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_delivery_that_is_not_genuine_leaves_nothing(client, case):
    connect(STORY)

    answer = send(client, b"{}", **{"X-Hub-Signature-256": BROKEN[case]})

    assert answer.status_code == 401
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("header", ["X-GitHub-Event", "X-GitHub-Delivery"])
@pytest.mark.parametrize("value", [None, "", "x" * 500, "a\tb"])
def test_a_needed_header_is_asked_for_in_words(client, header, value):
    connect(STORY)

    answer = send(client, b"{}", **{header: value})

    assert answer.status_code == 400
    assert header.lower() in answer.json()["error"]


def test_an_unknown_source_is_404_and_another_method_405(client):
    assert client.post("/hooks/nobody/", data=b"{}", content_type="application/json").status_code == 404
    assert client.get("/hooks/github/").status_code == 405


def test_a_source_that_sends_nothing_has_no_door(client):
    for kind in ("fly", "cloudflare"):
        Source.objects.create(name=kind, kind=kind, api_url="https://vendor.example", connected_at=timezone.now())

        assert client.post(f"/hooks/{kind}/", data=b"{}", content_type="application/json").status_code == 404


def test_the_same_body_under_fifty_new_ids_has_one_effect(client):
    connect(STORY)
    body = body_of(opened())

    for _ in range(50):
        assert send(client, body).status_code == 202
    work(Clock())

    assert Change.objects.count() == 1
    assert Delivery.objects.filter(state="applied").count() == 1
    assert Delivery.objects.filter(state="duplicate").count() == 49


def test_another_event_in_the_header_is_set_aside_with_the_reason(client):
    connect(STORY)

    assert send(client, body_of(opened()), event="push").status_code == 202
    work(Clock())

    delivery = Delivery.objects.get()
    assert delivery.state == "quarantined"
    assert "push" in delivery.note
    assert not PullRequest.objects.exists()


POISON = {
    "not json": b"{",
    "empty": b"",
    "array": b"[]",
    "number": b"7",
    "nul in text": body_of(opened(title="a\x00b")),
    "nul raw": b'{"a":"\x00"}',
    "lone surrogate": b'{"title":"\\ud800"}',
    "nan": b'{"a": NaN}',
    "1e400": b'{"a": 1e400}',
    "3,000 deep": b"[" * 3000 + b"]" * 3000,
    "5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "not utf-8": b'{"a":"\xff"}',
    "wrong types": body_of(opened(user="ada", head=7, labels={"a": 1})),
}


@pytest.mark.parametrize("case", POISON)
def test_poison_is_kept_and_the_next_delivery_is_processed(client, case):
    connect(STORY)

    assert send(client, POISON[case]).status_code == 202
    assert send(client, body_of(opened(number=8))).status_code == 202
    work(Clock())

    first, second = Delivery.objects.order_by("id")
    assert second.state == "applied"
    assert first.state in ("quarantined", "ignored", "applied")
    assert first.state == "applied" or first.note


def test_a_delivery_of_another_repository_is_kept_and_not_used(client):
    connect(STORY)
    other = opened()
    other["repository"]["full_name"], other["repository"]["id"] = "acme/other", 99

    send(client, body_of(other))
    work(Clock())

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.note) == ("ignored", "acme/other is not in scope")


def test_a_secret_is_good_for_its_own_repository_only(client):
    connect(STORY)
    connect({"repository": "acme/api", "secret": "another"})
    body = body_of(opened())

    send(client, body, **{"X-Hub-Signature-256": signed(body, "another")})
    work(Clock())

    assert Delivery.objects.get().state == "quarantined"
    assert not PullRequest.objects.exists()


def test_an_added_secret_is_good_at_once_beside_the_old_one(client):
    connect(STORY)
    assert send(client, b"{}", event="ping").status_code == 202
    body = body_of(opened())
    assert send(client, body, **{"X-Hub-Signature-256": signed(body, "new")}).status_code == 401

    connect({"repository": "acme/web", "secret": "new"})

    assert send(client, body, **{"X-Hub-Signature-256": signed(body, "new")}).status_code == 202
    assert send(client, body).status_code == 202


def test_a_quarantined_delivery_that_the_vendor_sends_again_is_tried_again(client):
    story = read_story("dev.violations")
    connect(story)
    first = story["deliveries"][0]
    post(client, first)
    Delivery.objects.update(state="quarantined", attempts=5, note="a fault of ours")

    post(client, first)
    work(Clock())

    assert Delivery.objects.get().state == "applied"


def test_another_body_under_a_known_id_is_not_kept_but_counted(client, caplog):
    connect(STORY)
    first, other = body_of(opened()), body_of(opened(title="Something else"))
    known = {"X-GitHub-Delivery": str(uuid.uuid4())}

    assert send(client, first, **known).json() == {"state": "accepted"}
    assert send(client, first, **known).json() == {"state": "already here"}
    answer = send(client, other, **known)

    assert (answer.status_code, answer.json()) == (202, {"state": "already here with another body, which was not kept"})
    delivery = Delivery.objects.get()
    assert (zlib.decompress(delivery.body), delivery.other_bodies) == (first, 1)
    (told,) = [record.msg for record in caplog.records if "another body" in record.getMessage()]
    assert (told["delivery"], len(told["request_id"])) == (known["X-GitHub-Delivery"], 10)
    work(Clock())
    assert PullRequest.objects.get().title == "Add a page"


def test_people_see_that_another_body_came(client):
    connect(STORY)
    known = {"X-GitHub-Delivery": str(uuid.uuid4())}
    for body in (b"{}", b"[]", b"7"):
        send(client, body, **known)
    send(client, b"{}")
    reader = sign_in(Client(), person("Rex"))

    pages = {path: reader.get(f"/integrations/{path}").content.decode() for path in ("", "deliveries/?state=contradicted")}

    assert "1 id with another body later" in pages[""]
    assert "Another body came under this id (2×); the first one counts." in pages["deliveries/?state=contradicted"]
    assert pages["deliveries/?state=contradicted"].count('data-l="State"') == 1


def test_another_body_does_not_bring_back_what_was_set_aside(client):
    connect(STORY)
    known = {"X-GitHub-Delivery": str(uuid.uuid4())}
    send(client, b"{", **known)
    Delivery.objects.update(state="quarantined")

    send(client, body_of(opened()), **known)

    assert Delivery.objects.get().state == "quarantined"


def test_a_database_that_is_away_is_said_and_the_delivery_shall_come_again(client, monkeypatch):
    connect(STORY)
    assert send(client, b"{}", event="ping").status_code == 202
    monkeypatch.setattr(storing, "_store", refuse(OperationalError("the server closed the connection")))

    answer = send(client, b"{}", event="ping")

    assert (answer.status_code, answer.json()) == (503, {"error": "not stored, send it again"})
    assert answer.headers["Retry-After"] == "5"
    assert Delivery.objects.count() == 1


def refuse(problem):
    """A function that raises."""

    def raises(*given, **named):
        raise problem

    return raises
