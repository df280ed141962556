"""How long work in the background still takes, as far as one can tell from what was done so far. Pure.

The estimate is drawn when the work last moved and then runs down with the clock, so that it does not grow during a long step.
Nothing is said before there is something to go by, and nothing once the estimate was too short: never a negative time.
"""

from datetime import datetime, timedelta
from typing import Protocol

EARLY = 0.02
"""Share of the work below which nothing is said."""
SOON = timedelta(seconds=1)
"""Work that has lasted for less says nothing either."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Timed(Protocol):
    """Work in the background that knows when it began, when it last moved, and which share (0 to 1) was done then."""

    began_at: datetime | None
    moved_at: datetime | None

    @property
    def share(self) -> float:
        """Part of it that is done."""


def time_left(*, began: datetime | None, moved: datetime | None, share: float, at: datetime) -> timedelta | None:
    """What is left at ``at``: ``share`` (0 to 1) was done between ``began`` and ``moved``. None where nobody can tell."""
    if began is None or moved is None or moved - began < SOON or not EARLY < share < 1:
        return None
    left = began + (moved - began) / share - at
    return left if left > timedelta(0) else None


def in_words(left: timedelta | None) -> str:
    """ "about 2 minutes left"; empty where nobody can tell."""
    if left is None:
        return ""
    if left < MINUTE:
        return "less than a minute left"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if left >= 1.5 * unit:
            return f"about {round(left / unit)} {name}s left"
    return "about a minute left"


def words_left(*, began: datetime | None, moved: datetime | None, share: float, at: datetime) -> str:
    """Both in one."""
    return in_words(time_left(began=began, moved=moved, share=share, at=at))


def left_of(work: Timed, *, at: datetime) -> str:
    """The same for work that knows these three itself."""
    return words_left(began=work.began_at, moved=work.moved_at, share=work.share, at=at)
