"""Who has to be there so that a meeting can decide: more than half of its roster on that day, and somebody who leads it. Pure.

P-30; what is meant by "roster on that day" is in ``roster``. People are ids.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

HALF = 50
"""Per cent; the version of the policy in force may have another share (``Parameters.quorum_percent``)."""


@dataclass(frozen=True)
class Quorum:
    """How many of the roster are needed and there, and whether the chair or a deputy is among them."""

    voters: int
    needed: int
    present: int
    led: bool

    @property
    def met(self) -> bool:
        """Whether the meeting can decide."""
        return self.led and self.present >= self.needed

    @property
    def sentence(self) -> str:
        """How it stands, in one sentence."""
        count = f"{self.present} of {self.voters} voters here, {self.needed} needed"
        if self.met:
            return f"Quorum: {count}."
        return f"No quorum: {count}." if self.led else f"No quorum: neither the chair nor a deputy is here; {count}."


@dataclass(frozen=True)
class Spell:
    """Somebody was there from one moment until before another; ``left_at`` None: still there."""

    person: int
    came_at: datetime
    left_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the person was there at that moment."""
        return self.came_at <= at and (self.left_at is None or at < self.left_at)


def needed_of(voters: int, percent: int = HALF) -> int:
    """More than ``percent`` of them, and never more than all; of an empty roster one, which nobody can be."""
    return max(min(voters * percent // 100 + 1, voters), 1)


def quorum_of(*, roster: Iterable[int], leads: Iterable[int], present: Iterable[int], percent: int = HALF) -> Quorum:
    """How the quorum stands. ``roster`` are all who may vote, chair and deputies included; ``leads`` the chair and deputies.

    Whoever is there without a seat counts for nothing. ``percent`` is the share of the roster of which more is needed.
    """
    seated = frozenset(roster)
    here = seated & frozenset(present)
    needed = needed_of(len(seated), percent)
    return Quorum(voters=len(seated), needed=needed, present=len(here), led=bool(here & frozenset(leads)))


def was_quorate(*, roster: Iterable[int], leads: Iterable[int], spells: Iterable[Spell], percent: int = HALF) -> bool:
    """Whether there was a quorum at some moment. It can only begin when somebody comes."""
    seated, leading, all_spells = frozenset(roster), frozenset(leads), tuple(spells)

    def stood(at: datetime) -> bool:
        here = [each.person for each in all_spells if each.holds(at)]
        return quorum_of(roster=seated, leads=leading, present=here, percent=percent).met

    return any(stood(each.came_at) for each in all_spells)
