"""Ask for an evidence pack, give it up; and what workers do with it: take it, end it, let it expire.

A worker holds a pack for two minutes and says so again with every piece. When it dies, another begins anew under the next number of
attempt; only the pieces of the attempt that ended whole are ever offered. Asking and giving up only insert rows: auditors may
do both, and their role of the database updates nothing.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, Sum

from audits.engagements.models import Engagement
from audits.engagements.numbering import next_number
from audits.packs.models import Pack, PackCancel, PackPiece
from audits.packs.queries import last_redaction
from audits.populations.models import Population
from audits.samples.models import Sample
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.bell import after_commit
from portal.ledger.actions import append
from portal.ledger.models import LedgerCheckpoint, LedgerLeaf, LedgerTimestamp
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

CHANNEL = "packs"
"""Wakes a worker."""
HELD = timedelta(minutes=2)
MOST_ATTEMPTS = 3
OFFERED = timedelta(days=14)
MOST_ROWS = 1_000_000
"""A sheet of a workbook holds no more."""
MOST_A_DAY = 20
OUTDATED = "A text of the ledger was redacted after this pack was asked for. Ask for another one."
State = Pack.State


def stream_of(pack: Pack) -> str:
    """The ledger's stream about one pack."""
    return f"pack:{pack.pk}"


@transaction.atomic
def ask(*, engagement: Engagement, by: User, at: datetime) -> Pack:
    """Ask for a pack of what is frozen by now.

    Raises ``Refused`` without the right, when nothing is frozen, when it would be too large, for a second one at a time and for
    more than twenty within a day; ``Stale`` when somebody asked at the same moment.
    """
    if not may_at(by, P.AUDIT_WORK, at=at):
        raise _refused("You may not ask for evidence packs.", "Ask the compliance manager, or the auditor.")
    contents = _contents(engagement)
    own = Pack.objects.filter(asked_by=by)
    if own.filter(state=State.WAITING).exists():
        raise _refused("One evidence pack is being built for you already.", "Wait until it is ready, or cancel it.")
    if own.filter(asked_at__gt=at - timedelta(days=1)).count() >= MOST_A_DAY:
        raise _refused(f"You asked for {MOST_A_DAY} evidence packs within a day.", "Use one of them, or ask again tomorrow.")
    number = next_number(engagement=engagement, table="audits_pack")
    try:
        with transaction.atomic():
            pack = Pack.objects.create(engagement=engagement, number=number, asked_by=by, asked_at=at, contents=contents)
    except IntegrityError as problem:
        raise Stale("Somebody asked for an evidence pack at the same moment. Ask again.") from problem
    fact = {"engagement": engagement.pk, "name": engagement.name, "pack": pack.number, **contents}
    append(stream=stream_of(pack), kind="pack.asked", actor=actor_of(by), fact=fact, rows=[pack])
    after_commit(CHANNEL)
    return pack


def _contents(engagement: Engagement) -> dict[str, Any]:
    populations = Population.objects.filter(engagement=engagement).order_by("number")
    samples = Sample.objects.filter(population__engagement=engagement).order_by("number")
    counted = populations.aggregate(rows=Sum("count"), populations=Count("pk"))
    if not counted["populations"]:
        raise _refused("Nothing is frozen in this engagement yet.", "Freeze a population first.")
    if counted["rows"] > MOST_ROWS:
        raise _refused(f"The populations have more than {MOST_ROWS:,} rows together.", "Freeze narrower windows.")
    return {
        "populations": list(populations.values_list("pk", flat=True)),
        "samples": list(samples.values_list("pk", flat=True)),
        "rows": counted["rows"],
        "timestamps": _stamped(),
    }


def _stamped() -> list[int]:
    """Sizes of the checkpoints whose time stamps go with it: the newest of each day that there is by now."""
    there = LedgerTimestamp.objects.filter(size__in=LedgerCheckpoint.objects.values("size")).order_by("at", "size")
    return sorted({at.astimezone(UTC).date(): size for at, size in there.values_list("at", "size")}.values())


@transaction.atomic
def cancel(*, pack: Pack, by: User, at: datetime) -> None:
    """Give a pack up, whether it is being built or ready. Its file goes away with the next turn of a worker.

    Raises ``Refused`` for anybody but who asked and whoever opens engagements, ``Stale`` when it ended already.
    """
    if by.pk != pack.asked_by_id and not may_at(by, P.ENGAGEMENT_MAKE, at=at):
        raise _refused("Somebody else asked for this evidence pack.", f"Ask {pack.asked_by.name} to cancel it.")
    if pack.state not in (State.WAITING, State.READY):
        raise Stale(f"This evidence pack is not to be cancelled: it is {pack.get_state_display().lower()}.")
    try:
        with transaction.atomic():
            row = PackCancel.objects.create(pack=pack, by=by, at=at)
    except IntegrityError as problem:
        raise Stale("Somebody cancelled this evidence pack already.") from problem
    append(stream=stream_of(pack), kind="pack.given_up", actor=actor_of(by), fact={"pack": pack.number}, rows=[row])
    after_commit(CHANNEL)


@transaction.atomic
def note_taken(*, pack: Pack, by: User, at: datetime, begins: bool = True) -> None:
    """Somebody takes the file along: noted when they begin, and with a later part unless this person's beginning is noted.

    What auditors take is in the read log instead: they write nothing while they read.
    """
    taken = LedgerLeaf.objects.filter(stream=stream_of(pack), kind="pack.taken", actor=actor_of(by))
    if not begins and taken.exists():
        return
    fact = {"engagement": pack.engagement_id, "pack": pack.number, "sha256": pack.digest, "by": by.name, "at": at.isoformat()}
    append(stream=stream_of(pack), kind="pack.taken", actor=actor_of(by), fact=fact)


@transaction.atomic
def claim(*, at: datetime) -> Pack | None:
    """Take one pack that waits for a worker, for two minutes, under the next attempt; None when there is none.

    One that was begun three times without an end is given up: something in it, or its size, stops workers.
    """
    waiting = Pack.objects.filter(Q(held_until=None) | Q(held_until__lt=at), state=State.WAITING, cancel=None).order_by("pk")
    pack = waiting.select_for_update(of=("self",), skip_locked=True).first()
    if pack is None:
        return None
    if pack.attempt >= MOST_ATTEMPTS:
        _end(pack, State.FAILED, at, trouble=f"{MOST_ATTEMPTS} workers began to build it, and none came to the end.")
        return None
    pack.attempt, pack.held_until, pack.done, pack.step = pack.attempt + 1, at + HELD, 0, "Beginning"
    pack.began_at, pack.moved_at = at, None
    pack.save(update_fields=["attempt", "held_until", "done", "step", "began_at", "moved_at"])
    return pack


def hold(*, pack: Pack, at: datetime, **progress: Any) -> bool:
    """Say that the worker is alive, and how far it is. False when the pack is not its any more, or nobody wants it."""
    mine = Pack.objects.filter(pk=pack.pk, attempt=pack.attempt, state=State.WAITING, cancel=None)
    return mine.update(held_until=at + HELD, **progress) == 1


def put_off(*, pack: Pack, until: datetime, why: str) -> None:
    """Let another turn begin again, at that moment; this one does not count as an attempt."""
    mine = Pack.objects.filter(pk=pack.pk, attempt=pack.attempt, state=State.WAITING)
    mine.update(held_until=until, step=why, attempt=F("attempt") - 1)


@transaction.atomic
def finish(*, pack: Pack, digest: str, size: int, at: datetime) -> bool:
    """Offer the whole file for fourteen days. False, and nothing, when the pack is not this worker's any more."""
    row = Pack.objects.select_for_update(of=("self",)).get(pk=pack.pk)
    if row.state != State.WAITING or row.attempt != pack.attempt or PackCancel.objects.filter(pack=row).exists():
        return False
    PackPiece.objects.filter(pack=row).exclude(attempt=row.attempt).delete()
    _end(row, State.READY, at, digest=digest, size=size, expires_at=at + OFFERED)
    return True


@transaction.atomic
def fail(*, pack: Pack, why: str, at: datetime) -> None:
    """End a pack that cannot be built, with the reason in words."""
    row = Pack.objects.select_for_update(of=("self",)).get(pk=pack.pk)
    if row.state == State.WAITING and row.attempt == pack.attempt:
        _end(row, State.FAILED, at, trouble=why)


def clear(*, at: datetime) -> int:
    """End what was given up, what is past its day and what may hold a text that was redacted since; remove the pieces of all that.

    Returns how many were ended.
    """
    given_up = Q(state__in=[State.WAITING, State.READY], cancel__isnull=False)
    over = Q(state=State.READY, expires_at__lte=at)
    outdated = Q(state=State.READY, asked_at__lt=last_redaction() or datetime.min.replace(tzinfo=UTC))
    with transaction.atomic():
        found = Pack.objects.filter(given_up | over | outdated)
        rows = list(found.select_for_update(of=("self",), skip_locked=True).order_by("pk"))
        cancelled = set(PackCancel.objects.filter(pack__in=rows).values_list("pack_id", flat=True))
        for row in rows:
            if row.pk in cancelled:
                _end(row, State.CANCELLED, at)
            elif row.expires_at is not None and row.expires_at <= at:
                _end(row, State.EXPIRED, at)
            else:
                _end(row, State.EXPIRED, at, trouble=OUTDATED)
    PackPiece.objects.filter(pack__state__in=[State.FAILED, State.CANCELLED, State.EXPIRED]).delete()
    return len(rows)


def _end(row: Pack, state: Pack.State, at: datetime, **said: Any) -> None:
    row.state, row.ended_at, row.held_until = state, at, None
    for name, value in said.items():
        setattr(row, name, value)
    row.save(update_fields=["state", "ended_at", "held_until", *said])
    fact = {"pack": row.number, "engagement": row.engagement_id, **_told(said.items())}
    append(stream=stream_of(row), kind=f"pack.{state}", actor=PORTAL, fact=fact, rows=[row])


def _told(said: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said}


def _refused(why: str, instead: str) -> Refused:
    return Refused(Clause.AUDITED, why, instead)
