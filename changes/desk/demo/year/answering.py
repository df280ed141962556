"""What becomes of findings in the year: whoever owns one explains it the day after, and somebody else agrees."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from changes.desk.demo.expected import Finding
from changes.desk.demo.people import named
from changes.exceptions.actions import answer, judge
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.exceptions.owning import involved_in
from portal.access.models import User

MORNING = time(7)
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
    morning = datetime.combine(at.date(), MORNING, tzinfo=UTC)
    rows = ExceptionRecord.objects.filter(state=ExceptionState.OPEN, found_at__lt=morning).select_related("repository", "owner")
    done = 0
    for row in rows.order_by("id"):
        note = explained.get(Finding(row.repository.name if row.repository else "", str(row)), "")
        if note:
            by = row.owner or named("cleo")
            answered = morning + row.pk * 37 % 420 * MINUTE
            answer(record=row, outcome=ExceptionState.EXPLAINED, note=note, by=by, at=answered)
            judge(
                record=row, note=AGREED[row.pk % len(AGREED)], by=_judge(row, by), at=answered + (20 + row.pk * 23 % 130) * MINUTE
            )
            done += 1
    return done


def _judge(row: ExceptionRecord, answered: User) -> User:
    """Somebody who oversees, and neither answered nor took part."""
    involved = involved_in(row)
    return next(person for person in map(named, JUDGES) if person.pk != answered.pk and person.pk not in involved)
