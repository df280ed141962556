"""Applies one request from Slack: who asked, who handles it, and what the person is told.

A request is genuine (the door saw to that), but an account at Slack is a weak identity: what it may do is the handler's
matter, which knows how the person was recognised (threat T4).
"""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from changes.connectors.errors import Permanent
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.models import Delivery, Posting, Source
from changes.connectors.outcome import Outcome
from changes.connectors.slack import routing
from changes.connectors.slack.answers import answer
from changes.connectors.slack.client import Slack
from changes.connectors.slack.payloads import Asked, Other, asked_of
from changes.connectors.slack.watching import note_event
from changes.connectors.slack.workspace import EMAIL, person_of, workspace
from portal.access.models import User
from portal.policy.refusal import Refused, Stale

BUDGET = 4.0
"""Seconds for asking Slack who somebody is: a person waits."""
BY_EMAIL = "You were recognised by your e-mail address. Link your Slack account in the portal to make that certain."
UNASKED = "Countersign could not ask Slack who you are, so nothing was done. Do it in the portal; an administrator sees the reason."


def apply(*, delivery: Delivery, body: bytes, at: datetime) -> Outcome:
    """Apply ``body``. Raises the connectors' ``Passing`` when Slack has to be asked and cannot answer now: try again.

    Handlers get the moment of arrival, so that a queue of minutes moves no clock of the policy.
    """
    try:
        asked = asked_of(body=body)
    except (Unreadable, Incomplete) as problem:
        return Outcome(Delivery.State.QUARANTINED, str(problem))
    if isinstance(asked, Other):
        return _other(asked, delivery.source, at)
    client = Slack(source=delivery.source, budget=BUDGET)
    us = workspace(source=delivery.source, client=client)
    if asked.team != us["team"]:
        return _ignored("from another workspace")
    if asked.bot or asked.user == us["user"]:
        return _ignored("a bot's own doing")
    asked = _placed(asked, delivery.source)
    handler = routing.handler_of(asked)
    if handler is None or (asked.what == "reaction" and not asked.message):
        return _ignored(f"nobody here handles {asked.what} {asked.name}"[:200])
    return _handled(asked, handler, delivery, client, us["team"])


def _other(other: Other, source: Source, at: datetime) -> Outcome:
    words = note_event(source=source, event=other.event, fields=other.fields, at=at)
    return Outcome(Delivery.State.APPLIED, words) if words else _ignored(other.note)


def _ignored(words: str) -> Outcome:
    return Outcome(Delivery.State.IGNORED, words)


def _placed(asked: Asked, source: Source) -> Asked:
    """With the name of the message it is about, if that is one of ours."""
    if not asked.message_ts:
        return asked
    row = Posting.objects.filter(source=source, channel=asked.channel, ts=asked.message_ts).first()
    return replace(asked, message=row.name, thread_ts=row.thread_ts) if row else asked


def _handled(asked: Asked, handler: routing.Handler, delivery: Delivery, client: Slack, team: str) -> Outcome:
    at = delivery.received_at
    try:
        known = person_of(asked=asked, team=team, client=client, at=at)
    except Permanent as problem:
        answer(asked=asked, text=UNASKED, key=f"slack.answer:{delivery.pk}:unasked", at=at)
        return Outcome(Delivery.State.QUARANTINED, problem.reason)
    if known.person is None:
        answer(asked=asked, text=known.why, key=f"slack.answer:{delivery.pk}:unknown", at=at)
        return Outcome(Delivery.State.APPLIED, f"{asked.what} {asked.name} by {asked.user}, whom nobody here knows"[:200])
    text = _said(handler, known.person, replace(asked, known_by=known.by), at)
    answer(asked=asked, text=text, key=f"slack.answer:{delivery.pk}", at=at)
    return Outcome(Delivery.State.APPLIED, f"{asked.what} {asked.name} by {known.person.name}"[:200])


def _said(handler: routing.Handler, person: User, asked: Asked, at: datetime) -> str:
    """The answer. A refusal undoes what the handler did and is told in its own words."""
    try:
        with transaction.atomic():
            text = handler(person=person, asked=asked, at=at)
    except Refused as refusal:
        text = refusal.words
    except Stale as late:
        text = str(late)
    return f"{text}\n{BY_EMAIL}".strip() if asked.known_by == EMAIL else text
