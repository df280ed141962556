"""A question of an audit: asked through the auditor's door, answered by its owner, closed and opened again."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.engagements.actions import end_engagement
from audits.engagements.models import ReadLog
from audits.requests import actions
from audits.requests.actions import Question, ask, write
from audits.requests.lifecycle import Move, State, state_after
from audits.requests.models import Request, RequestMessage
from audits.requests.queries import requests_of
from portal.access.models import User
from portal.home.inbox import items_for
from portal.ledger.models import LedgerLeaf
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.opened import admitted
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def question(owner: User, **rest) -> Question:
    wish = {
        "subject": "Who reviews?",
        "text": "Please name the page.",
        "owner": owner,
        "due_at": timezone.now() + timedelta(days=3),
    }
    return Question(**{**wish, **rest})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_question_goes_from_the_auditors_door_to_its_owner_and_back():
    uma, engagement = admitted()
    ann, bob = person("Ann"), person("Bob")
    day = str(timezone.now().date() + timedelta(days=2))
    auditor, owner = signed_in(uma), signed_in(ann)
    wish = {"subject": "Who reviews?", "text": "Please name the page.", "owner": ann.pk, "due": day, "links": "CHG-1042 /deploys/"}

    asked = auditor.post(reverse("ask-request", args=[engagement.pk]), wish)
    row = Request.objects.get()
    thread = reverse("audit-request", args=[engagement.pk, row.number])

    assert (asked.status_code, asked.url) == (302, thread)
    assert (row.asked_by, row.owner, row.links) == (uma, ann, ["CHG-1042", "/deploys/"])
    assert ReadLog.objects.get(outcome="sent").path == reverse("ask-request", args=[engagement.pk])
    assert [item.title for item in items_for(user=ann, at=timezone.now())] == ["Answer an audit's request"]
    assert "Please name the page." in owner.get(thread).content.decode()
    assert signed_in(bob).get(thread).status_code == 404
    assert owner.get(reverse("audit-requests", args=[engagement.pk])).status_code == 403

    assert auditor.post(reverse("answer-request", args=[engagement.pk, 1]), {"text": "no"}).status_code == 403
    assert owner.post(reverse("answer-request", args=[engagement.pk, 1]), {"text": ""}).status_code == 422
    assert owner.post(reverse("answer-request", args=[engagement.pk, 1]), {"text": "The page Deploys."}).status_code == 302
    assert items_for(user=ann, at=timezone.now()) == []
    assert [item.act for item in items_for(user=uma, at=timezone.now())] == ["Read"]
    assert auditor.post(reverse("write-request", args=[engagement.pk, 1]), {"text": "Thank you."}).status_code == 302
    assert auditor.post(reverse("close-request", args=[engagement.pk, 1]), {"text": ""}).status_code == 302

    late = owner.post(reverse("answer-request", args=[engagement.pk, 1]), {"text": "One thing more, written at length."})
    assert late.status_code == 422
    assert "is closed now" in late.content.decode()
    assert auditor.post(reverse("reopen-request", args=[engagement.pk, 1]), {"text": "It is not there."}).status_code == 302
    assert [message.state for message in row.messages.order_by("number")] == ["open", "answered", "answered", "closed", "open"]
    kinds = LedgerLeaf.objects.filter(stream=f"request:{row.pk}").order_by("stream_seq").values_list("kind", flat=True)
    assert list(kinds) == [f"request.{word}" for word in ("asked", "answered", "written", "closed", "reopened")]
    assert "Who reviews?" in auditor.get(reverse("audit", args=[engagement.pk])).content.decode()

    wrong = auditor.post(
        reverse("ask-request", args=[engagement.pk]),
        {**wish, "due": "2020-01-01", "links": "http://elsewhere.example/", "text": "Kept."},
    )
    assert wrong.status_code == 422
    page = wrong.content.decode()
    assert all(words in page for words in ("That day is over", "leads nowhere here", "Kept."))


def test_what_makes_no_sense_is_refused_in_words(monkeypatch):
    uma, engagement = admitted()
    ann, mia, now = person("Ann"), User.objects.get(name="Mia"), timezone.now()
    for wish, by in (
        (question(ann, due_at=now), uma),
        (question(uma), uma),
        (question(ann), ann),
        (question(ann), person("Una", "auditor")),
    ):
        with pytest.raises(Refused):
            ask(engagement=engagement, question=wish, by=by, at=now)
    row = ask(engagement=engagement, question=question(ann), by=uma, at=now)
    for move, by, text in (
        (Move.ANSWER, uma, "x"),
        (Move.CLOSE, mia, ""),
        (Move.CLOSE, ann, ""),
        (Move.WRITE, person("Bob"), "x"),
        (Move.WRITE, uma, " "),
    ):
        with pytest.raises(Refused):
            write(request=row, move=move, text=text, by=by, at=now)
    write(request=row, move=Move.ANSWER, text="For Ann.", by=mia, at=now)
    write(request=row, move=Move.WRITE, text="And I.", by=ann, at=now)
    mine = ask(engagement=engagement, question=question(ann), by=mia, at=now)
    with pytest.raises(Refused):
        write(request=mine, move=Move.CLOSE, text="", by=uma, at=now)
    write(request=mine, move=Move.CLOSE, text="", by=mia, at=now)
    assert [(one.number, vars(one)["state"]) for one in requests_of(engagement)] == [(1, State.ANSWERED), (2, State.CLOSED)]

    monkeypatch.setattr(actions, "state_of", lambda request: (1, State.OPEN))
    with pytest.raises(Stale, match="at the same moment"):
        write(request=row, move=Move.WRITE, text="At once.", by=ann, at=now)
    monkeypatch.undo()
    end_engagement(engagement=engagement, by=mia, at=now)
    with pytest.raises(Refused, match="not open"):
        write(request=row, move=Move.ANSWER, text="Too late.", by=ann, at=now)
    assert items_for(user=ann, at=now) == []
    with pytest.raises(IntegrityError, match="does not follow"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audits_requestmessage (request_id, number, move, state, text, by_id, at)"
            f" VALUES ({row.pk}, 4, 'ask', 'open', 'x', {ann.pk}, now())"
        )
    assert RequestMessage.objects.filter(request=row).count() == 3


def test_moves_are_as_the_table_says():
    assert state_after(State.CLOSED, Move.ANSWER) is None
    assert state_after("", Move.ASK) == State.OPEN
    assert {state_after(before, Move.CLOSE) for before in (State.OPEN, State.ANSWERED)} == {State.CLOSED}
