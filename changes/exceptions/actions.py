"""Open, answer and clear exceptions. Every step is inserted with its ledger entry; nothing is closed by deleting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from changes.delivery.models import Repository
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState, ExceptionStep
from changes.proposals.models import Change
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

ANSWERS = {
    ExceptionState.OPEN: (ExceptionState.EXPLAINED, ExceptionState.REPAIRED),
    ExceptionState.EXPLAINED: (ExceptionState.REPAIRED, ExceptionState.OPEN),
    ExceptionState.REPAIRED: (ExceptionState.OPEN,),
    ExceptionState.CLEARED: (),
}
"""What a person may record, by present state. Acceptance takes two people and is a later feature of its own."""


@dataclass(frozen=True)
class Found:
    """What a detector found. ``key`` is the same every time the same thing is found."""

    kind: str
    subject: str
    key: str
    sentence: str
    happened_at: datetime
    confirmed: bool
    change: Change | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def open_exception(*, repository: Repository | None, found: Found, at: datetime) -> ExceptionRecord | None:
    """Open the exception, once. Found again: confirmation and the change are filled in, a cleared one opens again.

    Returns the record when it is new or open again, else None.
    """
    kind = KINDS[found.kind]
    record = ExceptionRecord.objects.select_for_update(of=("self",)).filter(key=found.key).first()
    if record is not None:
        return _found_again(record, found, at)
    record = ExceptionRecord(
        kind=found.kind,
        subject=found.subject,
        key=found.key,
        clause=kind.clause,
        repository=repository,
        change=found.change,
        sentence=found.sentence,
        evidence=dict(found.evidence),
        confirmed=found.confirmed,
        happened_at=found.happened_at,
        found_at=at,
        due_at=at + kind.answer_within,
    )
    try:
        with transaction.atomic():
            record.save()
    except IntegrityError:
        return None  # another worker found it in this moment
    append(
        stream=_stream(record),
        kind="exception.found",
        actor="portal",
        fact={"finding": str(record), "clause": record.clause, "sentence": record.sentence, "at": at.isoformat()},
        rows=[record],
    )
    ring("exceptions")
    ring("inbox")
    return record


def _found_again(record: ExceptionRecord, found: Found, at: datetime) -> ExceptionRecord | None:
    if found.confirmed and not record.confirmed:
        record.confirmed = True
        record.save(update_fields=["confirmed"])
    if found.change is not None and record.change_id is None:
        record.change = found.change
        record.save(update_fields=["change"])
    if record.state != ExceptionState.CLEARED:
        return None
    return _step(record, ExceptionState.OPEN, "found again", None, "portal", at)


@transaction.atomic
def clear(*, record: ExceptionRecord, reason: str, at: datetime) -> None:
    """Later evidence shows that it did not happen so. The record and the step stay; only open ones are cleared."""
    locked = ExceptionRecord.objects.select_for_update(of=("self",)).get(pk=record.pk)
    if locked.state == ExceptionState.OPEN:
        _step(locked, ExceptionState.CLEARED, reason, None, "portal", at)


@transaction.atomic
def answer(*, record: ExceptionRecord, outcome: str, note: str, by: User, at: datetime) -> ExceptionRecord:
    """A person explains or repairs an exception, or opens it again. A note is needed (P-29)."""
    locked = ExceptionRecord.objects.select_for_update(of=("self",)).get(pk=record.pk)
    if not note.strip():
        raise Refused(Clause.FOLLOWED, "An answer needs a note.", "Write in a sentence or two what happened.")
    if outcome not in ANSWERS.get(ExceptionState(locked.state), ()):
        raise Stale(f"{locked} is {ExceptionState(locked.state).label.lower()} now.")
    return _step(locked, ExceptionState(outcome), note.strip(), by, actor_of(by), at)


def _step(
    record: ExceptionRecord, outcome: ExceptionState, note: str, by: User | None, actor: str, at: datetime
) -> ExceptionRecord:
    step = ExceptionStep.objects.create(record=record, outcome=outcome, note=note, by=by, at=at)
    record.state = outcome
    record.save(update_fields=["state"])
    append(
        stream=_stream(record),
        kind=f"exception.{'reopened' if outcome == ExceptionState.OPEN else outcome}",
        actor=actor,
        fact={"finding": str(record), "note": note, "by": by.name if by else "", "at": at.isoformat()},
        rows=[record, step],
    )
    ring("exceptions")
    return record


def _stream(record: ExceptionRecord) -> str:
    return f"exception:{record.pk}"


def reconcile(*, repository: Repository, found: Iterable[Found], looked_at: Iterable[str], at: datetime) -> list[ExceptionRecord]:
    """Open what was found, and clear what the same look (key prefixes ``looked_at``) no longer finds. Returns the new."""
    keys, opened = set(), []
    for item in found:
        keys.add(item.key)
        record = open_exception(repository=repository, found=item, at=at)
        if record is not None:
            opened.append(record)
    for prefix in looked_at:
        stale = ExceptionRecord.objects.filter(key__startswith=prefix, state=ExceptionState.OPEN).exclude(key__in=keys)
        for record in stale:
            clear(record=record, reason="later evidence shows otherwise", at=at)
    return opened


def reconcile_population(*, repository: Repository, found: Iterable[Found], at: datetime) -> None:
    """The same for commits that Git itself shows: what is accounted for by now is cleared."""
    keys = set()
    for item in found:
        keys.add(item.key)
        open_exception(repository=repository, found=item, at=at)
    told_by_git = ExceptionRecord.objects.filter(repository=repository, kind="direct_push", evidence__has_key="commit")
    for record in told_by_git.filter(state=ExceptionState.OPEN).exclude(key__in=keys):
        clear(record=record, reason="a pull request accounts for it", at=at)
