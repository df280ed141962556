"""One door for what a vendor says: any order, any number of times, the same rows."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from changes.delivery import actions
from changes.delivery.facts import (
    CheckReported,
    DeploymentReported,
    DeploymentStatusReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
    RuleEventReported,
)
from changes.delivery.merging import EPOCH, Said, merge_fields
from changes.delivery.models import Check, DeploymentStatus, Push, Release, Repository, Review
from changes.delivery.push_sets import record_pushes
from changes.delivery.rule_models import RuleEvent

AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def minute(number):
    return AT + timedelta(minutes=number)


@pytest.fixture
def repository(db):
    return Repository.objects.create(name="acme/web", vendor_id=5, in_scope_from=AT)


def pull(updated, **more):
    values = {"number": 7, "title": "a", "state": "open", "head_ref": "f", "head_sha": "a" * 40, "base_ref": "main"}
    return PullRequestReported(**{**values, "vendor_updated_at": updated, **more})


def shown(row):
    row.refresh_from_db()
    names = ("title", "state", "head_sha", "labels", "additions", "draft", "merge_sha", "merged_by_login", "body")
    return {name: getattr(row, name) for name in names}


VERSIONS = [
    pull(minute(0), additions=1, draft=True, body="one"),
    pull(minute(1), title="b", labels=("x",)),
    pull(minute(2), head_sha="b" * 40, draft=False),
    pull(minute(2), head_sha="c" * 40),
    pull(minute(3), state="merged", merge_sha="d" * 40, merged_by_login="ada", head_sha="b" * 40),
    pull(minute(4), title="after the merge", state="closed", head_sha="b" * 40, labels=()),
]


def fold(versions, *, confirmed=frozenset()):
    """What merging leaves, without a database."""
    known, clocks = {}, {}
    for index, fact in versions:
        values = actions.values_of(fact, without=frozenset({"number", "vendor_updated_at"}))
        said = Said(fact.vendor_updated_at or EPOCH, index in confirmed)
        changed, clocks = merge_fields(known=known, clocks=clocks, said_values=values, said=said)
        known.update(changed)
    return known


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, len(VERSIONS) - 1), min_size=6, max_size=14), st.sets(st.integers(0, len(VERSIONS) - 1)))
def test_any_order_and_repetition_of_versions_gives_the_same_pull_request(order, confirmed):
    told = sorted(set(order))
    straight = fold([(index, VERSIONS[index]) for index in told], confirmed=confirmed)

    assert fold([(index, VERSIONS[index]) for index in order], confirmed=confirmed) == straight


def test_a_merge_stays_a_merge_and_a_silent_field_stays_known():
    merged = fold(list(enumerate(VERSIONS)))

    assert (merged["state"], merged["merge_sha"], merged["title"]) == ("merged", "d" * 40, "after the merge")
    assert (merged["additions"], merged["labels"]) == (1, [])


def test_a_version_is_confirmed_by_reading_and_doubted_by_a_later_report(repository):
    row = actions.record_pull_request(repository=repository, fact=pull(minute(1)), at=AT, confirmed=False)
    assert row.confirmed_at is None

    row = actions.record_pull_request(repository=repository, fact=pull(minute(1)), at=minute(2), confirmed=True)
    assert row.confirmed_at == minute(2)
    row = actions.record_pull_request(repository=repository, fact=pull(minute(0), title="old"), at=minute(3), confirmed=False)
    assert (row.confirmed_at, row.title) == (minute(2), "a")
    row = actions.record_pull_request(repository=repository, fact=pull(minute(0)), at=minute(3), confirmed=True)
    assert row.confirmed_at == minute(2)
    row = actions.record_pull_request(repository=repository, fact=pull(minute(5), title="new"), at=minute(6), confirmed=False)
    assert (row.confirmed_at, row.title) == (None, "new")


def test_reviews_merge_in_any_order_and_a_dismissal_is_final(repository):
    facts = [
        ReviewReported(pull_request_number=7, vendor_id=1, state="commented", login="ada", uid=1, vendor_updated_at=minute(1)),
        ReviewReported(pull_request_number=7, vendor_id=1, state="approved", commit_sha="a" * 40, vendor_updated_at=minute(2)),
        ReviewReported(pull_request_number=7, vendor_id=1, state="dismissed", vendor_updated_at=minute(3)),
    ]
    for order in permutations(facts):
        Review.objects.all().delete()
        for fact in order:
            actions.record_review(repository=repository, fact=fact, at=AT, confirmed=False)
        row = Review.objects.get()
        assert (row.state, row.login, row.commit_sha) == ("dismissed", "ada", "a" * 40)


def test_reading_confirms_a_review_that_a_delivery_reported(repository):
    actions.record_review(
        repository=repository,
        fact=ReviewReported(pull_request_number=7, vendor_id=1, state="approved", vendor_updated_at=minute(2)),
        at=AT,
        confirmed=False,
    )

    actions.record_review(
        repository=repository, fact=ReviewReported(pull_request_number=7, vendor_id=1, state="approved"), at=AT, confirmed=True
    )

    assert Review.objects.get().confirmed_at == AT


def check(**more):
    values = {"head_sha": "a" * 40, "source": "check_run", "vendor_id": 3, "name": "ci", "status": "queued", "conclusion": ""}
    return CheckReported(**{**values, **more})


def test_a_finished_check_never_goes_back_to_running(repository):
    facts = [check(), check(status="in_progress"), check(status="completed", conclusion="success", completed_at=minute(1))]
    for order in permutations(facts):
        Check.objects.all().delete()
        for fact in order:
            actions.record_check(repository=repository, fact=fact, at=AT, confirmed=fact.status == "completed")
        row = Check.objects.get()
        assert (row.status, row.conclusion, row.confirmed_at) == ("completed", "success", AT)


def test_a_check_that_another_worker_wrote_meanwhile_is_merged_into_it(repository, monkeypatch):
    save = Check.save
    raced = []

    def racing(row, *args, **kwargs):
        if not raced:
            raced.append(True)
            Check.objects.bulk_create([Check(**{**vars_of(row), "status": "in_progress"})])
        save(row, *args, **kwargs)

    monkeypatch.setattr(Check, "save", racing)
    actions.record_check(repository=repository, fact=check(status="completed", conclusion="success"), at=AT, confirmed=False)

    assert Check.objects.get().status == "completed"


def vars_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname != "id"}


def push(**more):
    values = {"branch": "prod", "before": "0" * 40, "after": "a" * 40, "forced": False, "deleted": False, "commits": ()}
    return PushReported(**{**values, **more})


def test_pushes_to_guarded_branches_are_kept_once(repository):
    assert actions.record_push(repository=repository, fact=push(branch="feature"), at=AT) is None

    for _ in range(3):
        actions.record_push(repository=repository, fact=push(pushed_at=minute(1), pusher_login="ada"), at=AT)
        actions.record_push(repository=repository, fact=push(after="b" * 40), at=AT)

    assert Push.objects.count() == 2


@pytest.mark.parametrize("known", [0, 3, 6])
def test_pushes_in_a_set_become_what_they_become_one_by_one(repository, known):
    """The first ``known`` of them are on record before."""
    facts = [
        push(pushed_at=minute(1), pusher_login="ada", pusher_uid=7, commits=({"sha": "a" * 40, "paths": ["x"]},)),
        push(after="b" * 40),
        push(branch="feature"),
        push(pushed_at=minute(2), forced=True),
        push(),
        push(after="c" * 40, deleted=True),
        push(after="b" * 40),
        push(after="d" * 40),
        push(after="d" * 40, pushed_at=minute(3)),
        push(after="d" * 40, pushed_at=AT),
        push(branch="main", after="d" * 40),
        push(pushed_at=minute(1)),
    ]

    def singly(facts):
        return [actions.record_push(repository=repository, fact=fact, at=AT) for fact in facts]

    def tried(record):
        singly(facts[:known])
        with transaction.atomic():
            rows = record(facts)
            found = [row and vars_of(row) for row in rows]
            on_record = [vars_of(row) for row in Push.objects.order_by("branch", "after", "pushed_at")]
            transaction.set_rollback(True)
        return found, on_record

    found, on_record = tried(lambda facts: record_pushes(told=[(repository, fact, AT) for fact in facts]))

    assert (found, on_record) == tried(singly)
    assert found[2] is None
    assert len(on_record) == 7


def deployment(vendor_id="9", **more):
    values = {"environment": "production", "commit_sha": "a" * 40, "ref": "prod", "created_at": AT}
    return DeploymentReported(vendor_id=vendor_id, **{**values, **more})


def step(vendor_id, state, at, deployment_id=9):
    return DeploymentStatusReported(deployment_id=deployment_id, vendor_id=vendor_id, state=state, at=at)


def test_steps_may_come_before_their_deployment(repository):
    steps = [step(1, "in_progress", minute(1)), step(2, "success", minute(2)), step(3, "inactive", minute(9))]
    for order in permutations([deployment(), *steps]):
        Release.objects.all().delete()
        DeploymentStatus.objects.all().delete()
        for fact in order:
            kind = actions.record_deployment if isinstance(fact, DeploymentReported) else actions.record_deployment_status
            kind(repository=repository, fact=fact, at=AT, confirmed=False)
        row = Release.objects.get()
        assert (row.state, row.succeeded_at, row.failed_at, row.finished_at) == ("inactive", minute(2), None, minute(2))


def test_reading_confirms_deployment_and_steps(repository):
    for confirmed in (False, True, True):
        actions.record_deployment(repository=repository, fact=deployment(actor="ci"), at=AT, confirmed=confirmed)
        actions.record_deployment_status(repository=repository, fact=step(1, "failure", minute(1)), at=AT, confirmed=confirmed)

    assert Release.objects.get().confirmed_at == DeploymentStatus.objects.get().confirmed_at == AT
    assert Release.objects.get().state == "failed"


def test_an_edit_of_rules_is_kept_once_for_one_delivery(repository):
    fact = RuleEventReported(kind="ruleset", action="deleted", subject="main", weakens=True, detail={})

    for _ in range(2):
        actions.record_rule_event(repository=repository, fact=fact, key="k", at=AT)

    row = RuleEvent.objects.get()
    assert (row.happened_at, row.actor_login) == (AT, "")


def recognised(**fact):
    return actions.recognise(forge="github", fact=RepositoryFact(**fact))


def test_a_repository_is_known_by_its_number_through_a_rename(repository):
    assert recognised(name="acme/site", vendor_id=5) == repository
    repository.refresh_from_db()

    assert repository.name == "acme/site"
    assert recognised(name="acme/other", vendor_id=6) is None


def test_a_name_that_is_taken_is_not_taken_again(repository):
    Repository.objects.create(name="acme/site", vendor_id=6, in_scope_from=AT)

    assert recognised(name="acme/site", vendor_id=5) == repository
    repository.refresh_from_db()
    assert repository.name == "acme/web"


def test_a_repository_connected_by_name_learns_its_number(db):
    made = Repository.objects.create(name="acme/web", in_scope_from=AT)

    assert recognised(name="ACME/Web") == made
    assert recognised(name="acme/new", vendor_id=5, previous_name="acme/web") == made
    made.refresh_from_db()
    assert made.vendor_id == 5


def test_another_repository_under_a_known_name_is_not_it(repository):
    assert recognised(name="acme/web", vendor_id=99) is None
