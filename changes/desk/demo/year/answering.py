"""What becomes of findings in the year: whoever owns one explains it the day after, and somebody else agrees."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from changes.desk.demo.expected import Finding
from changes.desk.demo.people import named
from changes.exceptions.actions import answer, judge
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.exceptions.owning import involved_in
from portal.access.models import User

AFTER = timedelta(hours=12)
JUDGES = ("mia", "cleo", "dev", "noa")


def answer_findings(explained: Mapping[Finding, str], *, at: datetime) -> int:
    """Answers open findings of the plan that were found ``AFTER`` ago or earlier. Returns how many."""
    rows = ExceptionRecord.objects.filter(state=ExceptionState.OPEN, found_at__lte=at - AFTER).select_related("repository", "owner")
    done = 0
    for row in rows.order_by("id"):
        note = explained.get(Finding(row.repository.name if row.repository else "", str(row)), "")
        if note:
            by = row.owner or named("cleo")
            answer(record=row, outcome=ExceptionState.EXPLAINED, note=note, by=by, at=at)
            judge(record=row, note="Agreed.", by=_judge(row, by), at=at)
            done += 1
    return done


def _judge(row: ExceptionRecord, answered: User) -> User:
    """Somebody who oversees, and neither answered nor took part."""
    involved = involved_in(row)
    return next(person for person in map(named, JUDGES) if person.pk != answered.pk and person.pk not in involved)
