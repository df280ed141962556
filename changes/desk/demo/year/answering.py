"""What becomes of findings in the year: whoever owns one explains it the day after, and somebody else agrees."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from changes.desk.demo.expected import Finding
from changes.desk.demo.people import named, those_here
from changes.desk.demo.year.days import morning_of
from changes.exceptions.actions import JUDGED, answer, judge
from changes.exceptions.models import ExceptionRecord, ExceptionState
from portal.policy.refusal import Refused

MINUTE = timedelta(minutes=1)
AGREED = (
    "Agreed.",
    "So I remember it too.",
    "Read, and asked the people who were there. Agreed.",
    "Fine; talked about in the meeting.",
)
JUDGES = ("mia", "cleo", "dev", "noa")


def answer_findings(explained: Mapping[Finding, str], *, at: datetime) -> int:
    """Answers open findings of the plan that were found before the day of ``at``, in its course. Returns how many."""
    morning = morning_of(at.date())
    rows = ExceptionRecord.objects.filter(state=ExceptionState.OPEN, found_at__lt=morning).select_related("repository", "owner")
    done = 0
    for row in rows.order_by("id"):
        note = explained.get(Finding(row.repository.name if row.repository else "", str(row)), "")
        if note:
            by = row.owner or named("cleo")
            answer(record=row, outcome=ExceptionState.EXPLAINED, note=note, by=by, at=_within(morning, row.pk * 37))
            done += 1
    return done


def judge_answers(*, at: datetime) -> int:
    """What was answered before the day of ``at``, by people or by what came right itself, is agreed with. Returns how many."""
    morning = morning_of(at.date())
    rows = ExceptionRecord.objects.filter(state__in=JUDGED, judged_by=None).exclude(steps__at__gte=morning)
    return sum(_judged(row, _within(morning, row.pk * 53)) for row in rows.order_by("id"))


def _judged(row: ExceptionRecord, at: datetime) -> bool:
    for person in those_here(JUDGES):
        try:
            judge(record=row, note=AGREED[row.pk % len(AGREED)], by=person, at=at)
        except Refused:
            continue  # answered, or took part
        return True
    return False


def _within(morning: datetime, number: int) -> datetime:
    """Some time in the seven hours from then on."""
    return morning + number % 420 * MINUTE
