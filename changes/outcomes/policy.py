"""What may be said about how it went, and when. Pure: each question answers by silence or by ``Refused`` (P-17, P-18, P-22)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

WENT_WELL, PARTLY, FAILED = "went_well", "partly", "failed"
POST_IMPLEMENTATION = "post_implementation"
LONGEST_FOLLOW_UP = timedelta(days=366)
LONGEST_DRILL = timedelta(days=2)
ONE_DEPLOY = timedelta(hours=1)
"""A deployment at the forge and a release at Fly of the same commit this near to each other are one."""


@dataclass(frozen=True)
class Wish:
    """A follow-up as it was asked for: what, who (None: nobody was named), by which day."""

    text: str
    owner: int | None
    due_on: date | None


def check_writer(*, kind: str, is_requester: bool, may_review: bool) -> None:
    """Whoever asked for a change says how it went; the review of an emergency is for those who may review (P-22)."""
    if may_review or (kind == POST_IMPLEMENTATION and is_requester):
        return
    if kind == POST_IMPLEMENTATION:
        raise Refused(Clause.EMERGENCY_REVIEW, "The requester or somebody who reviews changes says how it went.")
    raise Refused(Clause.EMERGENCY_REVIEW, "Approvers, architects and the chair write the retrospective review.")


def check_outcome(*, outcome: str, impact: str, note: str, troubles: Sequence[str]) -> None:
    """One answer is enough when nothing went wrong. Otherwise it is said what was noticed, or why it still went well."""
    if outcome not in (WENT_WELL, PARTLY, FAILED):
        raise Refused(Clause.EMERGENCY_REVIEW, "The review does not say how it went.", "Choose how it went.")
    if outcome != WENT_WELL and not impact.strip():
        raise Refused(Clause.EMERGENCY_REVIEW, "The review does not say what was noticed.", "Write the impact in a sentence.")
    if outcome == WENT_WELL and troubles and not note.strip():
        raise Refused(
            Clause.EMERGENCY_REVIEW, f"The records say otherwise: {'; '.join(troubles)}.", "Write why it still went well."
        )


def check_follow_ups(*, wishes: Sequence[Wish], today: date) -> None:
    """A follow-up has a text, an owner and a day that is not past and within a year."""
    for wish in wishes:
        if not wish.text.strip() or wish.owner is None or wish.due_on is None:
            raise Refused(Clause.EMERGENCY_REVIEW, "A follow-up lacks something.", "Give each its text, its owner and its day.")
        if not today <= wish.due_on <= today + LONGEST_FOLLOW_UP:
            raise Refused(Clause.EMERGENCY_REVIEW, "A follow-up is due on a day from today to a year from now.")


def check_follow_up_done(*, is_owner: bool, oversees: bool, note: str) -> None:
    """Its owner says what was done; those who oversee changes may as well."""
    if not is_owner and not oversees:
        raise Refused(Clause.ACCESS_RESTRICTED, "Only its owner and those who oversee changes close a follow-up.")
    if not note.strip():
        raise Refused(Clause.EMERGENCY_REVIEW, "It is not said what was done.", "Write it in a sentence.")


def check_rollback(*, merged: bool, target: str, data_loss: str, snapshot: str, has_migration: bool) -> None:
    """A rollback says where it goes back to and what is lost; with a migration also from which snapshot (P-18)."""
    if not merged:
        raise Refused(Clause.ROLLBACK, "The change is not in production, so there is nothing to roll back.")
    if not target.strip():
        raise Refused(Clause.ROLLBACK, "It is not said where to go back to.", "Name the release.")
    if not data_loss.strip():
        raise Refused(Clause.ROLLBACK, "It is not said what is lost on the way.", "Write it in a sentence; “nothing” is one.")
    if has_migration and not snapshot.strip():
        raise Refused(Clause.SNAPSHOT, "The change has a database migration.", "Name the snapshot, or say why none is needed.")


def check_drill(*, app: str, apps: Sequence[str], began_at: datetime, seconds: int, at: datetime) -> None:
    """A drill is of an app that is known, in the past, and no longer than two days."""
    if app not in apps:
        raise Refused(Clause.ROLLBACK, f"No release of {app or 'that app'} is known.", "Choose an app from the list.")
    if not timedelta(0) < timedelta(seconds=seconds) <= LONGEST_DRILL:
        raise Refused(Clause.ROLLBACK, "A drill takes from a second to two days.", "Write how long it took, in minutes.")
    if began_at + timedelta(seconds=seconds) > at:
        raise Refused(Clause.ROLLBACK, "The drill would have ended in the future.", "Correct its beginning or its length.")


def check_mark(*, what: str, environment: str, resolves_known: bool) -> None:
    """Marks are for production, and a fix names the failure that it ended."""
    if environment != "production":
        raise Refused(Clause.ROLLBACK, "Only releases to production are marked.")
    if what == "fixed" and not resolves_known:
        raise Refused(Clause.ROLLBACK, "It is not said which failure it fixed.", "Choose the deploy that had failed.")


def next_drill_due(*, last: datetime | None, first_release: datetime, every: timedelta) -> datetime:
    """When the next drill of an app is due: ``every`` after the last one, or after its first release."""
    return (last or first_release) + every
