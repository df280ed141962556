"""Sources that could not be read for a window: what they hold may be missing from a population, so no control passes on it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from audits.controls.repositories import repositories_in
from audits.controls.result import Row, RowState, Window
from changes.delivery.models import Repository
from changes.desk.source_states import SourceState, source_states
from changes.forges import FORGES
from portal.access.scope import Scope

GIT, FORGE, FLY, SLACK, DOPPLER, CLOUDFLARE = "git", "forge", "fly", "slack", "doppler", "cloudflare"
"""What a control may need: Git itself, the forge that holds the repositories, and the other vendors."""
LATE = timedelta(hours=1)
"""How old the last good reading may be at the end of a window."""


def unread_sources(*, needs: frozenset[str], window: Window, scope: Scope) -> Iterator[Row]:
    """One row for each source among ``needs`` that was not read up to the end of the window."""
    for state in source_states():
        forge = state.kind in FORGES
        wanted = (FORGE if forge else state.kind) in needs and scope.covers_system(system="git" if forge else state.kind)
        if wanted and (sentence := why_unread(state, window)):
            yield Row(f"source:{state.name}", RowState.UNREAD, sentence)
    if GIT in needs and scope.covers_system(system="git"):
        yield from _unread_mirrors(window, scope)


def why_unread(state: SourceState, window: Window) -> str:
    """Why it cannot be relied on for the window, in a sentence; empty when it can. Pure."""
    if state.connected_at >= window.until:
        return ""
    if not state.readable:
        return f"{state.name} has no token: nothing confirms what it reported."
    read = state.last_good_read_at
    if read is not None and read >= window.until - LATE:
        return ""
    return _too_early(state.name, read, state.trouble)


def why_git_unread(row: Repository, window: Window) -> str:
    """Why its Git cannot be relied on for the window, in a sentence; empty when it can. Pure.

    A reading after the window holds all of it: one that fails now says nothing about a week that is over.
    """
    read, until = row.mirrored_at, min(window.until, row.in_scope_until or window.until)
    if row.mirror_error.startswith(Repository.NO_BRANCH) or (read is None and row.mirror_error):
        return row.mirror_error
    if read is None:
        return "Its Git has not been read yet."
    if read >= until - LATE:
        return ""
    return _too_early("Its Git", read, row.mirror_error)


def _too_early(what: str, read: datetime | None, trouble: str) -> str:
    when = f"was read last at {read:%Y-%m-%d %H:%M} UTC" if read is not None else "was never read"
    because = trouble.rstrip(".")
    return f"{what} {when}, before the end of the window{f': {because}' if because else ''}."


def _unread_mirrors(window: Window, scope: Scope) -> Iterator[Row]:
    for row in repositories_in(window, scope):
        if why := why_git_unread(row, window):
            yield Row(f"repository:{row.name}", RowState.UNREAD, f"{row.name}: {why}", repository=row.name)
