"""What is done to a change: each step with its entry, each refusal in words, nothing half done."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from changes.delivery.models import PullRequest, Repository
from changes.proposals import actions, queries, submitting
from changes.proposals.models import Approval, ApprovalLapse, Change, ReviewAfter, SignOff
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import staged
from tests.changes.people import linked, person
from tests.database import cover

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
TEXTS = {"title": "Split the queue", "why": "slow", "what": "", "tested": "", "rollback": "redeploy", "snapshot": ""}
GIVEN = {**TEXTS, "category": "standard", "size": "normal"}


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=AT)


@pytest.fixture
def waiting(ann, repository):
    """A change in review with one open pull request."""
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=AT)
    actions.link(change=change, pull_request=pull(repository), role="work", reason="test", actor="portal", at=AT)
    return change


def pull(repository, number=1, **more):
    values = {
        "title": "x",
        "state": "open",
        "head_ref": "f",
        "head_sha": f"{number:040x}",
        "base_ref": "main",
        "reported_at": AT,
        "touched_at": AT,
        "opened_at": AT,
    }
    return PullRequest.objects.create(repository=repository, number=number, **{**values, **more})


def kinds(change):
    return [entry.kind for entry in reversed(entries_about(stream=f"change:{change.number}"))]


def approve(change, by, verdict="yes", **more):
    return actions.approve(change=change, by=by, verdict=verdict, note="", at=AT, **{"authenticated_at": AT, **more})


def test_numbers_are_given_one_by_one(ann):
    numbers = [submitting.submit(given=GIVEN, by=ann, ready=False, at=AT).number for _ in range(3)]

    assert numbers == [1001, 1002, 1003]


def test_the_same_text_is_no_new_revision(waiting, ann):
    submitting.resubmit(change=waiting, given=GIVEN, by=ann, at=AT)

    assert waiting.revisions.count() == 1


def test_an_edit_is_a_revision_and_lapses_the_approval(waiting, ann, bob):
    approve(waiting, bob)

    submitting.resubmit(change=waiting, given={**GIVEN, "why": "very slow"}, by=ann, at=AT)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.title, waiting.revisions.count()) == ("proposed", "Split the queue", 2)
    assert ApprovalLapse.objects.get().reason == (
        "the proposal was edited: revision 2. “very” was added under “Why”, which is more than a slip of the pen."
    )
    assert kinds(waiting)[-3:] == ["change.revised", "approval.lapsed", "change.lapse"]


def test_a_large_size_or_an_emergency_that_was_asked_for_stays_on_record(ann):
    change = submitting.submit(given={**GIVEN, "category": "emergency", "size": "large"}, by=ann, ready=True, at=AT)

    assert (change.category, change.size) == ("emergency", "large")
    assert change.reasons["asked"] == {"category": "emergency", "size": "large"}


def test_only_those_who_may_declare_an_emergency(ann):
    mia = person("Mia")
    with pytest.raises(Refused, match="P-21"):
        submitting.submit(given={**GIVEN, "category": "emergency"}, by=mia, ready=True, at=AT)
    assert not Change.objects.exists()


def test_others_do_not_edit_a_proposal_and_the_architecture_team_does(waiting, bob):
    with pytest.raises(Refused, match="P-19"):
        submitting.resubmit(change=waiting, given=GIVEN, by=bob, at=AT)

    submitting.resubmit(change=waiting, given={**GIVEN, "what": "two queues"}, by=person("Dev"), at=AT)
    assert waiting.revisions.count() == 2


def test_the_text_of_a_pull_request_is_edited_there(ann):
    change = actions.open_change(texts=TEXTS, source="pull_request", at=AT, by=ann, actor="portal")
    with pytest.raises(Refused, match="P-02"):
        submitting.resubmit(change=change, given=GIVEN, by=ann, at=AT)


def test_a_withdrawn_change_keeps_its_text(waiting, ann):
    actions.press(change=waiting, verb="withdraw", by=ann, at=AT)
    with pytest.raises(Stale):
        submitting.resubmit(change=waiting, given=GIVEN, by=ann, at=AT)


def test_moves_that_are_not_in_the_table_are_refused(waiting, ann):
    with pytest.raises(Stale, match="cannot release"):
        actions.move(change=waiting, verb="release", actor="portal", at=AT)
    for verb in ("approve", "merge", "nonsense"):
        with pytest.raises(Stale):
            actions.press(change=waiting, verb=verb, by=ann, at=AT)


def test_only_the_requester_or_the_architecture_team_presses(waiting, ann, bob):
    with pytest.raises(Refused):
        actions.press(change=waiting, verb="withdraw", by=bob, at=AT)

    actions.press(change=waiting, verb="withdraw", by=ann, at=AT)
    actions.press(change=waiting, verb="reopen", by=person("Cleo"), at=AT)
    waiting.refresh_from_db()
    assert waiting.state == "proposed"


def test_a_no_takes_an_approved_change_back_to_review(waiting, bob):
    approve(waiting, bob)
    approve(waiting, person("Cleo"), "no")

    waiting.refresh_from_db()
    assert waiting.state == "proposed"
    assert kinds(waiting)[-2:] == ["approval.refused", "change.lapse"]


def test_a_word_is_given_once_for_one_revision_and_commit(waiting, bob):
    approve(waiting, bob)
    with pytest.raises(Stale, match="already"):
        approve(waiting, bob)


def test_a_no_on_a_waiting_change_leaves_it_waiting(waiting, bob):
    approve(waiting, bob, "no")

    waiting.refresh_from_db()
    assert waiting.state == "proposed"


def test_a_second_yes_changes_nothing_more(waiting, bob):
    approve(waiting, bob)
    approve(waiting, person("Cleo"))

    assert kinds(waiting).count("change.approve") == 1


@pytest.mark.parametrize("stale", [None, AT - timedelta(minutes=6)])
def test_an_approval_needs_a_fresh_sign_in(waiting, bob, stale):
    with pytest.raises(Refused):
        approve(waiting, bob, authenticated_at=stale)


def test_nothing_is_approved_without_a_commit(ann, bob):
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=AT)
    with pytest.raises(Refused):
        approve(change, bob)


def test_a_contributor_by_a_linked_account_does_not_approve(ann, repository, bob):
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=AT)
    row = pull(repository, author_uid=77, author_login="bobby")
    actions.link(change=change, pull_request=row, role="work", reason="test", actor="portal", at=AT)
    linked(bob, 77)
    with pytest.raises(Refused):
        approve(change, bob)


def test_one_takes_back_only_ones_own_approval_and_only_before_the_merge(waiting, bob):
    approval = approve(waiting, bob)
    with pytest.raises(Refused, match="Only the person"):
        actions.withdraw_approval(approval=approval, by=person("Cleo"), at=AT)
    actions.withdraw_approval(approval=approval, by=bob, at=AT)
    with pytest.raises(Stale):
        actions.withdraw_approval(approval=approval, by=bob, at=AT)

    Change.objects.filter(pk=waiting.pk).update(merged_at=AT)
    with pytest.raises(Refused, match="merged"):
        actions.withdraw_approval(approval=approval, by=bob, at=AT)
    assert Approval.objects.count() == ApprovalLapse.objects.count() == 1


def test_a_sign_off_is_given_once_for_one_commit(waiting, ann):
    staged(PullRequest.objects.get())
    values = {"commit_sha": f"{1:040x}", "by": ann, "note": "works", "at": AT}
    actions.sign_off(change=waiting, **values)
    with pytest.raises(Stale, match="already"):
        actions.sign_off(change=waiting, **values)
    with pytest.raises(Refused, match="has not been released to staging"):
        actions.sign_off(change=waiting, **{**values, "commit_sha": "a" * 40})

    assert SignOff.objects.count() == 1


def test_the_review_afterwards_is_written_once_and_after_the_merge(waiting, bob):
    values = {"kind": "post_implementation", "outcome": "went_well", "note": "", "by": bob, "at": AT}
    with pytest.raises(Refused):
        actions.review_after(change=waiting, **values)
    actions.move(change=waiting, verb="merge", actor="portal", at=AT)

    actions.review_after(change=waiting, **values)
    with pytest.raises(Stale):
        actions.review_after(change=waiting, **values)
    assert ReviewAfter.objects.count() == 1


def test_linking_twice_is_one_link(waiting, repository):
    row = PullRequest.objects.get()

    assert not actions.link(change=waiting, pull_request=row, role="work", reason="again", actor="portal", at=AT)
    assert waiting.repository_names == ["acme/web"]


def test_classes_are_written_when_they_change_and_only_then(waiting):
    same = {"category": "standard", "size": "normal", "kind": "application", "reasons": waiting.reasons}

    assert not actions.classify(change=waiting, values=same, actor="portal", at=AT)
    assert not actions.classify(change=waiting, values={**same, "reasons": {"kind": ["x"]}}, actor="portal", at=AT)
    assert actions.classify(change=waiting, values={**same, "kind": "database"}, actor="portal", at=AT)
    assert actions.classify(change=waiting, values={**same, "category": "emergency"}, actor="portal", at=AT)
    assert kinds(waiting)[-2:] == ["change.classified", "change.emergency_declared"]


def test_the_person_behind_an_account_is_named_with_an_entry(ann):
    change = actions.open_change(texts=TEXTS, source="pull_request", at=AT, by_login="ann", actor="portal")

    actions.name_requester(change=change, person=ann, actor="portal", at=AT)

    change.refresh_from_db()
    assert (change.requester, kinds(change)[-1]) == (ann, "change.requester_named")


def test_a_change_without_text_is_told_apart(ann):
    change = submitting.submit(given=GIVEN, by=ann, ready=False, at=AT)
    assert queries.current_revision(change).number == 1
    with transaction.atomic():
        bare = Change.objects.create(number=9, title="x", opened_at=AT, moved_at=AT)
        cover(bare)
    with pytest.raises(Stale, match="no text"):
        queries.current_revision(bare)


def test_a_failed_entry_rolls_the_change_back(ann, monkeypatch):
    monkeypatch.setattr(actions, "append", lambda **_: connection.cursor().execute("SELECT 1/0"))
    with pytest.raises(Exception, match="division"):
        submitting.submit(given=GIVEN, by=ann, ready=True, at=AT)
    assert not Change.objects.exists()
