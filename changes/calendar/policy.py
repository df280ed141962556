"""May it be planned, frozen, overridden, read by a feed? Each question answers by silence or by ``Refused``. Pure.

Times are UTC. Clauses: P-08 (production is restricted), P-19 (access), P-29 (exceptions end on a date).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from changes.calendar.facts import Span
from changes.delivery.actor import Actor
from changes.proposals.lifecycle import OPEN_STATES, State
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

TYPING = timedelta(minutes=5)
"""How long somebody may take to send a form whose beginning was "now"."""
LONGEST_WINDOW = timedelta(days=7)
LONGEST_FREEZE = timedelta(days=92)
FURTHEST = timedelta(days=400)
"""How far ahead anything is planned."""
FROZEN = ("staging", "production")
"""Environments that a freeze can name: those that the policy gates."""


class NoSuchTime(ValueError):
    """A time on somebody's clock that names no moment, or two. The message says which, and what to do."""


def moment_of(*, local: datetime, zone: str) -> datetime:
    """The moment (UTC) at which clocks in ``zone`` show ``local`` (without a zone). Raises ``NoSuchTime``.

    When clocks go forward an hour is left out, and when they go back one comes twice (RFC 5545 §3.3.5 would guess).
    """
    there = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=there, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    named = f"{local:%H:%M on %-d %B %Y}"
    if first.astimezone(there).replace(tzinfo=None) == local:
        raise NoSuchTime(
            f"{named} comes twice in {zone}, because clocks go back: at {first:%H:%M} and at {second:%H:%M} UTC. "
            "Write it in UTC, or choose another time."
        )
    raise NoSuchTime(f"{named} does not exist in {zone}, because clocks go forward. Choose an hour earlier or later.")


def check_window(*, state: str, span: Span, at: datetime) -> None:
    """A window lies ahead, ends after it begins, is no longer than a week, and its change is still on its way."""
    if state not in {*OPEN_STATES, State.MERGED}:
        raise _refused(f"The change is {State(state).label.lower()}, so there is nothing left to plan.")
    check_span(span=span, at=at, longest=LONGEST_WINDOW, what="window")


def check_span(*, span: Span, at: datetime, longest: timedelta, what: str) -> None:
    """It ends after it begins, and lies ahead: not in the past, and not further than one can plan."""
    if span.ends_at <= span.starts_at:
        raise _refused(f"The {what} ends before it begins.", "Choose a later end.")
    if span.ends_at <= at:
        raise _refused(f"The {what} is over already.", "Choose a time that lies ahead.")
    if span.starts_at < at - TYPING:
        raise _refused(f"The {what} begins in the past.", "Choose a beginning that lies ahead.")
    if span.ends_at - span.starts_at > longest:
        raise _refused(f"A {what} lasts at most {longest.days} days.", "Choose an earlier end.")
    if span.starts_at > at + FURTHEST:
        raise _refused(f"A {what} begins within {FURTHEST.days} days.", "Choose an earlier beginning.")


def check_freeze(*, span: Span, environments: Iterable[str], name: str, reason: str, at: datetime) -> None:
    """A freeze has a name, a reason, an environment that is gated, and does not reach into the past."""
    if not name.strip():
        raise _refused("The freeze has no name.", "Name it so that people know it, such as End of year.")
    if not reason.strip():
        raise _refused("The freeze has no reason.", "Say in a sentence why nothing goes out.")
    wanted = set(environments)
    if not wanted or wanted - set(FROZEN):
        raise _refused("A freeze is for staging, for production, or for both.", "Choose what it freezes.")
    check_span(span=span, at=at, longest=LONGEST_FREEZE, what="freeze")


def check_freeze_end(*, span: Span, ended: bool, reason: str, at: datetime) -> None:
    """A freeze is ended while it is ahead or runs, once, with a reason."""
    if ended or span.ends_at <= at:
        raise _refused("The freeze is over already.")
    if not reason.strip():
        raise _refused("A reason is missing.", "Say in a sentence why the freeze ends early.")


def check_override_asked(*, state: str, hard: bool, span: Span, reason: str, at: datetime) -> None:
    """Only a hard freeze that is not over needs an override, for a change that is on its way, and with a reason."""
    if state not in {*OPEN_STATES, State.MERGED}:
        raise _refused(f"The change is {State(state).label.lower()}, so no freeze holds it.")
    if not hard:
        raise _refused("A soft freeze warns and holds nothing, so it needs no override.")
    if span.ends_at <= at:
        raise _refused("The freeze is over, so nothing holds the change.")
    if not reason.strip():
        raise _refused("A reason is missing.", "Say why this change cannot wait until the freeze is over.")


def check_override_confirmed(*, confirmer: Actor, asker: Actor, contributors: Iterable[Actor], requester: Actor) -> None:
    """The second person is another one than the first, and took no part in the change (P-03, P-19)."""
    if confirmer.same_as(asker):
        raise _refused("You asked for this override yourself.", "Another person confirms it.")
    if confirmer.same_as(requester) or any(confirmer.same_as(other) for other in contributors):
        raise _refused("You have a hand in this change.", "Somebody who took no part in it confirms the override.")


def check_feed(*, name: str, kinds: Iterable[str], known: Iterable[str], auditor: bool) -> None:
    """A feed has a name and shows something. Auditors have none: each page that they read stands in the read log."""
    if auditor:
        raise Refused(Clause.ACCESS_RESTRICTED, "Auditors read in the portal only, so that each page stands in the read log.")
    if not name.strip():
        raise Refused(Clause.ACCESS_RESTRICTED, "The feed has no name.", "Say where you will read it.")
    wanted = set(kinds)
    if not wanted or wanted - set(known):
        raise Refused(Clause.ACCESS_RESTRICTED, "The feed shows nothing.", "Choose what it shows.")


def _refused(why: str, instead: str = "") -> Refused:
    return Refused(Clause.PROD_RESTRICTED, why, instead)
