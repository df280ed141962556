"""How two versions of one fact become one, whatever order they arrive in. Pure.

Each field keeps the value that the vendor said last by its own clock. At the same moment a reading of the API beats a
report, and otherwise the greater value wins, so that the result never depends on the order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STATE_RANK = {"open": 0, "closed": 1, "merged": 2}
REVIEW_RANK = {"pending": 0, "commented": 1, "changes_requested": 2, "approved": 2, "dismissed": 3}
CHECK_RANK = {"queued": 0, "pending": 0, "waiting": 0, "requested": 0, "in_progress": 1, "completed": 2}
DEPLOY_RANK = {
    "pending": 0,
    "queued": 1,
    "waiting": 1,
    "in_progress": 2,
    "inactive": 5,
    "success": 4,
    "failure": 4,
    "error": 4,
}
STICKY = {"state": lambda value: STATE_RANK.get(value, 0) == STATE_RANK["merged"], "merge_sha": bool, "merged_at": bool}
"""What cannot be undone at the forge: a merge stays a merge."""


@dataclass(frozen=True)
class Said:
    """A value and when it was said: (vendor's clock, confirmed)."""

    at: datetime
    confirmed: bool

    def text(self) -> str:
        """As kept in ``clocks``."""
        return f"{self.at.isoformat()}|{int(self.confirmed)}"

    @classmethod
    def read(cls, text: str | None) -> "Said":
        """From ``clocks``; a field without a clock was never said."""
        if not text:
            return NEVER
        at, _, confirmed = text.partition("|")
        return cls(datetime.fromisoformat(at), confirmed == "1")


NEVER = Said(EPOCH, False)


def newer(name: str, known: Any, known_said: Said, value: Any, said: Said) -> bool:
    """Whether ``value`` replaces ``known`` for the field ``name``."""
    sticky = STICKY.get(name)
    if sticky is not None and bool(sticky(known)) != bool(sticky(value)):
        return bool(sticky(value))
    if (said.at, said.confirmed) != (known_said.at, known_said.confirmed):
        return (said.at, said.confirmed) > (known_said.at, known_said.confirmed)
    return _order(value) > _order(known)


def _order(value: Any) -> tuple[int, str]:
    """A total order over whatever a field may hold; only there so that equal moments have one winner."""
    if value is None:
        return (0, "")
    if isinstance(value, list | tuple):
        return (1, repr([repr(item) for item in value]))
    return (1, repr(value))


def merge_fields(
    *, known: Mapping[str, Any], clocks: Mapping[str, str], said_values: Mapping[str, Any], said: Said
) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields that change, and the clocks after it. A value of None was not said and is skipped."""
    changed: dict[str, Any] = {}
    after, clock = dict(clocks), said.text()
    for name, value in said_values.items():
        if value is None:
            continue
        before = Said.read(clocks.get(name))
        if not newer(name, known.get(name), before, value, said):
            continue
        after[name] = clock
        if known.get(name) != value:
            changed[name] = value
    return changed, after
