"""Whether the connected sources can be read, for those who must not touch connectors."""

from dataclasses import dataclass
from datetime import datetime

from changes.connectors.models import Source


@dataclass(frozen=True)
class SourceState:
    """One connected account: whether it can be read at all, when it was last, and what is the matter."""

    name: str
    kind: str
    connected_at: datetime
    readable: bool
    last_good_read_at: datetime | None
    trouble: str
    """Why the newest reading failed, or that reading is paused; empty when nothing is known to be the matter."""


def source_states() -> list[SourceState]:
    """All of them, by name. One query; no secret leaves it."""
    rows = Source.objects.defer("token_encrypted").order_by("name")
    return [SourceState(row.name, row.kind, row.connected_at, row.readable, row.last_good_read_at, _trouble(row)) for row in rows]


def _trouble(row: Source) -> str:
    if row.paused_at is not None:
        return "it is paused"
    return row.last_error if row.failures else ""
