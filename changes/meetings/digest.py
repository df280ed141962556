"""The digest of an agenda, by which it can be shown later what a meeting had before it when it began. Pure.

SHA-256 in hexadecimal over canonical JSON (``changes.proposals.digest``): the number of the meeting and its points in order.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from portal.ledger.canonical import digest_of


@dataclass(frozen=True)
class AgendaPoint:
    """One point as the digest has it. ``text`` is what a vote on it binds to (``Revision.binds``), empty where there is none."""

    number: int
    key: str
    kind: str
    title: str
    note: str
    minutes: int
    folded: bool
    text: str = ""


def agenda_value(*, meeting: int, points: Iterable[AgendaPoint]) -> dict[str, object]:
    """What the digest is of, as plain JSON values."""
    return {"meeting": meeting, "points": [asdict(point) for point in points]}


def agenda_digest(*, meeting: int, points: Iterable[AgendaPoint]) -> str:
    """The digest of the agenda of the meeting of that number, with its points in the order of their numbers."""
    ordered = sorted(points, key=lambda point: point.number)
    return digest_of(agenda_value(meeting=meeting, points=ordered))
