"""Reminders of the reviews after an emergency, and their escalation: each once, by mail and in Slack (P-22).

What was sent is a row of evidence, unique for its stage and due time, so that the task may run at any time, twice at once
and after a pause.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from changes.emergencies import clocks, threads
from changes.emergencies.actions import note_declared
from changes.emergencies.models import Emergency, EmergencyReminder
from changes.emergencies.queries import noted, to_note, unfinished, with_reviews
from changes.gates.reading import moment
from changes.proposals import queries
from changes.proposals.lifecycle import State
from changes.proposals.models import ReviewAfter
from changes.proposals.moving import stream_of
from portal.access.may import holders_of, holders_of_role
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.ledger.actions import append
from portal.outbox.mail import send_mail
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.ui.doorbell import ring

Duty = EmergencyReminder.Duty
RECENT = timedelta(days=2)
AT_ONCE = 200
WORDS = {clocks.HALFWAY: "is due", clocks.DAY_BEFORE: "is due", clocks.DUE: "is due now", clocks.ESCALATED: "is overdue"}


@dataclass(frozen=True)
class Owed:
    """A review that is not written: since when it can be, and when it is due."""

    duty: str
    start: datetime
    due: datetime


def keep_clocks(*, at: datetime, parameters: Parameters | None = None) -> int:
    """Note what was declared elsewhere, let the threads follow, and remind of what is due. Returns how many were reminded of."""
    parameters = parameters or parameters_at(at)
    for change in to_note().order_by("id")[:AT_ONCE]:
        note_declared(change=change, at=at)
    sent = 0
    for emergency in _alive(at):
        threads.catch_up(emergency=emergency, at=at)
        sent += sum(_remind(emergency, owed, at, parameters) for owed in owed_by(emergency))
    return sent


def _alive(at: datetime) -> list[Emergency]:
    """Those with something left to do, and those that something happened to in the last days."""
    since = at - RECENT
    written = Exists(ReviewAfter.objects.filter(change=OuterRef("change_id"), at__gte=since))
    rows = with_reviews(noted()).filter(unfinished() | Q(change__moved_at__gte=since) | written)
    return list(rows.order_by("id")[:AT_ONCE])


def tell_threads(*, changes: Iterable[int], at: datetime) -> None:
    """Let the threads of these changes (ids) follow at once."""
    for emergency in noted().filter(change__in=list(changes)).order_by("id"):
        threads.catch_up(emergency=emergency, at=at)


def owed_by(emergency: Emergency) -> Iterator[Owed]:
    """The reviews that an emergency (from ``with_reviews``) still owes, once it is in production."""
    change = emergency.change
    if change.merged_at is None or change.state == State.WITHDRAWN:
        return
    written = vars(emergency)
    if change.retrospective_due_at is not None and not written["retrospective_written"]:
        yield Owed(Duty.RETROSPECTIVE, change.merged_at, change.retrospective_due_at)
    if change.review_due_at is not None and not written["review_written"]:
        yield Owed(Duty.POST_IMPLEMENTATION, change.released_at or change.merged_at, change.review_due_at)


def _remind(emergency: Emergency, owed: Owed, at: datetime, parameters: Parameters) -> bool:
    stage = clocks.stage_now(start=owed.start, due=owed.due, escalated_after=parameters.review_escalated_after, at=at)
    if stage is None or emergency.reminders.filter(duty=owed.duty, stage=stage.name, due_at=owed.due).exists():
        return False
    people = _escalated_to(at) if stage.name == clocks.ESCALATED else _reminded(emergency, owed, at)
    try:
        with transaction.atomic():
            _send(emergency, owed, stage.name, people, at)
    except IntegrityError:
        return False  # another worker sent it in this moment
    return True


def _escalated_to(at: datetime) -> list[User]:
    """The chair and compliance, each once."""
    people = [*holders_of_role(Role.CHAIR, at=at), *holders_of_role(Role.COMPLIANCE, at=at)]
    return list({person.pk: person for person in people}.values())


def _reminded(emergency: Emergency, owed: Owed, at: datetime) -> list[User]:
    """Of the retrospective everybody who may write it; of the other review whoever asked for the change, else the same."""
    change = emergency.change
    if owed.duty == Duty.POST_IMPLEMENTATION and change.requester is not None and change.requester.is_active:
        return [change.requester]
    taking_part = {actor.person for actor in (*queries.contributors(change), *queries.plus_ones(change))}
    taking_part.add(change.requester_id)
    return [person for person in holders_of(P.CHANGE_REVIEW_AFTER, at=at) if person.pk not in taking_part]


def _send(emergency: Emergency, owed: Owed, stage: str, people: list[User], at: datetime) -> None:
    change, label = emergency.change, Duty(owed.duty).label
    row = EmergencyReminder.objects.create(
        emergency=emergency, duty=owed.duty, stage=stage, due_at=owed.due, to=[person.name for person in people], at=at
    )
    append(
        stream=stream_of(change),
        kind="emergency.escalated" if stage == clocks.ESCALATED else "emergency.reminded",
        actor="portal",
        fact={"duty": owed.duty, "stage": stage, "due": owed.due.isoformat(), "to": row.to, "at": at.isoformat()},
        rows=[row],
    )
    sentence = f"The {label.lower()} of emergency {change} {WORDS[stage]}: {moment(owed.due.replace(microsecond=0))}."
    for person in people:
        send_mail(
            key=f"emergency:reminder:{row.pk}:{person.pk}",
            to=[person.email],
            subject=f"{'Overdue' if stage == clocks.ESCALATED else 'Review'}: {change} {label.lower()}",
            text=f"{sentence}\n\n{_why(owed, stage)}\n\n{threads.address_of(change)}#review-after\n",
            at=at,
        )
    name = f"reminder-{row.pk}"
    threads.reply(emergency=emergency, name=name, text=sentence, at=at)
    if stage == clocks.ESCALATED:
        for person in people:
            threads.tell_person(emergency=emergency, person=person, name=name, text=sentence, at=at)
    ring("inbox")


def _why(owed: Owed, stage: str) -> str:
    if stage == clocks.ESCALATED:
        return "You get this because you lead the architecture team or watch over compliance: nobody has written it in time (P-22)."
    if owed.duty == Duty.RETROSPECTIVE:
        return "You get this because you may write it: you took no part in the emergency (P-22)."
    return "You get this because you asked for the change: say in a sentence how it went."
