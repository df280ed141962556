"""What happens to drift: it is found, answered, and gone; each with its evidence (P-07, P-10, P-15)."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from changes.drift.facts import Found, Place
from changes.drift.models import Compared, DriftCase, DriftState, DriftStep
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

LOCK = 7311
LONGEST = timedelta(days=366)
ANSWERS = (DriftState.EXPLAINED, DriftState.CHANGE_GIT, DriftState.CHANGE_FLY, DriftState.ACCEPTED)


@transaction.atomic
def record(*, looked_at: Collection[Place], found: Sequence[Found], at: datetime) -> list[DriftCase]:
    """Keep what a comparison of these places found. A live case of a place that matches now is closed.

    Returns the cases that were opened, opened again or closed. Another difference than the one that was answered, and an
    acceptance whose day is over, open the case again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    keys = {place.key for place in looked_at}
    live = {row.key: row for row in DriftCase.objects.exclude(state=DriftState.MATCHES).filter(key__in=keys)}
    moved = [row for one in found if (row := _take(one, live.pop(one.place.key, None), at))]
    for row in live.values():
        row.closed_at, row.until = at, None
        moved.append(_move(row, DriftState.MATCHES, at=at))
    if moved:
        ring("inventory")
    return moved


def note_compared(
    *, source: str, subject: str, at: datetime, beside: str = Compared.With.GIT, basis: str = "", problem: str = ""
) -> None:
    """Remember when an app was compared ``beside`` something, or why it could not be."""
    given = {"at": at, "basis": basis[:300], "problem": problem[:300]}
    Compared.objects.update_or_create(
        source=source, beside=beside, subject=subject[:300], defaults=given, create_defaults={**given, "first_at": at}
    )


@transaction.atomic
def answer(
    *, case: DriftCase, state: str, note: str, seen: str, by: User, at: datetime, until: datetime | None = None
) -> DriftCase:
    """Explain a case, say which side will be changed, or accept it until a date. ``seen``: digest of what was read.

    Raises ``Refused``, and ``Stale`` when it is another difference now or matches again.
    """
    if not may_at(by, P.INVENTORY_KEEP, at=at):
        raise Refused(Clause.INFRASTRUCTURE_AS_CODE, f"{by.name} may not settle drift.", "Ask an approver or compliance.")
    if state not in ANSWERS:
        raise Refused(Clause.INFRASTRUCTURE_AS_CODE, "This is no answer to drift.", "Choose one of the list.")
    if not note.strip():
        raise Refused(Clause.INFRASTRUCTURE_AS_CODE, "An answer needs a sentence.", "Write why, or what will be done.")
    accepted = state == DriftState.ACCEPTED
    if accepted and (until is None or not at < until <= at + LONGEST):
        raise Refused(Clause.FOLLOWED, "An acceptance ends on a day within a year.", "Choose its last day.")
    row = DriftCase.objects.select_for_update().get(pk=case.pk)
    if row.state == DriftState.MATCHES or row.digest != seen:
        raise Stale("This case is not what you read any more: look at it again.")
    row.until = until if accepted else None
    _move(row, state, note=note.strip(), by=by, at=at)
    ring("inventory")
    return row


def _take(one: Found, row: DriftCase | None, at: datetime) -> DriftCase | None:
    """A difference that was found; None when it is the one that is known."""
    digest = digest_of({"words": list(one.words)})
    if row is None:
        row = DriftCase(
            key=one.place.key,
            rule=one.place.rule,
            source=one.place.source,
            subject=one.place.subject,
            environment=one.place.environment,
            opened_at=at,
        )
    elif row.digest == digest and not (row.until is not None and row.until <= at):
        DriftCase.objects.filter(pk=row.pk).update(seen_at=at, basis=one.basis[:300])
        return None
    row.words, row.basis, row.digest, row.seen_at, row.until = list(one.words), one.basis[:300], digest, at, None
    return _move(row, DriftState.OPEN, at=at)


def _move(row: DriftCase, state: str, *, at: datetime, note: str = "", by: User | None = None) -> DriftCase:
    row.state = state
    row.save()
    step = DriftStep.objects.create(
        case=row, state=state, words=row.words, digest=row.digest, note=note, until=row.until, by=by, at=at
    )
    append(
        stream=f"drift:{row.pk}",
        kind=f"drift.{'opened' if state == DriftState.OPEN else 'closed' if state == DriftState.MATCHES else 'answered'}",
        actor=actor_of(by) if by else "portal",
        fact={
            "rule": row.rule,
            "subject": row.subject,
            "source": row.source,
            "state": state,
            "differs": row.words,
            "compared_with": row.basis,
            "note": note,
            "until": row.until,
            "at": at,
        },
        rows=[row, step],
    )
    return row
