"""One run over one Cloudflare account: the audit log, then its assets and its members where they are due (P-19, P-23, P-24).

The audit log is read oldest first, and after every page the place is kept, so that nothing is left out however a run ends; an
hour is read again each time, and what is known already is recognised by its id. Each list is taken only as a whole. What the
token may not read is remembered by the name of the permission, and everything else is read all the same.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from changes.connectors.allowance import note_rate
from changes.connectors.cloudflare.assets import read_assets
from changes.connectors.cloudflare.audit import event_v1, event_v2
from changes.connectors.cloudflare.client import Cloudflare
from changes.connectors.cloudflare.run import ACCOUNT, EVERY, Run
from changes.connectors.errors import Forbidden, Invalid, NotFound, Permanent, Unauthorised
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.inventory.actions import note_events
from changes.inventory.facts import VendorEvent

OVERLAP = timedelta(hours=1)
FIRST = timedelta(days=90)
AHEAD = timedelta(days=1)
"""The log is asked for up to tomorrow: clocks differ."""


def sync(*, source: Source, at: datetime) -> int:
    """Read what is due as of ``at``; returns how many entries of the audit log are new.

    Raises ``Passing`` when Cloudflare cannot go on now, and ``Permanent`` naming what could not be read after all else was.
    """
    run = Run(source, at, Cloudflare(source=source), read=dict(source.settings.get("read", {})))
    new: list[int] = []
    try:
        whole = _is_due(source, at)
        if whole:
            _look_at_token(run)
        run.part(ACCOUNT, lambda: new.extend(_read_log(run)))
        if whole or new:
            read_assets(run, whole)
    finally:
        keep(source=source, read=run.read)
        note_rate(source=source, allowance=run.cloudflare.allowance, at=at)
    if run.problems:
        raise Permanent("; ".join(run.problems))
    return len(new)


def _is_due(source: Source, at: datetime) -> bool:
    last = source.settings.get("assets_at", "")
    return not last or datetime.fromisoformat(last) <= at - EVERY


def _look_at_token(run: Run) -> None:
    """Whether the token is good, and until when."""
    state = run.cloudflare.token_state()
    if state.status != "active":
        raise Unauthorised(f"Cloudflare: the token is {state.status[:20]}; make another one and connect again")
    keep(source=run.source, token_expires=state.expires_at.isoformat() if state.expires_at else "")


def _read_log(run: Run) -> list[int]:
    """Version 2 of the audit log; where the account has none, version 1. Changing between them reads nothing twice."""
    settings = run.source.settings
    newest = settings.get("log_newest", "")
    since = datetime.fromisoformat(newest) if newest else run.at - FIRST
    span = {"since": since - (OVERLAP if newest else timedelta()), "before": run.at + AHEAD}
    try:
        return _note(run, run.cloudflare.audit_v2(**_from(span, settings, "v2", since)), event_v2, "v2")
    except (NotFound, Forbidden, Invalid):
        return _note(run, run.cloudflare.audit_v1(**_from(span, settings, "v1", since)), event_v1, "v1")


def _from(span: dict[str, datetime], settings: Mapping[str, Any], version: str, since: datetime) -> dict[str, datetime]:
    """The two versions know an entry by two ids: whoever changes between them begins behind the last entry."""
    if settings.get("log_version", version) == version:
        return span
    return {**span, "since": since + timedelta(seconds=1)}


def _note(
    run: Run,
    pages: Iterator[list[Fields]],
    read: Callable[[Fields, Mapping[str, str]], VendorEvent | None],
    version: str,
) -> list[int]:
    """Keep every page, then the place behind it. An entry that cannot be read is named, and the others are kept."""
    new: list[int] = []
    for page in pages:
        events = [event for event in (_readable(run, item, read) for item in page) if event is not None]
        new += note_events(source=run.source.name, events=events, at=run.at)
        moments = [event.at.isoformat() for event in events]
        newest = min(max([*moments, run.source.settings.get("log_newest", "")]), run.at.isoformat())
        keep(source=run.source, log_version=version, **({"log_newest": newest} if newest else {}))
    return new


def _readable(run: Run, item: Fields, read: Callable[[Fields, Mapping[str, str]], VendorEvent | None]) -> VendorEvent | None:
    try:
        return read(item, run.environments)
    except (Unreadable, Incomplete) as wrong:
        run.problems.append(f"Cloudflare: an entry of the audit log cannot be used: {wrong}")
        return None
