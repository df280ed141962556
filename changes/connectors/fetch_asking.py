"""What an administrator asks of a source: read it now, fill it back, pause, go on, cancel. Each leaves an entry in the ledger."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from changes.connectors.door import forget
from changes.connectors.fetching import plan
from changes.connectors.keeping import keep
from changes.connectors.models import Fetch, HookSecret, Source
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

MOST_DAYS = 730
OPEN = (Fetch.State.WAITING, Fetch.State.RUNNING)


def ask_fetch(*, source: Source, days: int | None, by: User, at: datetime) -> Fetch:
    """Ask for everything that is new, or for the last ``days``. One at a time: raises ``Stale`` while another is under way."""
    if source.paused_at is not None or not source.readable:
        raise Refused(Clause.FOLLOWED, f"{source.name} is paused, or has no token.", "Go on with it, or connect it again, first.")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise Refused(Clause.FOLLOWED, "A source is filled back by at least a day.", f"Write a number from 1 to {MOST_DAYS}.")
    todo = plan(source=source, days=days)
    try:
        with transaction.atomic():
            made = Fetch.objects.create(source=source, days=days, todo=todo, total=len(todo), asked_by=by, asked_at=at)
            _note(source, "fetch_asked", by, at, days=days or 0, steps=len(todo))
    except IntegrityError:
        raise Stale(f"{source.name} is being read already.") from None
    return made


@transaction.atomic
def cancel_fetch(*, fetch: Fetch, by: User, at: datetime) -> None:
    """Stop it; what was read stays. Raises ``Stale`` when it has ended meanwhile."""
    rows = Fetch.objects.filter(pk=fetch.pk, state__in=OPEN)
    if not rows.update(state=Fetch.State.CANCELLED, ended_at=at, cancelled_by=by):
        raise Stale("This has ended already.")
    _note(fetch.source, "fetch_cancelled", by, at, fetch=fetch.pk, left=len(fetch.todo))


@transaction.atomic
def pause(*, source: Source, by: User, at: datetime) -> None:
    """Read nothing from it any more, until somebody goes on. What it sends is kept. Raises ``Stale`` when it is paused."""
    if not Source.objects.filter(pk=source.pk, paused_at=None).update(paused_at=at):
        raise Stale(f"{source.name} is paused already.")
    _note(source, "paused", by, at)


@transaction.atomic
def go_on(*, source: Source, by: User, at: datetime) -> None:
    """Read it again: the next poll makes up for the pause. Raises ``Stale`` when it is not paused.

    Raises ``Refused`` when it is disconnected: an address of one's own may answer without a token.
    """
    if Source.objects.select_for_update().get(pk=source.pk).disconnected:
        raise Refused(Clause.FOLLOWED, f"{source.name} is disconnected.", "Connect it again to go on.")
    moved = Source.objects.filter(pk=source.pk, paused_at__isnull=False).update(paused_at=None, not_before=None)
    if not moved:
        raise Stale(f"{source.name} is not paused.")
    since = source.paused_at.isoformat() if source.paused_at else ""
    _note(source, "resumed", by, at, paused_at=since)


@transaction.atomic
def disconnect(*, source: Source, reason: str, by: User, at: datetime) -> None:
    """Stop a source: its credential is wiped, its secrets sign nothing any more, nothing is read. What was read stays.

    Raises ``Refused`` without a reason. Connecting it again goes on where it stopped.
    """
    if not reason.strip():
        raise Refused(Clause.FOLLOWED, "Disconnecting needs its reason.", "Say in a sentence why.")
    Source.objects.filter(pk=source.pk).update(token_encrypted=b"", app_id="", installation_id="", paused_at=at, not_before=None)
    retired = HookSecret.objects.filter(source=source, retired_at=None).update(retired_at=at)
    Fetch.objects.filter(source=source, state__in=OPEN).update(state=Fetch.State.CANCELLED, ended_at=at, cancelled_by=by)
    keep(source=source, disconnected=reason.strip())
    _note(source, "disconnected", by, at, reason=reason.strip(), secrets=retired)
    forget()


def _note(source: Source, what: str, by: User, at: datetime, **more: Any) -> None:
    append(
        stream=f"source:{source.pk}",
        kind=f"source.{what}",
        actor=actor_of(by),
        fact={"name": source.name, "by": by.name, **more, "at": at.isoformat()},
        rows=[],
    )
    ring("integrations")
