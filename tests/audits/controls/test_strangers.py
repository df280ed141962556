"""A contributor known by a mail address alone may be who approved: no control passes such a change, until the account is linked."""

import pytest
from django.db import transaction

from audits.controls.result import RowState
from audits.controls.rows import READERS
from portal.access.scope import EVERYTHING
from portal.ledger.actions import append
from tests.audits.controls.test_checks import AT, WINDOW, change, linked, pull_request, web

pytestmark = pytest.mark.django_db
__all__ = ["change", "pull_request", "web"]
SELF = "Approved only by Eve, who contributed to it."
UNTOLD = "Not connected: commits by eve@nowhere.example belong to no known account."
PEOPLE = {"review": 4, "approval": 8}


def gates(state, reason):
    return [{"number": number, "code": code, "state": state, "reason": reason} for code, number in PEOPLE.items()]


def frozen(row):
    """The verdict at the merge: the two gates that compare people could not tell, and one more is not connected to anything."""
    told = [*gates("not_connected", UNTOLD), {"number": 9, "code": "merge", "state": "not_connected", "reason": "No list is kept."}]
    with transaction.atomic():
        verdict = row.verdicts.model.objects.create(
            change=row,
            moment="merge",
            subject="m",
            outcome="unproven",
            gates=told,
            facts={},
            facts_digest="",
            rules_version="1",
            policy_version="1",
            at=AT,
        )
        append(stream=f"change:{row.number}", kind="verdict.merge", actor="portal", fact={}, rows=[verdict])
    return row


@pytest.mark.parametrize(
    ("now", "state", "sentence"),
    [
        (None, RowState.UNKNOWN, UNTOLD),
        (gates("not_connected", UNTOLD), RowState.UNKNOWN, UNTOLD),
        (gates("failed", SELF), RowState.DEVIATES, SELF),
        (gates("met", "Approved by Bob."), RowState.PASSED, ""),
    ],
)
def test_what_could_not_be_told_at_the_merge_is_unknown_until_somebody_can_tell(change, now, state, sentence):
    row = frozen(change(assessment=now))

    for name in ("production_approved", "verdicts_compliant"):
        [found] = READERS[name](WINDOW, EVERYTHING)
        assert (found.key, found.state, found.sentence) == (str(row), state, sentence)


def test_merges_of_strangers_are_unknown_and_those_of_others_pass(change, pull_request):
    for number, state in enumerate(("not_connected", "met"), start=1):
        linked(change(assessment=gates(state, UNTOLD)), pull_request(number))
    pull_request(3)

    for name in ("merges_reviewed", "main_reviewed_and_green"):
        found = [(row.key, row.state, row.sentence) for row in READERS[name](WINDOW, EVERYTHING)]
        assert found == [
            ("acme/web#1", RowState.UNKNOWN, UNTOLD),
            ("acme/web#2", RowState.PASSED, ""),
            ("acme/web#3", RowState.PASSED, ""),
        ]


def test_a_declared_emergency_is_judged_by_its_retrospective_and_not_by_the_approval_before(change):
    frozen(change(category="emergency", assessment=gates("not_connected", UNTOLD)))

    assert [row.state for row in READERS["production_approved"](WINDOW, EVERYTHING)] == [RowState.PASSED]
