"""What people do in the portal, by name: each finds what it is about and calls the same action as the page does.

A deed gets the person's login, the moment, and the arguments of its step with every ``Given`` filled in. It must be repeatable: the
year is played on where it broke off, and the last deed may have been done already.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from changes.desk.demo import deciding, training
from changes.desk.demo.people import named
from changes.outcomes.actions import record_drill
from changes.outcomes.models import RollbackDrill
from changes.proposals.models import ReviewAfter
from changes.training.models import Course

PRACTISED = "Done from the runbook by somebody who had not written it."
DEEDS: dict[str, Callable[..., None]] = {}


def deed(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function ``(*, by: str, at: datetime, **arguments) -> None``."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        DEEDS[name] = function
        return function

    return register


@deed("sign_off")
def _sign_off(*, repository: str, number: int, sha: str, by: str, at: datetime) -> None:
    """Every change of a pull request is signed off in staging."""
    for change in deciding.changes_of(repository, number):
        deciding.sign_off_in_staging(change, sha, by=by, at=at)


@deed("approve")
def _approve(*, repository: str, number: int, by: str, at: datetime) -> None:
    """Every change of a pull request is approved for production."""
    for change in deciding.changes_of(repository, number):
        deciding.approve_change(change, by=by, at=at)


@deed("look_back")
def _look_back(*, repository: str, number: int, by: str, at: datetime) -> None:
    """Somebody says that the changes of a pull request went well."""
    for change in deciding.changes_of(repository, number):
        deciding.look_back(change, kind=ReviewAfter.Kind.POST_IMPLEMENTATION, by=by, at=at)


@deed("practise")
def _practise(*, app: str, took: timedelta, by: str, at: datetime) -> None:
    """Somebody has practised in staging to take an app back, and writes down how long it took."""
    if not RollbackDrill.objects.filter(app=app, at=at).exists():
        words: dict[str, Any] = {"environment": "staging", "target": "The version before", "outcome": "worked", "note": PRACTISED}
        record_drill(app=app, began_at=at - took, seconds=int(took.total_seconds()), by=named(by), at=at, **words)


@deed("publish_course")
def _publish_course(*, policy: int, by: str, at: datetime) -> None:
    """A course on a version of the policy."""
    if not Course.objects.filter(policy=policy).exists():
        training.publish(at=at, policy=policy)


@deed("train")
def _train(*, by: str, at: datetime, fails: bool = False) -> None:
    """Somebody takes the newest course."""
    course, person = Course.objects.latest("number"), named(by)
    if not course.acknowledgements.filter(person=person).exists():
        training.take(course, person, fails=fails, at=at)
