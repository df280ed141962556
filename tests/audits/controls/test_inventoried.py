"""P-07, P-10, P-13, P-15 and P-23 over a window: what was compared, what differed then, which months were signed in time."""

from datetime import UTC, datetime, timedelta

import pytest

from audits.controls.result import Window
from audits.controls.rows import READERS
from audits.controls.showing import address_of
from changes.drift.actions import note_compared, record
from changes.drift.facts import Found, Place, Rule
from changes.drift.models import Compared, DriftCase
from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from changes.inventory.reconciling import digest_for, end_of_month, first_of, lines, sign
from portal.access.scope import EVERYTHING
from tests.audits.controls.reading import run_over
from tests.changes.people import who

pytestmark = pytest.mark.django_db
AT = datetime(2026, 8, 20, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def window(since, until):
    return Window(AT + since * DAY, AT + until * DAY)


def told(name, period):
    """How many rows, those that did not pass with their state, and the sentences."""
    assert run_over(name, period)
    rows = list(READERS[name](period, EVERYTHING))
    return len(rows), [(row.key, row.state.value, row.sentence) for row in rows if not row.passed]


def test_drift_counts_in_each_window_in_which_it_was_live_and_an_app_that_cannot_be_compared_too():
    assert told("machines_as_in_git", window(0, 30)) == (0, [])
    place = Place(Rule.ENV, "fly", "web", "production")
    for day in (0, 20):
        note_compared(source="fly", subject="web", at=AT + day * DAY)
        note_compared(source="fly", subject="api", at=AT + day * DAY, problem="No commit.")
    record(looked_at=[place], found=[Found(place, ("Only in Fly: X",))], at=AT + 2 * DAY)
    record(looked_at=[place], found=[], at=AT + 5 * DAY)

    blind = ("fly api", "unknown", "It could not be compared. No commit.")
    differs = ("fly web", "deviates", "Names of variables: Only in Fly: X.")
    assert told("machines_as_in_git", window(0, 3)) == (2, [blind, differs])
    assert told("machines_as_in_git", window(5, 9)) == (2, [blind, differs])
    assert told("machines_as_in_git", window(6, 9)) == (2, [blind])
    assert told("machines_as_in_git", window(-9, 0)) == told("machines_as_in_git", window(21, 30)) == (0, [])
    found = run_over("machines_as_in_git", window(0, 3)).deviations
    assert address_of(found[0].ref) == f"/drift/{DriftCase.objects.get().pk}/"


@pytest.mark.parametrize(
    ("check", "rule", "beside"),
    [
        ("staging_mirrors_production", Rule.PARITY, Compared.With.PRODUCTION),
        ("secrets_from_doppler", Rule.SECRETS, Compared.With.DOPPLER),
        ("environments_apart", Rule.SEPARATION, Compared.With.ENVIRONMENTS),
    ],
)
def test_each_rule_proves_its_own_clause(check, rule, beside):
    place, other = Place(rule, "fly", "a and b"), Place(Rule.SIZE, "fly", "a")
    note_compared(source="fly", subject="a and b", beside=beside, at=AT)
    record(looked_at=[place, other], found=[Found(place, ("x",)), Found(other, ("y",))], at=AT)

    assert told(check, window(-1, 1)) == (1, [("fly a and b", "deviates", f"{rule.label}: x.")])
    elsewhere = Place(rule, "fly", "an organisation")
    record(looked_at=[elsewhere], found=[Found(elsewhere, ("in two",))], at=AT)
    case = DriftCase.objects.get(subject="an organisation")
    assert told(check, window(-1, 1))[1][1] == (f"drift {case.pk} {case.key}", "deviates", f"{rule.label}: in two.")


def test_months_are_counted_from_the_first_reading_on_and_late_or_unsigned_ones_deviate():
    assert told("inventory_reconciled", window(0, 99)) == (0, [])
    observe(source="fly", kinds={"fly.app"}, seen=[Seen("fly.app", "web", "web")], at=AT)
    months = [first_of(AT.date()), first_of((AT + 30 * DAY).date())]
    for month, days in zip(months, (3, 30), strict=True):
        at = end_of_month(month) + days * DAY
        seen = digest_for(month=month, compared=lines(at=end_of_month(month)))
        sign(month=month, note="Fly was away.", seen=seen, by=who("Mia"), authenticated_at=at, at=at)

    name = "inventory_reconciled"
    differ = "1 of its numbers do not agree. Fly was away."
    assert told(name, window(-60, 21)) == (0, []), "August is to be signed by 10 September"
    assert told(name, window(0, 30)) == (1, [("2026-08", "deviates", differ)])
    assert told(name, window(20, 90)) == (
        3,
        [
            ("2026-08", "deviates", differ),
            ("2026-09", "deviates", f"{differ} It was signed late."),
            ("2026-10", "deviates", "It is not signed."),
        ],
    )
    assert told(name, window(30, 55)) == (1, [("2026-09", "deviates", "It is not signed.")]), "not known by then"
