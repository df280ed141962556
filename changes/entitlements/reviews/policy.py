"""Who reviews what, what an answer needs, and what became of it. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

KEEP, JUSTIFY, REMOVE = "keep", "justify", "remove"
VERDICTS = (KEEP, JUSTIFY, REMOVE)
REMOVED, OPEN, OVERDUE = "removed", "open", "overdue"


def reviewer_for(
    *, source: str, thing: str, holder: int | None, owners: Mapping[tuple[str, str], int], pool: Sequence[int]
) -> int | None:
    """The owner of the thing, else of the source, else the first of ``pool``; never the holder. None when nobody is left."""
    wanted = (owners.get((source, thing)), owners.get((source, "")), *pool)
    return next((person for person in wanted if person is not None and person != holder), None)


def check_answer(*, verdict: str, reason: str, holders: Collection[int | None], by: int) -> None:
    """Raises ``Refused`` for an unknown answer, one without its reason, and one about one's own right."""
    if verdict not in VERDICTS:
        raise Refused(Clause.ACCESS_RESTRICTED, "A right is kept, kept with a reason, or removed.", "Choose one of them.")
    if verdict != KEEP and not reason.strip():
        raise Refused(Clause.ACCESS_RESTRICTED, "This needs its reason.", "Say in a sentence why.")
    check_not_own(holders=holders, person=by)


def check_not_own(*, holders: Collection[int | None], person: int) -> None:
    """Raises ``Refused`` when one of the rights is that person's own."""
    if person in holders:
        raise Refused(Clause.ACCESS_RESTRICTED, "Nobody reviews their own rights.", "Leave these to somebody else.")


def check_handover(*, name: str, able: bool, reason: str) -> None:
    """Raises ``Refused`` for somebody who may not review, and for one without its reason."""
    if not able:
        raise Refused(Clause.ACCESS_RESTRICTED, f"{name} may not review access.", "Choose somebody who may.")
    if not reason.strip():
        raise Refused(Clause.ACCESS_RESTRICTED, "Handing over needs its reason.", "Say in a sentence why.")


def removal_state(*, answered_at: datetime, ended_at: datetime | None, at: datetime, within: timedelta) -> str:
    """What became of a "remove": shown as removed by a later snapshot, still open, or overdue."""
    if ended_at is not None:
        return REMOVED
    return OVERDUE if at > answered_at + within else OPEN


def digest_of_entries(entries: Iterable[Sequence[object]]) -> str:
    """SHA-256 of rows of a review, in order."""
    return digest_of({"entries": [list(entry) for entry in entries]})


def reminder_for(*, opened_at: datetime, due_at: datetime, at: datetime, before: timedelta) -> str:
    """Which reminder is due now."""
    if at > due_at:
        return "late"
    return "before" if at >= max(due_at - before, opened_at + timedelta(days=1)) else "opened"
