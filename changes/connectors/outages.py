"""Writes down when a source could not be read, was not read, or did not tell; each with its ledger entry (P-02, P-26).

Between the first good reading and the last one (``Source.covered_until``, ``Repository.mirrored_at``) every moment is either
covered by a poll or lies in a row here: so a sheet can say what the portal vouches for. A row begins at the last good reading.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from changes.connectors.models import Source
from changes.connectors.outage_models import SourceOutage
from changes.delivery.models import Repository
from portal.ledger.actions import append
from portal.ui.doorbell import ring

UNREAD_AFTER = timedelta(minutes=5)
"""A longer time between two good readings is an outage, whoever is to blame: a stopped worker, a pause, a machine that slept."""
Kind = SourceOutage.Kind
Read = Source | Repository
"""What can be read: a source, or a repository's mirror."""


def _rows(of: Read) -> QuerySet[SourceOutage]:
    return SourceOutage.objects.filter(**_about(of))


def _about(of: Read) -> dict[str, Read]:
    return {"source": of} if isinstance(of, Source) else {"repository": of}


def _last(of: Read) -> datetime | None:
    """The last good reading on record."""
    rows = type(of)._default_manager.filter(pk=of.pk)
    found: datetime | None = rows.values_list("covered_until" if isinstance(of, Source) else "mirrored_at", flat=True).get()
    return found


def failed(*, of: Read, why: str, at: datetime) -> None:
    """It cannot be read: an outage begins, unless one lasts already. Before the first good reading there is nothing to lose."""
    last = _last(of)
    if last is None or last > at or _rows(of).filter(kind=Kind.UNREADABLE, ended_at=None).exists():
        return
    try:
        _write(of, kind=Kind.UNREADABLE, began=last, ended=None, why=why, at=at)
    except IntegrityError:
        return  # another worker noted it in this moment


def well(*, of: Read, at: datetime) -> None:
    """It was read to its end: an outage is over, a silent one is found, and polls vouch for it until ``at``."""
    last = _last(of)
    standing = list(_rows(of).filter(Q(kind=Kind.START) | Q(kind=Kind.UNREADABLE, ended_at=None)))
    if not any(row.kind == Kind.START for row in standing):
        _write(of, kind=Kind.START, began=min(_connected(of), at), ended=at, why="Not read before.", at=at)
    open_ = [row for row in standing if row.ended_at is None]
    for row in open_:
        _end(row, at)
    if not open_ and last is not None and at - last > UNREAD_AFTER:
        _write(of, kind=Kind.UNREAD, began=last, ended=at, why="Nothing asked for it: paused, or no worker ran.", at=at)
    if isinstance(of, Source):
        Source.objects.filter(pk=of.pk).update(covered_until=at)


def stood_still(*, at: datetime, moved: Collection[str]) -> None:
    """The clock was turned to ``at``, and nobody asked meanwhile. What is read now is what polls all along would have seen by now.

    In repositories that are not named in ``moved`` nothing happened, so that reading them would have found nothing. Only for
    a year that is told in minutes: without it every turn of the clock would look like an outage.
    """
    Source.objects.filter(covered_until__lt=at).update(covered_until=at)
    Repository.objects.filter(mirrored_at__lt=at).update(mirrored_at=at)
    still = Repository.objects.exclude(name__in=moved)
    still.exclude(mirrored_at=None).update(mirror_tried_at=at)
    still.exclude(polled_at=None).update(polled_at=at)


def filled(*, of: Read, at: datetime) -> int:
    """A reading has gone back over every outage that is over. Returns how many this fills."""
    rows = list(_rows(of).filter(ended_at__lte=at, filled_at=None).exclude(kind=Kind.START).order_by("id"))
    for row in rows:
        _fill(row, at)
    return len(rows)


def missed(*, source: Source, what: Sequence[str], since: datetime, until: datetime, why: str, at: datetime) -> None:
    """Deliveries did not come: ``what`` they were about, the first one at ``since``. A later reading makes up for them."""
    if what:
        _write(source, kind=Kind.WEBHOOKS, began=since, ended=max(since, until), why=why, at=at, missed=list(what))


def _connected(of: Read) -> datetime:
    return of.connected_at if isinstance(of, Source) else of.in_scope_from


@transaction.atomic
def _write(
    of: Read, *, kind: str, began: datetime, ended: datetime | None, why: str, at: datetime, missed: Sequence[str] = ()
) -> None:
    row = SourceOutage.objects.create(
        **_about(of), kind=kind, began_at=began, ended_at=ended, why=why[:500], missed=list(missed), noted_at=at
    )
    _say(row, "began" if ended is None else "noted", at)


@transaction.atomic
def _end(row: SourceOutage, at: datetime) -> None:
    row.ended_at = max(row.began_at, at)
    row.save(update_fields=["ended_at"])
    _say(row, "ended", at)


@transaction.atomic
def _fill(row: SourceOutage, at: datetime) -> None:
    row.filled_at = at
    row.save(update_fields=["filled_at"])
    _say(row, "filled", at)


def _say(row: SourceOutage, what: str, at: datetime) -> None:
    stream = f"source:{row.source_id}" if row.source_id else f"repository:{row.repository_id}"
    fact = {
        "of": row.source.name if row.source else str(row.repository),
        "kind": row.kind,
        "began": row.began_at.isoformat(),
        "ended": row.ended_at.isoformat() if row.ended_at else "",
        "why": row.why,
        "missed": row.missed,
        "at": at.isoformat(),
    }
    append(stream=stream, kind=f"outage.{what}", actor="portal", fact=fact, rows=[row])
    ring("integrations")
