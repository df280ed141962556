"""P-28: everybody of the roster, against what was signed too late or not at all."""

import pytest

from audits.controls.result import Window
from audits.populations.facts import Asked
from audits.populations.kinds import KINDS
from audits.populations.sheet import count_at_source
from portal.access.scope import EVERYTHING
from tests.audits.controls.independent import counted
from tests.audits.controls.reading import Result, run_over
from tests.changes.entitlements.world import held, take
from tests.changes.people import linked, person
from tests.changes.training.world import AT, DAY, publish, trained

pytestmark = pytest.mark.django_db


def run(since, until):
    return run_over("people_trained", Window(AT + since * DAY, AT + until * DAY))


def test_the_whole_roster_is_looked_at_and_late_ones_deviate_with_how_late():
    mia, ann, bob = person("Mia"), person("Ann"), person("Bob")
    person("Uma")
    assert run(-9, 0) == Result(0)
    course = publish(by=mia, at=AT)
    trained(course, by=mia, at=AT + DAY)
    trained(course, by=bob, at=AT + 33 * DAY)

    assert run(0, 30) == Result(3)
    found = run(30, 40)
    later = run(34, 50)

    assert found.population == 3
    assert [(item.subject, item.sentence) for item in found.deviations] == [
        (f"Ann ({ann.pk})", "Policy 1 was due on 2026-04-01; not signed yet, 10 days late."),
        (f"Bob ({bob.pk})", "Policy 1 was due on 2026-04-01; signed 2026-04-04, 3 days late."),
    ]
    assert [item.ref for item in later.deviations] == [f"person:{ann.pk}"]


def test_who_holds_a_right_at_a_vendor_without_a_role_is_in_the_roster_and_an_auditor_is_not():
    mia, carl, uma = person("Mia"), person("Carl"), person("Uma")
    for uid, user in enumerate((carl, uma), start=1):
        linked(user, uid, user.name)
    take(held("carl", account_id="1"), held("uma", account_id="2"), at=AT)
    publish(by=mia, at=AT)

    window, at = Window(AT, AT + 40 * DAY), AT + 40 * DAY
    asked = Asked(since=window.since, until=window.until, scope=EVERYTHING, at=at)
    emails = {row["email"] for row in KINDS["training"].read(asked)}

    assert emails == {mia.email, carl.email}
    assert count_at_source(KINDS["training"], asked) == 2
    assert (run(0, 40).population, len(run(0, 40).deviations)) == counted("C-28", window) == (2, 2)
