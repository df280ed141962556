"""Who has to be there so that a meeting can decide: more than half of its roster on that day, and somebody who leads it. Pure.

P-30; what is meant by "roster on that day" is in ``roster``. People are ids.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


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


def needed_of(voters: int) -> int:
    """More than half; of an empty roster one, which nobody can be."""
    return voters // 2 + 1


def quorum_of(*, roster: Iterable[int], leads: Iterable[int], present: Iterable[int]) -> Quorum:
    """How the quorum stands. ``roster`` are all who may vote, chair and deputies included; ``leads`` the chair and deputies.

    Whoever is there without a seat counts for nothing.
    """
    seated = frozenset(roster)
    here = seated & frozenset(present)
    return Quorum(voters=len(seated), needed=needed_of(len(seated)), present=len(here), led=bool(here & frozenset(leads)))


def was_quorate(*, roster: Iterable[int], leads: Iterable[int], spells: Iterable[Spell]) -> bool:
    """Whether there was a quorum at some moment. It can only begin when somebody comes."""
    seated, leading, all_spells = frozenset(roster), frozenset(leads), tuple(spells)
    return any(
        quorum_of(roster=seated, leads=leading, present=[each.person for each in all_spells if each.holds(moment.came_at)]).met
        for moment in all_spells
    )
