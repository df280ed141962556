"""What the supervisor keeps running: the description of a program, and how long to wait before it is started again."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portal.runtime.account import Account

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
# A life shorter than this counts towards a crash loop.
SHORT_LIFE = 5.0
LOOP = 8
LOOP_PAUSE = 30.0


def _nothing() -> None:
    """Most programs need nothing before they start."""


@dataclass(frozen=True)
class Program:
    """One program to keep alive."""

    name: str
    argv: list[str]
    env: Mapping[str, str]
    account: Account | None = None
    # What asks it to end, and how many seconds it gets.
    stop: signal.Signals = signal.SIGTERM
    patience: float = 8.0
    # What the kernel sends it when the supervisor vanishes.
    orphaned: signal.Signals = signal.SIGKILL
    # Runs before every start, also the first.
    prepare: Callable[[], None] = _nothing
    # Whether it does its work; asked now and then, three silences in a row end it. None: nobody asks.
    answers: Callable[[], bool] | None = None
    # Seconds after the start in which a silence does not count.
    grace: float = 30.0
    # Database and broker end last, when nobody needs them any more.
    foundation: bool = False


def pause(*, short_lives: int) -> float:
    """Seconds to wait before the next start, after so many short lives in a row: 0.2 doubling to 5, then 30."""
    if short_lives >= LOOP:
        return LOOP_PAUSE
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**short_lives)
