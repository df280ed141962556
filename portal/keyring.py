"""Everything that is sealed with the keys of ``vault``: counted, and sealed anew under the newest key, so that an old one can go.

Who keeps something sealed joins with ``place``. A text that no key opens is counted and left alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal import vault
from portal.ledger.actions import append

Reseal = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Place:
    """``every(lock)`` gives what is sealed, each with a function that puts it back; ``lock`` while it is sealed anew."""

    name: str
    every: Callable[[bool], Iterator[tuple[bytes, Callable[[bytes], None]]]]


@dataclass(frozen=True)
class Count:
    """Of one place: sealed under the newest key, under an older one, and by no key that we have."""

    name: str
    newest: int
    older: int
    unreadable: int

    @property
    def total(self) -> int:
        """How much is sealed there."""
        return self.newest + self.older + self.unreadable


_places: list[Place] = []


def place(made: Place) -> None:
    """Let a feature bring what it keeps sealed."""
    if made.name not in {one.name for one in _places}:
        _places.append(made)


def counts() -> list[Count]:
    """What is sealed under which key. Nothing is changed, and nothing opened is kept."""
    return [_count(one, lambda sealed, put: None, lock=False) for one in _places]


@transaction.atomic
def rotate(*, actor: str, at: datetime) -> list[Count]:
    """Seal what is under an older key under the newest one, all or nothing. The counts are of before, and stand in the ledger."""
    found = [_count(one, lambda sealed, put: put(vault.reseal(sealed)), lock=True) for one in _places]
    append(
        stream="keys",
        kind="keys.rotated",
        actor=actor,
        fact={
            "newest": vault.fingerprint(),
            "sealed_anew": {one.name: one.older for one in found},
            "already": {one.name: one.newest for one in found},
            "unreadable": {one.name: one.unreadable for one in found},
            "at": at.isoformat(),
        },
        rows=[],
    )
    return found


def _count(place: Place, older: Callable[[bytes, Callable[[bytes], None]], None], *, lock: bool) -> Count:
    numbers = {"newest": 0, "older": 0, "unreadable": 0}
    for sealed, put in place.every(lock):
        state = vault.state_of(sealed)
        numbers[state] += 1
        if state == "older":
            older(sealed, put)
    return Count(place.name, **numbers)
