"""When a version of the policy may be written, sent and adopted. Pure (P-25)."""

from datetime import datetime, timedelta

from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

FURTHEST = timedelta(days=366)


def check_saved(*, seen: int, version: int) -> None:
    """Nobody overwrites what somebody else saved meanwhile."""
    if seen != version:
        raise Stale("Somebody saved the draft after you opened it.")


def check_sendable(*, waiting: str, summary: str, differs: bool, effective_at: datetime, at: datetime) -> None:
    """One version waits at a time; it says what is new, differs from the one in force, and begins on a day ahead."""
    if waiting:
        raise Refused(Clause.POLICY_REVIEWED, f"{waiting} waits for a meeting already.", "Withdraw it, or wait for the decision.")
    if not summary.strip():
        raise Refused(Clause.POLICY_REVIEWED, "The summary is empty.", "Write in a sentence or two what changes, and why.")
    if not differs:
        raise Refused(Clause.POLICY_REVIEWED, "The draft says what is in force already.", "Change it, or leave it.")
    if not at < effective_at <= at + FURTHEST:
        raise Refused(Clause.POLICY_REVIEWED, "A version begins on a day within a year.", "Choose the day from which it holds.")


def check_waiting(*, state: str, name: str) -> None:
    """A decision is about a version that waits for one."""
    if state != "sent":
        raise Stale(f"{name} does not wait for a decision any more.")
