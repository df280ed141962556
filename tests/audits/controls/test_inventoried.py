"""P-07, P-10, P-13, P-15 and P-23 over a window: what was compared, what differed then, which months were signed in time."""

from datetime import UTC, datetime, timedelta

import pytest

from audits.controls.inventoried import (
    environments_apart,
    inventory_reconciled,
    machines_as_in_git,
    secrets_from_doppler,
    staging_mirrors_production,
)
from audits.controls.result import Result, Window
from audits.controls.views import address_of
from changes.drift.actions import note_compared, record
from changes.drift.facts import Found, Place, Rule
from changes.drift.models import Compared, DriftCase
from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from changes.inventory.reconciling import digest_for, end_of_month, first_of, lines, sign
from tests.changes.people import who

pytestmark = pytest.mark.django_db
AT = datetime(2026, 8, 20, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def window(since, until):
    return Window(AT + since * DAY, AT + until * DAY)


def told(result):
    return result.population, [(item.subject, item.sentence) for item in result.deviations]


def test_drift_counts_in_each_window_in_which_it_was_live_and_an_app_that_cannot_be_compared_too():
    assert machines_as_in_git(window(0, 30)) == Result(0)
    place = Place(Rule.ENV, "fly", "web", "production")
    for day in (0, 20):
        note_compared(source="fly", subject="web", at=AT + day * DAY)
        note_compared(source="fly", subject="api", at=AT + day * DAY, problem="No commit.")
    record(looked_at=[place], found=[Found(place, ("Only in Fly: X",))], at=AT + 2 * DAY)
    record(looked_at=[place], found=[], at=AT + 5 * DAY)

    blind = ("api", "It could not be compared. No commit.")
    assert told(machines_as_in_git(window(0, 3))) == (2, [("Names of variables of web", "Only in Fly: X"), blind])
    assert told(machines_as_in_git(window(5, 9)))[1][0][0] == "Names of variables of web"
    assert told(machines_as_in_git(window(6, 9))) == (2, [blind])
    assert machines_as_in_git(window(-9, 0)) == machines_as_in_git(window(21, 30)) == Result(0)
    assert address_of(machines_as_in_git(window(0, 3)).deviations[0].ref) == f"/drift/{DriftCase.objects.get().pk}/"


@pytest.mark.parametrize(
    ("check", "rule", "beside"),
    [
        (staging_mirrors_production, Rule.PARITY, Compared.With.PRODUCTION),
        (secrets_from_doppler, Rule.SECRETS, Compared.With.DOPPLER),
        (environments_apart, Rule.SEPARATION, Compared.With.ENVIRONMENTS),
    ],
)
def test_each_rule_proves_its_own_clause(check, rule, beside):
    place, other = Place(rule, "fly", "a and b"), Place(Rule.SIZE, "fly", "a")
    note_compared(source="fly", subject="a and b", beside=beside, at=AT)
    record(looked_at=[place, other], found=[Found(place, ("x",)), Found(other, ("y",))], at=AT)

    assert told(check(window(-1, 1))) == (1, [(f"{rule.label} of a and b", "x")])


def test_months_are_counted_from_the_first_reading_on_and_late_or_unsigned_ones_deviate():
    assert inventory_reconciled(window(0, 99)) == Result(0)
    observe(source="fly", kinds={"fly.app"}, seen=[Seen("fly.app", "web", "web")], at=AT)
    months = [first_of(AT.date()), first_of((AT + 30 * DAY).date())]
    for month, days in zip(months, (3, 30), strict=True):
        at = end_of_month(month) + days * DAY
        seen = digest_for(month=month, compared=lines(at=end_of_month(month)))
        sign(month=month, note="Fly was away.", seen=seen, by=who("Mia"), authenticated_at=at, at=at)

    assert inventory_reconciled(window(-60, 5)) == Result(0)
    assert told(inventory_reconciled(window(0, 15))) == (1, [("August 2026", "1 of its numbers do not agree. Fly was away.")])
    assert told(inventory_reconciled(window(20, 90))) == (
        2,
        [
            ("September 2026", "1 of its numbers do not agree. Fly was away."),
            ("September 2026", "It was signed late."),
            ("October 2026", "It is not signed."),
        ],
    )
