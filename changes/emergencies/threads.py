"""What an emergency's one thread in Slack says: the first message, then each step as a reply, each exactly once (P-21).

Steps are read from the records, not announced by whoever made them, so none is forgotten whichever way it came. Without
Slack the effects end as "not posted", and the pages say so.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from changes.emergencies.models import Ask, Emergency, EmergencyThread
from changes.emergencies.steps import Step, steps_of
from changes.proposals.models import Change
from changes.proposals.moving import ring_for, stream_of
from portal.access.models import User
from portal.ledger.actions import append
from portal.outbox.actions import enqueue
from portal.outbox.models import Effect

MESSAGE = "slack.message"
CHANNEL = "emergencies"
PLUS_ONE = "emergency.plus_one"
"""Action id of the button."""
SHOWN = 600
"""Characters of each field that a message repeats; the rest is on the page."""


def thread_key(emergency: Emergency) -> str:
    """The key of the effect that is the first message."""
    return f"emergency:{emergency.pk}:thread"


def emergency_in(key: str) -> int | None:
    """The emergency whose thread's first message has this key; None for any other message."""
    kind, _, rest = key.partition(":")
    number, _, name = rest.partition(":")
    return int(number) if kind == "emergency" and name == "thread" and number.isdecimal() else None


def address_of(change: Change) -> str:
    """The change's page."""
    return f"{settings.BASE_URL}/changes/{change.number}/"


def declarer_of(emergency: Emergency) -> str:
    """The name of whoever declared it."""
    if emergency.via == Emergency.Via.PORTAL:
        return "Countersign"
    return emergency.declared_by.name if emergency.declared_by else emergency.change.requester_login or "somebody"


def open_thread(*, emergency: Emergency, at: datetime, why: str = "") -> None:
    """Ask for the first message, in the caller's transaction. ``why`` is what the portal found, where it declared."""
    change = emergency.change
    payload: dict[str, Any] = {"channel": CHANNEL, "link": _link(change)}
    if emergency.via == Emergency.Via.PORTAL:
        payload["text"] = f"Undeclared emergency {change}: {change.title}"
        payload["lines"] = [why, "Countersign declared it. The retrospective review decides what follows from it."]
    else:
        payload["text"] = f"Emergency {change}: {change.title}"
        payload["lines"] = [*_told(emergency), _wanted(emergency)]
        payload["buttons"] = [_plus_one_button(change)]
    enqueue(kind=MESSAGE, key=thread_key(emergency), payload=payload, at=at)


def _told(emergency: Emergency) -> list[str]:
    fields = {"What is broken": emergency.broken, "The fix": emergency.fix, "How to undo it": emergency.undo}
    lines = [f"{name}: {text[:SHOWN]}" for name, text in fields.items() if text.strip()]
    return [f"Declared by {declarer_of(emergency)}.", *lines]


def _wanted(emergency: Emergency) -> str:
    who = f"{emergency.asked.name} is asked for the +1" if emergency.asked else "Wanted: a +1"
    return f"{who}, from somebody who took no part: the button, or :+1: on this message."


def _plus_one_button(change: Change) -> Mapping[str, Any]:
    return {"text": "+1", "action": PLUS_ONE, "value": str(change.number), "style": "primary"}


def _link(change: Change) -> Mapping[str, Any]:
    return {"text": "Open in Countersign", "url": address_of(change)}


def ask_for_plus_one(*, emergency: Emergency, at: datetime) -> None:
    """Tell the person who was asked for the +1, directly."""
    if emergency.asked is None:
        return
    payload = {
        "person": emergency.asked.pk,
        "text": f"{declarer_of(emergency)} asks you for the +1 on emergency {emergency.change}: {emergency.change.title}",
        "lines": _told(emergency)[1:],
        "buttons": [_plus_one_button(emergency.change)],
        "link": _link(emergency.change),
    }
    enqueue(kind=MESSAGE, key=f"emergency:{emergency.pk}:asked", payload=payload, at=at)


def ask_for_reason(*, ask: Ask, at: datetime) -> None:
    """Ask the person for the reason, directly; the answer is given on the page."""
    if ask.person is None:
        return
    change = ask.emergency.change
    payload = {"person": ask.person.pk, "text": ask.question, "lines": [ask.why], "link": _link(change)}
    enqueue(kind=MESSAGE, key=f"emergency:{ask.emergency_id}:ask:{ask.pk}", payload=payload, at=at)


def tell_person(*, emergency: Emergency, person: User, name: str, text: str, at: datetime) -> None:
    """One sentence to one person, directly. ``name`` makes it unique among what they are told of this emergency."""
    payload = {"person": person.pk, "text": text, "link": _link(emergency.change)}
    enqueue(kind=MESSAGE, key=f"emergency:{emergency.pk}:{name}:{person.pk}", payload=payload, at=at)


def reply(*, emergency: Emergency, name: str, text: str, at: datetime) -> None:
    """One reply in the thread; ``name`` makes it unique there."""
    payload = {"thread": thread_key(emergency), "text": text}
    enqueue(kind=MESSAGE, key=_reply_key(emergency, name), payload=payload, at=at)


def _reply_key(emergency: Emergency, name: str) -> str:
    return f"emergency:{emergency.pk}:step:{name}"


@transaction.atomic
def catch_up(*, emergency: Emergency, at: datetime) -> int:
    """Reply with every step that the thread has not told yet, and note where the thread stands. Returns how many are new."""
    steps = {_reply_key(emergency, step.name): step for step in steps_of(emergency)}
    keys = [thread_key(emergency), *steps]
    asked = {effect.key: effect for effect in Effect.objects.defer("payload").filter(key__in=keys)}
    _note_thread(emergency, asked.get(thread_key(emergency)), at)
    new: list[Step] = [step for key, step in steps.items() if key not in asked]
    for step in new:
        reply(emergency=emergency, name=step.name, text=step.text, at=at)
    return len(new)


def _note_thread(emergency: Emergency, first: Effect | None, at: datetime) -> None:
    """Keep the place of the first message as evidence, once it was posted."""
    result = (first.result or {}) if first is not None else {}
    if not result.get("posted") or EmergencyThread.objects.filter(emergency=emergency).exists():
        return
    row = EmergencyThread.objects.create(
        emergency=emergency, channel=result["channel"], ts=result["ts"], permalink=result.get("permalink") or "", at=at
    )
    append(
        stream=stream_of(emergency.change),
        kind="emergency.thread_opened",
        actor="portal",
        fact={"permalink": row.permalink, "channel": row.channel, "at": at.isoformat()},
        rows=[row],
    )
    ring_for(emergency.change)
