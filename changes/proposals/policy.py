"""May this person do this to this change? Each question is a pure function that answers by silence or by ``Refused``.

People are compared as persons, by any linked identity (``Actor.same_as``). Times are UTC. Clauses: P-03, P-04, P-08,
P-19, P-22.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from changes.delivery.actor import Actor
from changes.proposals.lifecycle import OPEN_STATES, State
from portal.policy.clauses import Clause
from portal.policy.parameters import DEFAULT
from portal.policy.refusal import Refused, Stale

MERGED_STATES = frozenset({State.MERGED, State.RELEASED, State.ROLLED_BACK, State.CLOSED})
APPROVABLE = frozenset({State.PROPOSED, State.APPROVED})
RETROSPECTIVE = "retrospective"
PORTAL, SLACK = "portal", "slack"
"""Where a word can be given."""


def check_approver(
    *,
    state: str,
    approver: Actor,
    contributors: Iterable[Actor],
    requester: Actor,
    head_sha: str,
    authenticated_at: datetime | None,
    at: datetime,
    fresh_within: timedelta = DEFAULT.fresh_sign_in_within,
) -> None:
    """May ``approver`` say yes or no for production? Refused for a contributor, the requester, and without a fresh sign-in."""
    check_state_for_approval(state=state)
    check_independent(person=approver, contributors=contributors, requester=requester)
    if not head_sha:
        raise Refused(
            Clause.STARTS_AS_PULL_REQUEST,
            "There is no commit to approve yet.",
            "Wait until a pull request is linked to the change.",
        )
    check_fresh_sign_in(authenticated_at=authenticated_at, at=at, within=fresh_within)


def check_state_for_approval(*, state: str) -> None:
    """Only a change in review can be approved; one that is approved already can take a further word."""
    if state in APPROVABLE:
        return
    if state == State.DRAFT:
        raise Refused(Clause.CATEGORY, "The change is a draft.", "Ask the requester to propose it first.")
    if state == State.WITHDRAWN:
        raise Refused(Clause.CATEGORY, "The change was withdrawn.", "Reopen it first.")
    raise Refused(
        Clause.PROD_RESTRICTED,
        "The change is in production already, so an approval would come too late.",
        "Write the review afterwards instead.",
    )


def check_independent(*, person: Actor, contributors: Iterable[Actor], requester: Actor) -> None:
    """Nobody decides on what they made or asked for (P-03). A bot decides on nothing."""
    if person.bot:
        raise Refused(Clause.REVIEWED, f"{person.name} is a bot, and only people approve.", "Ask a person to approve.")
    if person.same_as(requester):
        raise Refused(Clause.REVIEWED, "You asked for this change.", "Ask somebody else to approve it.")
    if any(person.same_as(other) for other in contributors):
        raise Refused(Clause.REVIEWED, "You contributed to this change.", "Ask somebody who did not contribute to approve it.")


def check_fresh_sign_in(*, authenticated_at: datetime | None, at: datetime, within: timedelta) -> None:
    """The sign-in is at most ``within`` old. One that lies in the future is none."""
    if authenticated_at is None or not timedelta(0) <= at - authenticated_at <= within:
        minutes = int(within.total_seconds() // 60)
        raise Refused(
            Clause.ACCESS_RESTRICTED,
            f"This needs a sign-in that is not older than {minutes} minutes.",
            "Sign in again, then repeat it.",
        )


def check_still_current(*, seen_digest: str, digest: str, seen_head: str, head_sha: str, edited: str = "") -> None:
    """What the person looked at is what stands now: the same text and the same commit. Raises ``Stale`` with what changed.

    ``edited`` says which sections differ, to follow "Different now:"; empty when that is not known.
    """
    if seen_digest != digest:
        what = f" Different now: {edited}." if edited else ""
        raise Stale(f"The proposal was edited after you opened the page.{what} Read the present revision, then decide.")
    if seen_head != head_sha:
        was, now = seen_head[:7] or "none", head_sha[:7] or "none"
        raise Stale(
            f"There are new commits: the head was {was} when you opened the page and is {now} now."
            " Look at the new commits, then decide."
        )


def check_plus_one(
    *,
    state: str,
    category: str,
    giver: Actor,
    contributors: Iterable[Actor],
    requester: Actor,
    authenticated_at: datetime | None,
    at: datetime,
    via: str = PORTAL,
    fresh_within: timedelta = DEFAULT.fresh_sign_in_within,
) -> None:
    """May ``giver`` give the +1 of an emergency (P-22)? Before or after the merge, as long as the change is not over.

    In the portal it needs a fresh sign-in. From Slack, the signed request of a linked account is the proof instead.
    """
    if category != "emergency":
        raise Refused(Clause.EMERGENCY_REVIEW, "The change is no emergency.", "Approve it in the ordinary way.")
    if state not in OPEN_STATES and state != State.MERGED:
        raise Refused(
            Clause.EMERGENCY_REVIEW,
            "The +1 is given before the release, and this change is past it.",
            "Write the retrospective review instead.",
        )
    check_independent(person=giver, contributors=contributors, requester=requester)
    if via == PORTAL:
        check_fresh_sign_in(authenticated_at=authenticated_at, at=at, within=fresh_within)


def check_sign_off(*, state: str, tester: Actor, commit_sha: str, staged_commits: Collection[str]) -> None:
    """May ``tester`` sign a commit off in staging (P-04)? Only what stands there can have been tested there."""
    if state not in OPEN_STATES:
        raise Refused(
            Clause.STAGING_FIRST,
            "The change is not open any more, so a sign-off would come too late.",
            "Say it in the review afterwards.",
        )
    if tester.bot:
        raise Refused(Clause.STAGING_FIRST, f"{tester.name} is a bot, and a person signs off.", "Ask a tester to sign off.")
    if commit_sha not in staged_commits:
        raise Refused(
            Clause.STAGING_FIRST,
            f"{commit_sha[:7] or 'The commit'} has not been released to staging.",
            "Release it to staging first, then sign it off.",
        )


def check_review_after(
    *,
    kind: str,
    state: str,
    reviewer: Actor,
    contributors: Iterable[Actor],
    requester: Actor,
    plus_ones: Iterable[Actor],
) -> None:
    """May ``reviewer`` write the review afterwards? The retrospective of an emergency only if they took no part (P-22)."""
    if state not in MERGED_STATES:
        raise Refused(
            Clause.EMERGENCY_REVIEW,
            "The change is not in production yet.",
            "Write the review after the release.",
        )
    if kind != RETROSPECTIVE:
        return
    check_independent(person=reviewer, contributors=contributors, requester=requester)
    if any(reviewer.same_as(other) for other in plus_ones):
        raise Refused(
            Clause.EMERGENCY_REVIEW,
            "You gave the +1 of this emergency.",
            "Ask somebody who took no part to write the retrospective review.",
        )
