"""Brings checkpoints to the places outside, and keeps for the ledger's page how far each place is."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.ledger import files
from portal.ledger.anchors import Anchor, AnchorProblem, Overtaken, anchors
from portal.ledger.models import LedgerAnchor, LedgerCheckpoint
from portal.ledger.places import Places

log = logging.getLogger(__name__)
AGAIN = timedelta(seconds=60)
"""After this long an anchor that failed is tried again."""


def publish(*, at: datetime, where: Places) -> list[str]:
    """Bring every anchor up to the last checkpoint; returns what failed, one sentence each."""
    problems = []
    for anchor in anchors(where):
        problem = ""
        try:
            keep(name=anchor.name, place=anchor.place, size=_bring(anchor), at=at)
        except AnchorProblem as raised:
            problem = str(raised)
            log.error("A checkpoint could not be written outside: %s", problem)
            keep(name=anchor.name, place=anchor.place, at=at, problem=problem)
            problems.append(problem)
    behind = where.anchors / "behind"
    if problems:
        files.write_whole(behind, "\n".join(problems))
    else:
        behind.unlink(missing_ok=True)
    return problems


def publish_again(*, at: datetime, where: Places) -> None:
    """Try the anchors again that failed a minute ago or longer."""
    behind = where.anchors / "behind"
    if behind.exists() and at.timestamp() - behind.stat().st_mtime >= AGAIN.total_seconds():
        publish(at=at, where=where)


def rewind(*, where: Places, size: int, note: str) -> None:
    """After a restore: places that are ahead get the adopted checkpoint, and go on from there. What they have stays."""
    for anchor in anchors(where):
        if anchor.last() > size:
            anchor.write([(size, note)])


def keep(*, name: str, place: str, at: datetime, size: int | None = None, problem: str = "") -> None:
    """Keep that a place took the checkpoint of this size (None: it had it already), or why it did not."""
    values: dict[str, object] = {"place": place, "problem": problem}
    if size is not None:
        values |= {"size": size, "at": at}
    LedgerAnchor.objects.update_or_create(name=name, defaults=values)


def _bring(anchor: Anchor) -> int | None:
    """Write what the place does not have. Returns the size of the newest of it; None when there was nothing."""
    missing = _missing(anchor)
    try:
        anchor.write(missing)
    except Overtaken:
        missing = _missing(anchor)
        anchor.write(missing)
    return missing[-1][0] if missing else None


def _missing(anchor: Anchor) -> Sequence[tuple[int, str]]:
    newer = LedgerCheckpoint.objects.filter(size__gt=anchor.last()).order_by("size")
    return list(newer.values_list("size", "note"))
