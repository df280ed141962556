"""What people of the year do because it waits for them: each day they answer, judge, and look back at releases; they read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from changes.desk.demo.expected import Finding
from changes.desk.demo.people import those_here
from changes.desk.demo.year.answering import answer_findings, judge_answers
from changes.desk.demo.year.days import morning_of
from changes.desk.demo.year.words import LOOKED_BACK, UNDONE, said_of
from changes.gates.actions import reassess
from changes.proposals.approving import review_after
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change, ReviewAfter
from changes.talk.actions import read_all
from changes.talk.models import Notice
from portal.access.models import User
from portal.policy.refusal import Refused

MINUTE = timedelta(minutes=1)
REVIEWERS = ("cleo", "noa", "dev", "ida", "mia")
IN_PRODUCTION = (State.RELEASED, State.ROLLED_BACK)
Kind = ReviewAfter.Kind


def see_to_all(explained: Mapping[Finding, str], *, at: datetime) -> None:
    """The day of ``at`` is over: what waited for people when it began is done, with these answers to findings."""
    answer_findings(explained, at=at)
    judge_answers(at=at)
    look_back(at=at)


def read_notices(*, at: datetime) -> None:
    """Everybody has read by now what they were told; what is new afterwards is of the week."""
    for person in User.objects.filter(pk__in=Notice.objects.filter(read_at=None).values("person")):
        read_all(person=person, at=at)


def look_back(*, at: datetime) -> int:
    """What went to production before the day of ``at`` is looked back at in its course, emergencies twice. Returns how many."""
    morning = morning_of(at.date())
    rows = Change.objects.filter(state__in=IN_PRODUCTION, released_at__lt=morning)
    urgent = rows.filter(category=Category.EMERGENCY).exclude(reviews_after__kind=Kind.RETROSPECTIVE)
    plain = rows.exclude(reviews_after__kind=Kind.POST_IMPLEMENTATION)
    return _reviewed(urgent.order_by("number"), Kind.RETROSPECTIVE, morning) + _reviewed(
        plain.order_by("number"), Kind.POST_IMPLEMENTATION, morning
    )


def _reviewed(rows: Iterable[Change], kind: str, morning: datetime) -> int:
    done = 0
    for change in rows:
        done += _review(change, kind, morning + change.number * 41 % 430 * MINUTE)
    return done


def _review(change: Change, kind: str, at: datetime) -> bool:
    outcome, note = said_of(change.number)
    if kind == Kind.RETROSPECTIVE:
        outcome, note = "went_well", LOOKED_BACK
    elif change.state == State.ROLLED_BACK:
        outcome, note = "failed", UNDONE
    for reviewer in those_here(_in_turn(change.number)):
        try:
            review_after(change=change, kind=kind, outcome=outcome, note=note, by=reviewer, at=at)
        except Refused:
            continue  # took part in it
        reassess(change=change, at=at)
        return True
    return False


def _in_turn(number: int) -> Sequence[str]:
    first = number % len(REVIEWERS)
    return (*REVIEWERS[first:], *REVIEWERS[:first])
