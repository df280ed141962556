"""Cases of drift: found, answered, found anew when it is another difference, and closed by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from changes.drift.actions import answer, note_compared, record
from changes.drift.facts import Found, Place, Rule
from changes.drift.models import Compared, DriftCase, DriftState, DriftStep
from portal.ledger.queries import entries_about
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from tests.changes.people import who

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PLACE = Place(Rule.ENV, "fly", "web", "production")


def find(*words, at=AT):
    return record(looked_at=[PLACE], found=[Found(PLACE, words, "fly.toml at 1111111")] if words else [], at=at)


def answered(case, state=DriftState.ACCEPTED, *, at=AT, **given):
    until = at + 7 * DAY if state == DriftState.ACCEPTED else None
    return answer(**{"case": case, "state": state, "note": "Known.", "seen": case.digest, "by": who("Bob"), "at": at}
                  | {"until": until} | given)  # fmt: skip


def steps(case):
    return list(case.steps.order_by("id").values_list("state", flat=True))


def test_a_difference_opens_a_case_stays_one_and_closes_by_itself():
    (case,) = find("Only in Fly: DEBUG")
    assert find("Only in Fly: DEBUG", at=AT + DAY) == []
    case.refresh_from_db()
    assert (case.state, case.seen_at, PLACE.rule.clause) == ("open", AT + DAY, Clause.INFRASTRUCTURE_AS_CODE)
    assert [row.pk for row in find("Only in Fly: X", at=AT + 2 * DAY)] == [case.pk]

    assert [row.state for row in find(at=AT + 3 * DAY)] == ["matches"]
    assert find(at=AT + 4 * DAY) == []
    (again,) = find("Only in Fly: X", at=AT + 5 * DAY)

    assert (again.pk != case.pk, steps(case), DriftCase.objects.count()) == (True, ["open", "open", "matches"], 2)
    assert [entry.kind for entry in entries_about(stream=f"drift:{case.pk}")] == ["drift.closed", "drift.opened", "drift.opened"]
    with pytest.raises(DatabaseError, match=r"no permitted move|drift_live_once"), transaction.atomic():
        DriftCase.objects.filter(pk=case.pk).update(state="explained")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        DriftStep.objects.update(note="x")


def test_an_answer_holds_until_it_is_another_difference_or_its_day_is_over():
    (case,) = find("a")
    assert answered(case, DriftState.CHANGE_GIT).state == "change_git"
    assert find("a", at=AT + DAY) == []
    (case,) = find("b", at=AT + 2 * DAY)
    assert case.state == "open"

    accepted = answered(case, at=AT + 2 * DAY)
    assert (accepted.state, accepted.until) == ("accepted", AT + 9 * DAY)
    assert find("b", at=AT + 8 * DAY) == []
    (late,) = find("b", at=AT + 9 * DAY)
    assert (late.state, late.until) == ("open", None)
    answered(late, at=AT + 9 * DAY)
    assert [row.until for row in find(at=AT + 10 * DAY)] == [None]


def test_an_answer_is_refused_in_words():
    (case,) = find("a")
    for state, given, words in (
        (DriftState.EXPLAINED, {"by": who("Ann")}, "may not settle"),
        (DriftState.OPEN, {}, "no answer"),
        (DriftState.EXPLAINED, {"note": " "}, "needs a sentence"),
        (DriftState.ACCEPTED, {"until": None}, "within a year"),
        (DriftState.ACCEPTED, {"until": AT + 400 * DAY}, "within a year"),
    ):
        with pytest.raises(Refused, match=words):
            answered(case, state, **given)
    with pytest.raises(Stale):
        answered(case, seen="x")
    find(at=AT + DAY)
    with pytest.raises(Stale):
        answered(case)


def test_when_an_app_was_compared_is_kept_once():
    note_compared(source="fly", subject="web", at=AT, problem="No commit.")
    note_compared(source="fly", subject="web", at=AT + DAY, basis="fly.toml")

    row = Compared.objects.get()
    assert (row.at, row.basis, row.problem) == (AT + DAY, "fly.toml", "")
    clauses = {Clause.INFRASTRUCTURE_AS_CODE, Clause.STAGING_MIRRORS, Clause.ENVIRONMENTS_APART, Clause.SECRETS_FROM_DOPPLER}
    assert {rule.clause for rule in Rule} == clauses
