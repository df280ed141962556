"""Facts are loaded as the rules expect them: what is not known stays not known."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.calendar.actions import set_freeze
from changes.calendar.facts import Span
from changes.delivery.models import Check, MergeGroup, PullRequest, Repository
from changes.gates.queries import facts_of, facts_of_all, pull_request_facts
from changes.proposals.actions import approve, lapse_approvals, link, open_change
from changes.proposals.models import Change
from tests.changes.people import person
from tests.changes.stories import NOW, told

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)


@pytest.fixture
def change():
    return open_change(texts={"title": "Raise memory"}, source="form", at=AT, actor="shell:test", state="proposed")


@pytest.fixture
def pull_request(change):
    """Link one to the change, with these paths."""
    web = Repository.objects.create(name="acme/web", in_scope_from=AT)

    def linked(number, paths, role="work", **values):
        row = PullRequest.objects.create(
            repository=web,
            number=number,
            title="Work",
            paths=paths,
            opened_at=AT,
            reported_at=AT,
            touched_at=AT,
            **{"state": "open", "head_ref": f"work/{number}", "base_ref": "main", "head_sha": f"{number:040}", **values},
        )
        link(change=change, pull_request=row, role=role, reason="test", actor="shell:test", at=AT)
        return row

    return linked


MIGRATION = ["app/migrations/0002_price.py"]
PATHS = {
    "no pull request": ([], None),
    "not read": ([(None, "work")], None),
    "read, without a migration": ([(["app/web.py"], "work")], False),
    "read, with a migration": ([(["app/web.py", *MIGRATION], "work")], True),
    "one of two not read": ([(MIGRATION, "work"), (None, "work")], None),
    "a promotion does not matter beside its work": ([(["app/web.py"], "work"), (None, "promotion")], False),
    "a promotion alone": ([(MIGRATION, "promotion")], True),
}


@pytest.mark.parametrize(("rows", "expected"), PATHS.values(), ids=PATHS.keys())
def test_a_migration_is_known_once_the_paths_of_all_work_are(change, pull_request, rows, expected):
    for number, (paths, role) in enumerate(rows, start=1):
        pull_request(number, paths, role)

    assert facts_of(change, at=AT).has_migration is expected


def test_an_approval_that_lapsed_says_why_and_when(change, pull_request):
    pull_request(1, [])
    approve(change=change, by=person("Bob"), verdict="yes", note="", authenticated_at=AT, at=AT)

    standing = facts_of(change, at=LATER).approvals
    lapse_approvals(change=change, reason="a new push", at=LATER)
    lapsed = facts_of(change, at=LATER).approvals

    assert [(item.lapsed, item.lapsed_at) for item in (*standing, *lapsed)] == [("", None), ("a new push", LATER)]


def group(row, sha, number, state="open"):
    ends = {"head_ref": f"gh-readonly-queue/main/pr-{number}-x", "base_ref": "main"}
    return MergeGroup.objects.create(
        repository=row.repository, head_sha=sha * 40, numbers=[number], state=state, reported_at=AT, **ends
    )


MERGED = {"state": "merged", "merged_at": LATER, "merge_sha": "d" * 40}
HEADS = {
    "in no queue": ({}, [], ""),
    "tried": ({}, [("c", 1, "open")], "c" * 40),
    "tried again": ({}, [("c", 1, "gone"), ("d", 1, "open")], "d" * 40),
    "thrown out": ({}, [("c", 1, "gone")], ""),
    "another one is tried": ({}, [("c", 2, "open")], ""),
    "merged as it was tried": (MERGED, [("c", 1, "gone"), ("d", 1, "gone")], "d" * 40),
    "merged as something else": (MERGED, [("c", 1, "gone")], ""),
}


@pytest.mark.parametrize(("values", "groups", "head"), HEADS.values(), ids=HEADS.keys())
def test_the_head_of_the_queue_is_that_of_the_merge_or_of_the_present_try(change, pull_request, values, groups, head):
    row = pull_request(1, [], **values)
    for sha, number, state in groups:
        group(row, sha, number, state)
    Check.objects.create(
        repository=row.repository,
        head_sha="d" * 40,
        source="check_run",
        vendor_id=1,
        name="tests",
        status="completed",
        conclusion="success",
        completed_at=AT,
        reported_at=AT,
    )

    (fact,) = facts_of(change, at=LATER).pull_requests

    assert fact.queue_sha == head
    assert [check.commit for check in fact.checks] == (["d" * 40] if head == "d" * 40 else [])


ROLES = {
    "work": ({}, "work"),
    "main into prod": ({"head_ref": "main", "base_ref": "prod"}, "promotion"),
    "main of a fork into prod": ({"head_ref": "main", "base_ref": "prod", "head_is_fork": True}, "work"),
    "prod into main": ({"head_ref": "prod", "base_ref": "main"}, "back_merge"),
}


@pytest.mark.parametrize(("values", "role"), ROLES.values(), ids=ROLES.keys())
def test_without_a_change_the_branches_say_what_part_a_pull_request_plays(pull_request, values, role):
    row = pull_request(1, [], **values)

    (fact,) = pull_request_facts([row], {})

    assert fact.role == role


def test_a_check_that_runs_counts_from_when_it_began(change, pull_request):
    row = pull_request(1, [])
    running = {"source": "check_run", "vendor_id": 1, "name": "tests", "status": "in_progress", "vendor_updated_at": LATER}
    Check.objects.create(repository=row.repository, head_sha=row.head_sha, reported_at=AT, **running)

    (fact,) = facts_of(change, at=LATER).pull_requests

    assert [(check.status, check.at) for check in fact.checks] == [("in_progress", LATER)]


def test_what_is_asked_about_many_changes_at_once_is_what_is_asked_about_each(client, django_assert_max_num_queries):
    told(client, "dev.standard-change", "dev.emergency-with-rollback", "dev.violations")
    cleo = person("Cleo")
    open_change(texts={"title": "Raise memory"}, source="form", at=NOW, actor="shell:test", state="proposed")
    given = {"level": "hard", "environments": ["production"], "repositories": [], "apps": [], "reason": "x"}
    set_freeze(name="End of year", **given, span=Span(NOW, NOW + timedelta(days=5)), by=cleo, at=NOW)
    changes = list(Change.objects.order_by("number"))

    with django_assert_max_num_queries(34 + len(changes)):
        found = facts_of_all(changes, at=NOW + timedelta(days=1))

    assert found == [facts_of(change, at=NOW + timedelta(days=1)) for change in changes]
    assert [facts.number for facts in found] == [change.number for change in changes]
    assert {len(facts.pull_requests) for facts in found} == {0, 1, 2}
    assert {len(facts.freezes) for facts in found} == {0, 1}
