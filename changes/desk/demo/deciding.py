"""The portal's side of the story: waiting until the portal has seen something, then deciding as a person would."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from changes.delivery.models import PullRequest
from changes.desk.demo.people import named
from changes.gates.actions import reassess
from changes.proposals.approving import approve, review_after, sign_off
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, Change, ReviewAfter, SignOff

PATIENCE = 90.0
"""Seconds that the portal gets for one thing."""
SIGNED_IN = timedelta(minutes=2)
Pump = Callable[[], None]


class NotSeen(Exception):
    """The portal did not come to know something in time; the message says what."""


def wait_for(what: str, seen: Callable[[], bool], *, pump: Pump) -> None:
    """Waits until ``seen``. Raises ``NotSeen`` after a minute and a half."""
    patience = time.monotonic() + PATIENCE
    while not seen():
        if time.monotonic() > patience:
            raise NotSeen(f"The portal has not seen {what} within {PATIENCE:.0f} seconds.")
        pump()


def changes_of(repository: str, number: int) -> list[Change]:
    """The changes that a pull request carries, oldest first."""
    return list(
        Change.objects.filter(links__pull_request__repository__name=repository, links__pull_request__number=number).order_by("id")
    )


def await_changes(repository: str, number: int, head: str, *, count: int, pump: Pump) -> list[Change]:
    """Waits until the portal knows the pull request at this head, read from the API, with ``count`` changes in review."""

    def seen() -> bool:
        row = PullRequest.objects.filter(repository__name=repository, number=number, head_sha=head).first()
        if row is None or row.confirmed_at is None or row.paths is None:
            return False
        states = [change.state for change in changes_of(repository, number)]
        return len(states) >= count and set(states) <= {State.PROPOSED, State.APPROVED}

    wait_for(f"{repository}#{number} with {count} changes in review", seen, pump=pump)
    return changes_of(repository, number)


def sign_off_in_staging(change: Change, commit: str, *, by: str, at: datetime) -> None:
    """The tester signs the commit off, once."""
    user = named(by)
    if not SignOff.objects.filter(change=change, commit_sha=commit, by=user).exists():
        sign_off(change=change, commit_sha=commit, by=user, note="Looked at it in staging; works.", at=at)
        reassess(change=change, at=at)


def approve_change(change: Change, *, by: str, at: datetime) -> None:
    """An approver says yes, freshly signed in, once."""
    user = named(by)
    if not Approval.objects.filter(change=change, by=user, lapse=None).exists():
        approve(change=change, by=user, verdict=Approval.Verdict.YES, note="", authenticated_at=at - SIGNED_IN, at=at)
        reassess(change=change, at=at)


def look_back(change: Change, *, kind: str, by: str, at: datetime, note: str = "") -> None:
    """A review after the fact, once: it went well."""
    user = named(by)
    if not ReviewAfter.objects.filter(change=change, kind=kind, by=user).exists():
        review_after(change=change, kind=kind, outcome="went_well", note=note, by=user, at=at)
        reassess(change=change, at=at)
