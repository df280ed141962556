"""Open, answer and clear exceptions. Every step is inserted with its ledger entry; nothing is closed by deleting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from changes.delivery.branch_names import names_of
from changes.delivery.models import Repository
from changes.exceptions.kinds import KINDS, Kind
from changes.exceptions.models import ExceptionRecord, ExceptionState, ExceptionStep, NoiseRule
from changes.exceptions.noise import rule_for
from changes.exceptions.owning import involved_in, owner_for
from changes.proposals.models import Change
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

ANSWERS = {
    ExceptionState.OPEN: (ExceptionState.EXPLAINED, ExceptionState.REPAIRED),
    ExceptionState.EXPLAINED: (ExceptionState.REPAIRED, ExceptionState.OPEN),
    ExceptionState.REPAIRED: (ExceptionState.OPEN,),
    ExceptionState.ACCEPTED: (ExceptionState.OPEN,),
    ExceptionState.FILTERED: (ExceptionState.OPEN,),
    ExceptionState.CLEARED: (),
}
"""What one person may record, by present state. Acceptance takes two (``acceptance.py``)."""
FOLDS_WITHIN = timedelta(days=14)
"""How long after the first of its kind a repetition still folds into it."""
JUDGED = (ExceptionState.EXPLAINED, ExceptionState.REPAIRED)


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
    due_at: datetime | None = None
    """Until when it is answered, where that is agreed; else the kind says how long."""


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
        owner=owner_for(kind=kind, evidence=found.evidence, change=found.change, at=at),
        happened_at=found.happened_at,
        found_at=at,
        due_at=found.due_at or at + kind.answer_within,
    )
    record.fold = _fold(kind, record)
    record.folds_into = _first_like(record)
    try:
        with transaction.atomic():
            record.save()
    except IntegrityError:
        return None  # another worker found it in this moment
    append(
        stream=_stream(record),
        kind="exception.found",
        actor="portal",
        fact=_fact(record, at),
        rows=[record],
    )
    rule = rule_for(record=record, at=at)
    if rule is not None:
        return filter_out(record=record, rule=rule, at=at)
    ring("exceptions")
    ring("inbox")
    return record


def _fact(record: ExceptionRecord, at: datetime) -> dict[str, Any]:
    return {
        "finding": str(record),
        "clause": record.clause,
        "sentence": record.sentence,
        "owner": record.owner.name if record.owner else "",
        "folds_into": record.folds_into_id,
        "at": at.isoformat(),
    }


def _fold(kind: Kind, record: ExceptionRecord) -> str:
    """What a repetition has in common with the first: kind, repository, and the values that the kind names. One act about a whole
    organisation is found in each of its repositories: there the organisation stands instead."""
    values = [str(record.evidence.get(name) or "") for name in kind.folds_by]
    if not values or not all(values):
        return ""
    place = record.evidence.get("organisation") or (record.repository.name if record.repository else "")
    return "|".join([kind.code, str(place), *values])[:300]


def _first_like(record: ExceptionRecord) -> ExceptionRecord | None:
    if not record.fold:
        return None
    heads = ExceptionRecord.objects.filter(
        fold=record.fold, folds_into=None, state=ExceptionState.OPEN, found_at__gte=record.found_at - FOLDS_WITHIN
    )
    return heads.order_by("-found_at", "-id").first()


@transaction.atomic
def filter_out(*, record: ExceptionRecord, rule: NoiseRule, at: datetime) -> ExceptionRecord:
    """Set an open exception aside as noise, naming the rule. Raises ``Stale`` when it is open no longer."""
    locked = _locked(record)
    if locked.state != ExceptionState.OPEN:
        raise Stale(f"{locked} is {ExceptionState(locked.state).label.lower()} now.")
    return _step(locked, ExceptionState.FILTERED, f"Noise by rule {rule.pk}: {rule.reason}", None, "portal", at, rule=rule)


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
    locked = _locked(record)
    if locked.state == ExceptionState.OPEN:
        _step(locked, ExceptionState.CLEARED, reason, None, "portal", at)


@transaction.atomic
def answer(*, record: ExceptionRecord, outcome: str, note: str, by: User, at: datetime) -> ExceptionRecord:
    """A person explains or repairs an exception, or opens it again. A note is needed (P-29)."""
    locked = _locked(record)
    if not note.strip():
        raise Refused(Clause.FOLLOWED, "An answer needs a note.", "Write in a sentence or two what happened.")
    if outcome not in ANSWERS.get(ExceptionState(locked.state), ()):
        raise Stale(f"{locked} is {ExceptionState(locked.state).label.lower()} now.")
    return _step(locked, ExceptionState(outcome), note.strip(), by, actor_of(by), at)


@transaction.atomic
def answer_all(*, record: ExceptionRecord, outcome: str, note: str, by: User, at: datetime) -> int:
    """The same answer for an exception and for what is folded into it, each with its own step. Returns how many."""
    present = _locked(record)
    folded = ExceptionRecord.objects.filter(folds_into=present, state=present.state).order_by("id")
    for each in [present, *folded]:
        answer(record=each, outcome=outcome, note=note, by=by, at=at)
    return len(folded) + 1


@transaction.atomic
def judge(*, record: ExceptionRecord, note: str, by: User, at: datetime) -> ExceptionRecord:
    """Somebody who oversees agrees with an explanation or a repair; until then it stays in sight (P-29, P-30).

    Refused for whoever gave the answer and for those whose doing it is. Who does not agree opens it again instead.
    """
    locked = _locked(record)
    if locked.state not in JUDGED or locked.judged_by_id is not None:
        raise Stale(f"{locked} is {ExceptionState(locked.state).label.lower()} now, and there is nothing to agree with.")
    if not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(Clause.OVERSEEN, "Answers are judged by the architecture team and by compliance.")
    last = locked.steps.order_by("-id").first()
    if (last is not None and last.by_id == by.pk) or by.pk in involved_in(locked):
        raise Refused(Clause.REVIEWED, "You gave this answer, or took part in what happened.", "Ask somebody else to judge it.")
    locked.judged_by, locked.judged_at = by, at
    locked.save(update_fields=["judged_by", "judged_at"])
    append(
        stream=_stream(locked),
        kind="exception.judged",
        actor=actor_of(by),
        fact={"finding": str(locked), "by": by.name, "note": note.strip(), "at": at.isoformat()},
        rows=[locked],
    )
    _ring()
    return locked


@transaction.atomic
def judge_all(*, record: ExceptionRecord, note: str, by: User, at: datetime) -> int:
    """The same agreement for an exception and for what is folded into it and answered alike. Returns how many."""
    present = _locked(record)
    folded = ExceptionRecord.objects.filter(folds_into=present, state=present.state, judged_by=None).order_by("id")
    for each in [present, *folded]:
        judge(record=each, note=note, by=by, at=at)
    return len(folded) + 1


@transaction.atomic
def hand_over(*, record: ExceptionRecord, to: User, by: User, note: str, at: datetime) -> ExceptionRecord:
    """Make somebody else the owner. The owner may, and who oversees; the new one must be able to answer."""
    locked = _locked(record)
    if locked.state != ExceptionState.OPEN:
        raise Stale(f"{locked} is {ExceptionState(locked.state).label.lower()} now.")
    if locked.owner_id != by.pk and not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(Clause.OVERSEEN, "Only its owner and those who oversee changes hand an exception over.")
    if not may_at(to, P.EXCEPTION_EXPLAIN, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{to.name} may not answer exceptions.", "Choose somebody who may.")
    before = locked.owner.name if locked.owner else ""
    locked.owner = to
    locked.save(update_fields=["owner"])
    append(
        stream=_stream(locked),
        kind="exception.handed_over",
        actor=actor_of(by),
        fact={"finding": str(locked), "from": before, "to": to.name, "note": note.strip(), "at": at.isoformat()},
        rows=[locked],
    )
    _ring()
    return locked


def step(
    *, record: ExceptionRecord, outcome: ExceptionState, note: str, by: User | None, at: datetime, rows: Iterable[Any] = ()
) -> ExceptionRecord:
    """One step of a locked record on behalf of ``by`` (None: the portal), with the ``rows`` that caused it."""
    return _step(record, outcome, note, by, actor_of(by) if by else "portal", at, rows=rows)


def _step(
    record: ExceptionRecord,
    outcome: ExceptionState,
    note: str,
    by: User | None,
    actor: str,
    at: datetime,
    *,
    rule: NoiseRule | None = None,
    rows: Iterable[Any] = (),
) -> ExceptionRecord:
    made = ExceptionStep.objects.create(record=record, outcome=outcome, note=note, rule=rule, by=by, at=at)
    record.state = outcome
    record.judged_by, record.judged_at = None, None
    record.save(update_fields=["state", "judged_by", "judged_at"])
    append(
        stream=_stream(record),
        kind=f"exception.{'reopened' if outcome == ExceptionState.OPEN else outcome}",
        actor=actor,
        fact={"finding": str(record), "note": note, "by": by.name if by else "", "at": at.isoformat()},
        rows=[record, made, *rows],
    )
    _ring()
    return record


def _locked(record: ExceptionRecord) -> ExceptionRecord:
    return ExceptionRecord.objects.select_for_update(of=("self",)).select_related("repository", "change").get(pk=record.pk)


def _ring() -> None:
    ring("exceptions")
    ring("inbox")


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
    looked = [Q(key__startswith=prefix) for prefix in looked_at]
    if looked:
        stale = ExceptionRecord.objects.filter(reduce(or_, looked), state=ExceptionState.OPEN).exclude(key__in=keys)
        for record in stale.order_by("id"):
            clear(record=record, reason="later evidence shows otherwise", at=at)
    return opened


def reconcile_population(*, repository: Repository, found: Iterable[Found], at: datetime) -> None:
    """The same for commits that Git itself shows: what is accounted for by now is cleared. Of a branch that is neither main nor
    prod any more nothing is known: what stands about it stands."""
    keys = set()
    for item in found:
        keys.add(item.key)
        open_exception(repository=repository, found=item, at=at)
    branches = (repository.main_branch, repository.prod_branch)
    names = sorted({name for branch in branches for name in names_of(repository=repository, name=branch)})
    told_by_git = ExceptionRecord.objects.filter(
        repository=repository, kind="direct_push", evidence__has_key="commit", evidence__branch__in=names
    )
    for record in told_by_git.filter(state=ExceptionState.OPEN).exclude(key__in=keys):
        clear(record=record, reason="a pull request accounts for it", at=at)
