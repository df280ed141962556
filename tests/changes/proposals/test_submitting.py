"""A proposal from the form: sent twice it is one, two people at once are told, answers and classes stay on record."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connections

from changes.gates.queries import facts_of
from changes.proposals import actions, submitting
from changes.proposals.models import Approval, ApprovalLapse, Change, Revision
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused
from tests.changes.people import person
from tests.changes.proposals.test_actions import approve, pull
from tests.changes.proposals.test_actions import repository as repository  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
GIVEN = {"title": "Split the queue", "why": "jobs wait", "rollback": "redeploy", "category": "standard", "size": "normal"}
LOSES = {"answer_data": "loses", "answer_reach": "all"}


@pytest.fixture
def ann():
    return person("Ann")


def sent(by, key=None, ready=True, **more):
    return submitting.submit(given={**GIVEN, **more}, by=by, ready=ready, at=AT, form_key=key)


def edited(change, by, key=None, seen=None, **more):
    return submitting.resubmit(change=change, given={**GIVEN, **more}, by=by, at=AT, form_key=key, seen=seen)


def test_a_form_sent_twice_is_one_change(ann):
    key = uuid4()

    assert sent(ann, key) == sent(ann, key)
    assert (Change.objects.count(), Revision.objects.count()) == (1, 1)


def test_a_form_sent_eight_times_at_once_is_one_change(ann):
    key = uuid4()

    def post(_):
        try:
            return sent(ann, key).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(post, range(8)))

    assert len(found) == Change.objects.count() == 1
    assert [entry.kind for entry in entries_about(stream="change:1001")] == ["change.propose", "change.opened"]


def test_a_form_sent_again_with_another_text_is_told_what_it_became(ann):
    key = uuid4()
    change = sent(ann, key)

    with pytest.raises(submitting.SentBefore) as told:
        sent(ann, key, why="jobs wait for hours")

    assert told.value.revision == change.revisions.get()
    assert Change.objects.count() == 1


def test_an_edit_sent_twice_is_one_revision(ann):
    change, key = sent(ann), uuid4()

    assert edited(change, ann, key, seen=1, what="two queues") == edited(change, ann, key, seen=1, what="two queues")
    with pytest.raises(submitting.SentBefore):
        edited(change, ann, key, seen=1, what="three queues")

    assert change.revisions.count() == 2


def test_whoever_edits_an_older_revision_is_told_what_stands(ann):
    change = sent(ann)
    edited(change, person("Dev"), seen=1, what="two queues")

    with pytest.raises(submitting.Overtaken) as told:
        edited(change, ann, seen=1, what="three queues")

    assert (told.value.present.number, told.value.present.what) == (2, "two queues")


def test_answers_stay_on_record_and_make_a_change_large_and_risky(ann):
    change = sent(ann, kind="database", **LOSES)

    assert change.reasons["asked"]["answers"] == {"data": "loses", "reach": "all"}
    assert (change.kind, change.size, change.risk_level) == ("database", "large", "medium")
    assert change.risk["points"] == change.risk_points == 8


def test_other_answers_are_an_entry_and_class_the_change_anew(ann):
    change = sent(ann)

    edited(change, ann, **LOSES)

    change.refresh_from_db()
    assert (change.size, change.risk_level) == ("large", "medium")
    entries = entries_about(stream=f"change:{change.number}")
    assert [entry.kind for entry in entries][:2] == ["change.classified", "change.answered"]
    assert entries[1].fact["now"]["answers"] == {"data": "loses", "reach": "all"}
    assert change.revisions.count() == 1


def test_a_class_that_was_asked_for_is_not_lowered_by_an_edit_once_it_is_up_for_review(ann):
    draft, open_one = sent(ann, size="large", ready=False), sent(ann, size="large")

    edited(draft, ann)
    draft.refresh_from_db()
    assert draft.size == "normal"
    with pytest.raises(Refused, match="is not lowered by an edit"):
        edited(open_one, ann)
    assert edited(open_one, ann, size="large", kind="access").number == 1


def approved(ann, repository, **more):
    change = sent(ann, **more)
    actions.link(change=change, pull_request=pull(repository), role="work", reason="test", actor="portal", at=AT)
    approve(change, person("Bob"))
    change.refresh_from_db()
    return change


def test_a_slip_leaves_the_approval_standing(ann, repository):
    change = approved(ann, repository, why="jobs wiat")

    revision = edited(change, ann, why="jobs wait")

    first = change.revisions.get(number=1)
    assert (revision.material, revision.binds) == (False, first.digest)
    assert revision.digest != first.digest
    assert change.state == "approved"
    assert not ApprovalLapse.objects.exists()
    assert entries_about(stream=f"change:{change.number}")[0].fact["material"] is False
    facts = facts_of(change, at=AT)
    assert facts.revision_digest == facts.approvals[0].revision_digest == first.digest


def test_many_slips_do_not_add_up_to_another_text(ann, repository):
    change = approved(ann, repository, why="one two three four five sixth seven eight nine")

    first = edited(change, ann, why="onne twoo threee fourr fivee sixth seven eight nine")
    second = edited(change, ann, why="onne twoo threee fourr fivee sixthh seven eight nine")

    assert (first.material, second.material) == (False, True)
    assert second.binds == second.digest
    change.refresh_from_db()
    assert change.state == "proposed"
    assert "More than 5 words differ" in ApprovalLapse.objects.get().reason


def test_going_back_to_the_approved_text_keeps_binding_to_it(ann, repository):
    change = approved(ann, repository, why="jobs wiat")
    edited(change, ann, why="jobs wait")

    back = edited(change, ann, why="jobs wiat")

    assert (back.number, back.material) == (3, False)
    assert back.binds == back.digest == change.revisions.get(number=1).digest
    assert Approval.objects.filter(lapse=None).count() == 1
