"""What goes through the whole company in the year: training, meetings, versions of the policy. Pure."""

from datetime import UTC, date, datetime, time, timedelta

from changes.desk.demo.year.cast import EVERYBODY
from changes.desk.demo.year.steps import Deed, Step
from portal.access.roles import Role

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FAILED_ONCE = frozenset({"ann", "max"})
UNTRAINED = frozenset({"eli", "vic"})
"""Who have not taken the last course yet when the year ends; they have some weeks left."""


def training(first: date) -> list[Step]:
    """The first course, published six days before the first working week; everybody takes it within two days."""
    return course(1, at=datetime.combine(first, time(7), tzinfo=UTC) - 6 * DAY)


def course(number: int, *, at: datetime, without: frozenset[str] = frozenset()) -> list[Step]:
    """A course on a version of the policy, and who takes it: one after the other, from the next morning on."""
    steps: list[Step] = [Deed(at, f"course-{number}", "publish_course", "mia", {"policy": number})]
    takers = [person.login for person in EVERYBODY if person.role != Role.AUDITOR and person.login not in without]
    for place, login in enumerate(takers):
        begins = at + DAY + place * 50 * MINUTE
        steps.append(Deed(begins, f"course-{number}/{login}", "train", login, {"fails": number == 1 and login in FAILED_ONCE}))
    return steps
