"""Conditions of an approval: set with it, done by their owner, confirmed; what the gates say meanwhile."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from changes.approvals import actions
from changes.approvals.models import Condition, ConditionStep
from changes.gates.actions import assess
from changes.proposals import actions as proposals
from changes.proposals.models import Approval
from portal.access.models import User
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import AT, kinds, seen, waiting_change
from tests.changes.people import linked, person
from tests.database import cover

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


@pytest.fixture
def change(ann):
    return waiting_change(ann)


def wanted(owner, **more):
    return actions.Wanted(**{"text": "Watch the queue", "owner": owner, "before": "merge", "due_at": AT + DAY, **more})


def approved(change, bob, *conditions, verdict="yes"):
    values = {"verdict": verdict, "note": "", "seen": seen(change), "authenticated_at": AT, "at": AT}
    return actions.give(change=change, by=bob, conditions=conditions, **values)


def condition_of(change, bob, owner, **more):
    approved(change, bob, wanted(owner, **more))
    return Condition.objects.get()


def gate(change, number=8):
    _, gates = assess(change=change, at=AT + timedelta(hours=1))
    return gates[number - 1]


def test_an_approval_carries_conditions_and_each_is_evidence(change, ann, bob):
    approval = approved(change, bob, wanted(ann), wanted(bob, text=" Tell support ", before="after", to_confirm=True))

    assert [(row.text, row.owner, row.approval, row.to_confirm) for row in Condition.objects.order_by("id")] == [
        ("Watch the queue", ann, approval, False),
        ("Tell support", bob, approval, True),
    ]
    assert kinds(change).count("condition.set") == 2


def test_a_condition_that_cannot_be_takes_the_whole_approval_with_it(change, bob):
    with pytest.raises(Refused, match="Rex does not work with changes"):
        approved(change, bob, wanted(bob), wanted(person("Rex")))
    with pytest.raises(Refused, match="Conditions belong to a yes"):
        approved(change, bob, wanted(bob), verdict="no")

    assert not Approval.objects.exists()
    assert not Condition.objects.exists()


def test_an_open_condition_keeps_the_gate_waiting_and_names_its_owner(change, ann, bob):
    row = condition_of(change, bob, ann)
    change.refresh_from_db()

    assert change.state == "approved"
    found = gate(change)
    assert found.state == "waiting"
    assert "Condition of Bob “Watch the queue” is not done yet" in found.reason
    assert "Ann does it until 2026-11-03 10:00 UTC and says so on the change's page." in found.who

    actions.fulfil(condition=row, note="dashboard is up", by=ann, at=AT)
    assert "is not done" not in gate(change).reason


@pytest.mark.parametrize(("before", "number"), [("merge", 8), ("release", 10)])
def test_each_condition_belongs_to_its_gate(change, ann, bob, before, number):
    condition_of(change, bob, ann, before=before)

    assert "Condition of Bob" in gate(change, number).reason
    for other in {8, 10} - {number}:
        assert "Condition of Bob" not in gate(change, other).reason


def test_only_its_owner_says_that_it_is_done_and_once(change, ann, bob):
    row = condition_of(change, bob, ann)
    with pytest.raises(Refused, match="The condition belongs to Ann"):
        actions.fulfil(condition=row, note="done", by=bob, at=AT)
    with pytest.raises(Refused, match="Say how it was done"):
        actions.fulfil(condition=row, note=" ", by=ann, at=AT)
    actions.fulfil(condition=row, note="done", by=ann, at=AT)
    with pytest.raises(Stale, match="done already"):
        actions.fulfil(condition=row, note="done", by=ann, at=AT)

    assert ConditionStep.objects.get().note == "done"
    assert kinds(change)[-1] == "condition.fulfilled"


def test_who_set_it_confirms_it_or_sends_it_back(change, ann, bob):
    row = condition_of(change, bob, ann, to_confirm=True)
    actions.fulfil(condition=row, note="done", by=ann, at=AT)
    assert "is not confirmed yet" in gate(change).reason
    assert "Bob confirms it on the change's page." in gate(change).who
    with pytest.raises(Refused, match="Say what is missing"):
        actions.confirm(condition=row, kind="sent_back", note="", by=bob, at=AT)

    actions.confirm(condition=row, kind="sent_back", note="no alarm yet", by=bob, at=AT)
    assert "is not done yet" in gate(change).reason
    actions.fulfil(condition=row, note="alarm is there", by=ann, at=AT)
    actions.confirm(condition=row, kind="confirmed", note="", by=bob, at=AT)

    assert kinds(change)[-4:] == ["condition.fulfilled", "condition.sent_back", "condition.fulfilled", "condition.confirmed"]
    assert "is not" not in gate(change).reason.partition("Condition of Bob")[2]


def test_nobody_else_confirms_it_but_a_delegate_may(change, ann, bob):
    row = condition_of(change, bob, ann, to_confirm=True)
    actions.fulfil(condition=row, note="done", by=ann, at=AT)
    dev = person("Dev")
    for other in (dev, ann):
        with pytest.raises(Refused):
            actions.confirm(condition=row, kind="confirmed", note="", by=other, at=AT)
    actions.delegate(absent=bob, to=dev, starts_at=AT, ends_at=AT + DAY, reason="ill", by=person("Cleo"), at=AT)

    assert actions.confirm(condition=row, kind="confirmed", note="", by=dev, at=AT).by == dev


def test_a_delegate_who_took_part_does_not_confirm_it(ann, bob):
    dev = person("Dev")
    linked(dev, 77)
    change = waiting_change(ann, author=(77, "devvy"))
    row = condition_of(change, bob, ann, to_confirm=True)
    actions.fulfil(condition=row, note="done", by=ann, at=AT)
    actions.delegate(absent=bob, to=dev, starts_at=AT, ends_at=AT + DAY, reason="ill", by=bob, at=AT)

    with pytest.raises(Refused, match="Bob set this condition and confirms it"):
        actions.confirm(condition=row, kind="confirmed", note="", by=dev, at=AT)


def test_once_who_set_it_has_left_any_other_approver_confirms_it(change, ann, bob):
    row = condition_of(change, bob, ann, to_confirm=True)
    actions.fulfil(condition=row, note="done", by=ann, at=AT)
    User.objects.filter(pk=bob.pk).update(is_active=False)

    assert actions.confirm(condition=row, kind="confirmed", note="", by=person("Cleo"), at=AT)


def test_a_condition_goes_with_its_approval(change, ann, bob):
    row = condition_of(change, bob, ann)
    proposals.lapse_approvals(change=change, reason="a new push", at=AT)

    with pytest.raises(Stale, match="no longer counts"):
        actions.fulfil(condition=row, note="done", by=ann, at=AT)
    assert "Condition of Bob" not in gate(change).reason


def test_a_decision_without_an_approval_can_have_conditions_too(change, ann, bob):
    row = actions.set_condition(change=change, approval=None, wanted=wanted(ann), by=bob, at=AT)

    assert "Condition of Bob “Watch the queue” is not done yet" in gate(change).reason
    assert actions.fulfil(condition=row, note="done", by=ann, at=AT)


def test_the_database_lets_only_the_owner_fulfil_and_never_the_owner_confirm(change, ann, bob):
    row = condition_of(change, bob, ann, to_confirm=True)
    for kind, by in (("fulfilled", bob), ("confirmed", ann), ("sent_back", ann)):
        with pytest.raises(IntegrityError, match="the owner of a condition"), transaction.atomic():
            cover(ConditionStep.objects.create(condition=row, kind=kind, note="x", by=by, at=AT))


def test_a_condition_that_is_not_there_is_stale(change, ann, bob):
    row = condition_of(change, bob, ann)
    row.pk = 0

    with pytest.raises(Stale, match="no such condition"):
        actions.fulfil(condition=row, note="done", by=ann, at=AT)
