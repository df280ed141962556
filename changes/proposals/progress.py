"""Where a change stands by the facts, and the moves that lead there. Pure.

Facts win: a merge to production moves a change whether or not anybody approved it; the gates say what was missing.
"""

from dataclasses import dataclass
from datetime import datetime

from changes.proposals.lifecycle import OPEN_STATES, State


@dataclass(frozen=True)
class Progress:
    """What the pull requests and releases of one change say about its progress."""

    any_open: bool
    any_ready: bool
    """An open pull request that is not a draft."""
    all_closed: bool
    """There are pull requests, and none is open or merged."""
    merged_to_prod_at: datetime | None
    released_at: datetime | None
    """The last time its commit succeeded in production."""
    rolled_back_at: datetime | None
    """The last time a release went back behind it."""
    by_pull_request: bool
    """Opened by a pull request, so that the pull request's fate is the change's."""


def next_move(state: str, progress: Progress) -> str:
    """The verb that the facts ask for now; empty when the change already stands where they put it."""
    if progress.merged_to_prod_at is not None:
        return _after_merge(state, progress)
    return _before_merge(state, progress)


def _before_merge(state: str, progress: Progress) -> str:
    if state == State.DRAFT and progress.any_ready:
        return "propose"
    if state == State.WITHDRAWN and progress.any_open and progress.by_pull_request:
        return "reopen"
    if state in OPEN_STATES and progress.all_closed and progress.by_pull_request:
        return "withdraw"
    return ""


def _after_merge(state: str, progress: Progress) -> str:
    if state in OPEN_STATES or state == State.WITHDRAWN:
        return "merge"
    back, out = progress.rolled_back_at, progress.released_at
    undone = back is not None and (out is None or out < back)
    if undone and state in (State.MERGED, State.RELEASED, State.CLOSED):
        return "roll_back"
    if not undone and out is not None and state in (State.MERGED, State.ROLLED_BACK):
        return "release"
    return ""
