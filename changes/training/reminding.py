"""Who is reminded of their training and when; each reminder is kept, and told by mail and Slack from the ledger (changes.talk)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from changes.training import policy, queries
from changes.training.actions import stream_of
from changes.training.facts import Due
from changes.training.models import TrainingReminder
from changes.training.queries import Member
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused

Kind = TrainingReminder.Kind
AGAIN_AFTER = timedelta(hours=20)
"""Nobody is reminded by hand twice on one day."""


def remind(*, at: datetime) -> int:
    """What the clock asks for: when something comes up, before its day, on its day, and to compliance when it is late.

    Each once; after an outage only the last of them. Returns how many reminders were written.
    """
    parameters = parameters_at(at)
    sent = 0
    for member in queries.members(at=at):
        due = member.standing.open
        if due is None:
            continue
        kind = policy.reminder_for(due=due, at=at, before=parameters.training_reminded_before)
        sent += _once(member, Kind(kind), due, at)
        if at >= due.due_at + parameters.training_escalated_after:
            sent += _once(member, Kind.ESCALATED, due, at)
    return sent


@transaction.atomic
def _once(member: Member, kind: TrainingReminder.Kind, due: Due, at: datetime) -> bool:
    User.objects.select_for_update(no_key=True).get(pk=member.person.pk)
    if TrainingReminder.objects.filter(person=member.person, kind=kind, due_at=due.due_at).exists():
        return False
    _write(member.person, kind, due, None, at)
    return True


@transaction.atomic
def ask(*, people: Collection[int], by: User, at: datetime) -> int:
    """Remind these people (ids) of what is due. Who has nothing to sign or was asked today already is left out."""
    if not may_at(by, P.TRAINING_CHASE, at=at):
        raise Refused(Clause.TRAINED, f"{by.name} may not {P.TRAINING_CHASE.sentence}.", "Ask the compliance manager.")
    rows = TrainingReminder.objects.filter(kind=Kind.ASKED, at__gt=at - AGAIN_AFTER)
    asked = set(rows.values_list("person_id", flat=True))
    sent = 0
    for member in queries.members(at=at):
        due = member.standing.open
        if member.person.pk in people and member.person.pk not in asked and due is not None:
            _write(member.person, Kind.ASKED, due, by, at)
            sent += 1
    return sent


def _write(person: User, kind: TrainingReminder.Kind, due: Due, by: User | None, at: datetime) -> None:
    row = TrainingReminder.objects.create(person=person, kind=kind, due_at=due.due_at, by=by, at=at)
    append(
        stream=stream_of(person),
        kind="training.escalated" if kind == Kind.ESCALATED else "training.reminded",
        actor=actor_of(by) if by is not None else PORTAL,
        fact={
            "person": person.pk,
            "name": person.name,
            "reminder": str(kind),
            "policy": due.version,
            "due_at": due.due_at.isoformat(),
            "at": at.isoformat(),
        },
        rows=[row],
    )
