"""Nobody approves their own change, whoever writes the row: decided in the database, under a lock on the change."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from changes.delivery.models import PullRequest, Repository
from changes.proposals.models import Approval, LinkedPullRequest
from portal.access.models import Identity
from tests.database import cover
from tests.pace import SHARED
from tests.portal.ledger.conftest import AT, refused

pytestmark = pytest.mark.django_db


def approve(change, by, verdict="yes"):
    approval = Approval.objects.create(
        change=change, revision=change.revisions.get(), head_sha="abc", by=by, verdict=verdict, authenticated_at=AT, at=AT
    )
    cover(approval)
    return approval


@pytest.fixture
def identity():
    def make(user, uid, provider="github", ended_at=None):
        with transaction.atomic():
            made = Identity.objects.create(
                provider=provider, uid=uid, login="x", user=user, linked_by="portal", linked_at=AT, ended_at=ended_at
            )
            cover(made)
        return made

    return make


@pytest.fixture
def pull_request():
    def make(change, role="work", number=1, author_uid=None, people=()):
        repository, _ = Repository.objects.get_or_create(name="acme/web", defaults={"in_scope_from": AT})
        made = PullRequest.objects.create(
            repository=repository,
            number=number,
            title="x",
            state="open",
            head_ref="work",
            head_sha="abc",
            base_ref="main",
            author_uid=author_uid,
            commit_people=[{"uid": uid, "login": "x", "name": "", "email": "", "role": "author"} for uid in people],
            reported_at=AT,
            touched_at=AT,
        )
        with transaction.atomic():
            cover(LinkedPullRequest.objects.create(change=change, pull_request=made, role=role, reason="x", at=AT))
        return made

    return make


def test_somebody_else_approves(opened, person, identity, pull_request):
    ann, bob = person("Ann"), person("Bob")
    change = opened(requester=ann)
    identity(bob, "2")
    pull_request(change, author_uid=1, people=[1, None])

    approve(change, bob)

    assert Approval.objects.count() == 1


@pytest.mark.parametrize("verdict", ["yes", "no"])
def test_the_requester_does_not(opened, person, verdict):
    ann = person()
    change = opened(requester=ann)
    with refused("the requester cannot approve"):
        approve(change, ann, verdict)


@pytest.mark.parametrize(
    ("role", "author", "people"),
    [("work", 1, []), ("work", 9, [9, 1]), ("work", None, [None, 1]), ("promotion", 1, [])],
)
def test_a_contributor_does_not(opened, person, identity, pull_request, role, author, people):
    ann = person()
    change = opened()
    identity(ann, "1")
    pull_request(change, role=role, author_uid=author, people=people)
    with refused("a contributor cannot approve"):
        approve(change, ann)


def test_whose_work_a_promotion_only_carries_is_asked_at_that_work(opened, person, identity, pull_request):
    ann = person()
    change = opened()
    identity(ann, "1")
    pull_request(change, role="promotion", author_uid=9, people=[9, 1])

    approve(change, ann)

    assert Approval.objects.count() == 1


def test_an_unlinked_account_still_counts(opened, person, identity, pull_request):
    ann = person()
    change = opened()
    identity(ann, "1", ended_at=AT)
    pull_request(change, author_uid=1)
    with refused("a contributor cannot approve"):
        approve(change, ann)


def test_a_contributor_to_a_back_merge_does(opened, person, identity, pull_request):
    ann = person()
    change = opened()
    identity(ann, "1")
    pull_request(change, role="back_merge", author_uid=1)

    approve(change, ann)


def test_the_same_number_at_another_vendor_is_another_account(opened, person, identity, pull_request):
    ann = person()
    change = opened()
    identity(ann, "1", provider="slack")
    pull_request(change, author_uid=1)

    approve(change, ann)


def test_the_refusal_is_named_for_the_action(opened, person):
    ann = person()
    change = opened(requester=ann)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        approve(change, ann)

    assert refusal.value.__cause__.diag.constraint_name == "approver_is_somebody_else"


@pytest.mark.django_db(transaction=True)
def test_an_approval_under_a_frozen_snapshot_is_refused(opened, person):
    change, ann = opened(), person()
    connection.close()
    with refused("approvals are given under READ COMMITTED"):
        connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        approve(change, ann)


def entry_about(table, key):
    """The id of the entry about the row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM portal_ledgerleaf WHERE rows @> ARRAY[%s]", [f"{table}:{key}"])
        return cursor.fetchone()[0]


def together(*jobs):
    """Run each in a thread of its own."""

    def run(job):
        job()
        connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def tries_to_approve(changes, by, refusals, start=None):
    for change in changes:
        if start:
            start.wait()
        try:
            with transaction.atomic():
                approve(change, by)
        except IntegrityError as refusal:
            refusals.append(refusal)


@pytest.mark.django_db(transaction=True)
def test_no_race_between_becoming_a_contributor_and_approving_is_lost(opened, person, identity, pull_request):
    """One of the two always sees the other: who approved did so before the commits came."""
    ann = person()
    identity(ann, "1")
    changes = [opened(number) for number in range(100, 140)]
    work = pull_request(opened(99), author_uid=1)
    start, refusals = threading.Barrier(2, timeout=30 * SHARED), []

    def contribute():
        for change in changes:
            start.wait()
            with transaction.atomic():
                cover(LinkedPullRequest.objects.create(change=change, pull_request=work, role="work", reason="x", at=AT))

    together(contribute, lambda: tries_to_approve(changes, ann, refusals, start))

    approvals = list(Approval.objects.select_related("change"))
    assert len(approvals) + len(refusals) == len(changes)
    for approval in approvals:
        link = approval.change.links.get()
        assert entry_about("changes_approval", approval.pk) < entry_about("changes_linkedpullrequest", link.pk)


@pytest.mark.django_db(transaction=True)
def test_in_a_thousand_races_the_requester_never_approves(opened, person):
    ann, bob = person("Ann"), person("Bob")
    changes = [opened(number, requester=ann) for number in range(1000, 1250)]
    refusals = []

    together(*[lambda by=by: tries_to_approve(changes, by, refusals) for by in (ann, bob, ann, bob)])

    assert not Approval.objects.filter(by=ann).exists()
    assert Approval.objects.filter(by=bob).count() == len(changes)
    assert len(refusals) == 3 * len(changes)
