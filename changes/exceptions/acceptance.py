"""Living with an exception until a date: one person proposes it, another confirms exactly that text (P-29).

The register shows it as accepted until then; on that day the exception opens again by itself.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from changes.exceptions.actions import step
from changes.exceptions.models import Acceptance, ExceptionRecord, ExceptionState
from changes.exceptions.owning import involved_in
from changes.training.standing import check_trained
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

LIVES = timedelta(hours=72)
"""How long a proposal waits for the second person."""
LONGEST = timedelta(days=366)
ACCEPTABLE = (ExceptionState.OPEN, ExceptionState.EXPLAINED)
AT_ONCE = 200


def digest_for(*, record: ExceptionRecord, until: datetime, reason: str) -> str:
    """What the second person confirms: which exception, what it says, until when, and why."""
    return digest_of({"exception": record.pk, "sentence": record.sentence, "until": until.isoformat(), "reason": reason})


@transaction.atomic
def propose(*, record: ExceptionRecord, until: datetime, reason: str, by: User, at: datetime) -> Acceptance:
    """First half. ``until`` lies within a year. Refused for those whose doing it is; ``Stale`` when another one waits."""
    locked = _locked(record)
    _check_state(locked)
    if not may_at(by, P.WAIVER_PROPOSE, at=at):
        raise Refused(Clause.FOLLOWED, "Approvers, the architecture team and compliance propose this.")
    _check_distance(locked, by)
    if not reason.strip():
        raise Refused(Clause.FOLLOWED, "An acceptance needs its reason.", "Write why it can stay as it is until then.")
    if not at < until <= at + LONGEST:
        raise Refused(Clause.FOLLOWED, "An acceptance ends on a day within a year.", "Choose its last day.")
    _end_expired(locked, at)
    acceptance = Acceptance(
        record=locked,
        until=until,
        reason=reason.strip(),
        digest=digest_for(record=locked, until=until, reason=reason.strip()),
        proposed_by=by,
        proposed_at=at,
        expires_at=at + LIVES,
    )
    try:
        with transaction.atomic():
            acceptance.save()
    except IntegrityError as problem:
        raise Stale("A proposal waits for its second person already.") from problem
    _tell("exception.acceptance_proposed", acceptance, by, at)
    return acceptance


@transaction.atomic
def confirm(*, acceptance: Acceptance, digest: str, by: User, at: datetime) -> ExceptionRecord:
    """Second half: ``by`` confirms what ``digest`` stands for, and the exception is accepted until that date."""
    record = _locked(acceptance.record)
    waiting = _waiting(acceptance, at)
    _check_state(record)
    if waiting.digest != digest:
        raise Stale("The proposal is not the one that you read.")
    if by.pk == waiting.proposed_by_id:
        raise Refused(Clause.FOLLOWED, "You proposed this yourself.", "Another person confirms it.")
    if not may_at(by, P.EXCEPTION_ACCEPT, at=at):
        raise Refused(Clause.FOLLOWED, "The chair or compliance confirms an acceptance.")
    check_trained(by=by, at=at)
    _check_distance(record, by)
    waiting.confirmed_by, waiting.confirmed_at = by, at
    waiting.save(update_fields=["confirmed_by", "confirmed_at"])
    words = f"Accepted by {waiting.proposed_by.name} and {by.name} until {waiting.until:%Y-%m-%d}: {waiting.reason}"
    return step(record=record, outcome=ExceptionState.ACCEPTED, note=words, by=by, at=at, rows=[waiting])


@transaction.atomic
def withdraw(*, acceptance: Acceptance, by: User, at: datetime) -> None:
    """Take a proposal back, or refuse somebody else's."""
    _locked(acceptance.record)
    waiting = _waiting(acceptance, at)
    if by.pk != waiting.proposed_by_id and not may_at(by, P.EXCEPTION_ACCEPT, at=at):
        raise Refused(Clause.FOLLOWED, "The chair or compliance decides on this.")
    waiting.withdrawn_at = at
    waiting.save(update_fields=["withdrawn_at"])
    _tell("exception.acceptance_withdrawn", waiting, by, at)


def open_again(*, at: datetime) -> int:
    """Open what was accepted until a moment that has come. Returns how many."""
    due = Acceptance.objects.filter(confirmed_at__isnull=False, ended_at=None, until__lte=at).order_by("until", "id")
    ids = list(due.values_list("pk", flat=True)[:AT_ONCE])
    for pk in ids:
        _end(pk, at)
    return len(ids)


@transaction.atomic
def _end(pk: int, at: datetime) -> None:
    acceptance = Acceptance.objects.select_related("record").get(pk=pk)
    record = _locked(acceptance.record)
    acceptance.ended_at = at
    acceptance.save(update_fields=["ended_at"])
    if record.state == ExceptionState.ACCEPTED:
        words = f"The acceptance ended on {acceptance.until:%Y-%m-%d}."
        step(record=record, outcome=ExceptionState.OPEN, note=words, by=None, at=at, rows=[acceptance])
        return
    append(
        stream=f"exception:{record.pk}",
        kind="exception.acceptance_ended",
        actor="portal",
        fact={"finding": str(record), "until": acceptance.until.isoformat(), "at": at.isoformat()},
        rows=[acceptance],
    )


def _end_expired(record: ExceptionRecord, at: datetime) -> None:
    """A proposal that nobody confirmed in time makes room for the next one."""
    for old in record.acceptances.filter(confirmed_at=None, withdrawn_at=None, expires_at__lte=at):
        old.withdrawn_at = at
        old.save(update_fields=["withdrawn_at"])
        _tell("exception.acceptance_expired", old, None, at)


def _waiting(acceptance: Acceptance, at: datetime) -> Acceptance:
    waiting = Acceptance.objects.select_for_update(of=("self",)).select_related("proposed_by").get(pk=acceptance.pk)
    if waiting.confirmed_at or waiting.withdrawn_at or waiting.expires_at <= at:
        raise Stale("This proposal no longer waits.")
    return waiting


def _check_state(record: ExceptionRecord) -> None:
    if record.state not in ACCEPTABLE:
        raise Stale(f"{record} is {ExceptionState(record.state).label.lower()} now.")


def _check_distance(record: ExceptionRecord, person: User) -> None:
    if person.pk in involved_in(record):
        raise Refused(Clause.REVIEWED, "You took part in what happened.", "Ask somebody who did not.")


def _tell(kind: str, acceptance: Acceptance, by: User | None, at: datetime) -> None:
    append(
        stream=f"exception:{acceptance.record_id}",
        kind=kind,
        actor=actor_of(by) if by else "portal",
        fact={
            "finding": str(acceptance.record),
            "until": acceptance.until.isoformat(),
            "reason": acceptance.reason,
            "digest": acceptance.digest,
            "by": by.name if by else "",
            "at": at.isoformat(),
        },
        rows=[acceptance],
    )
    ring("exceptions")
    ring("inbox")


def _locked(record: ExceptionRecord) -> ExceptionRecord:
    return ExceptionRecord.objects.select_for_update(of=("self",)).select_related("repository", "change").get(pk=record.pk)
