"""A merge that holds what nobody reviewed is one exception, on the branch where it came from; what Git made is none."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.settling import settle
from changes.delivery.models import BranchCommit, PullRequest, Push, Repository
from changes.emergencies.models import Emergency
from changes.exceptions.actions import reconcile
from changes.exceptions.merges import about_merges
from changes.exceptions.models import ExceptionRecord
from changes.proposals.models import Change
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FILES = ["src/app.py", "src/keys.py", "src/login.py", "src/more.py"]


def sha(number):
    return f"{number:040x}"


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=AT - timedelta(days=9), mirrored_at=AT)


def stands(repository, branch, number, content="own", parents=2, position=1, paths=None, **more):
    values = {"position": position, "committed_at": AT, "seen_at": AT, "committer_name": "Eve", "merge_content": content}
    parents = [sha(900 + number + place) for place in range(parents)]
    return BranchCommit.objects.create(
        repository=repository, branch=branch, sha=sha(number), parents=parents, merge_paths=paths or FILES[:1], **{**values, **more}
    )


def merged(repository, number, commit, base, **more):
    values = {"title": "Work", "state": "merged", "head_ref": "topic", "head_sha": sha(700 + commit), "merged_at": AT + HOUR}
    people = {"merged_by_login": "cleo", "merged_by_uid": 7, "author_login": "bob", "author_uid": 6, "confirmed_at": AT}
    moments = {"reported_at": AT, "touched_at": AT, "opened_at": AT}
    row = {**values, **people, **moments, **more}
    return PullRequest.objects.create(repository=repository, number=number, base_ref=base, merge_sha=sha(commit), **row)


def found(repository):
    return [f"{item.kind} {item.subject}" for item in about_merges(repository=repository)[1]]


@pytest.mark.parametrize("branch", ["main", "prod"])
def test_a_merge_of_a_pull_request_answers_with_whoever_merged_it(repository, branch):
    cleo = linked(person("Cleo"), 7).user
    stands(repository, branch, 1, paths=FILES)
    merged(repository, 12, 1, branch)

    prefix, [item] = about_merges(repository=repository)

    assert (item.kind, item.subject, item.key) == (
        "merge_with_own_content",
        "#12",
        f"{repository.key}:merge:{sha(1)}:merge_with_own_content",
    )
    assert item.sentence == (
        f"cleo merged #12 to {branch} as 0000000, and the merge is not what Git makes of the two sides "
        "(src/app.py, src/keys.py, src/login.py and more): nobody reviewed the difference."
    )
    assert (item.happened_at, item.confirmed, item.evidence["files"]) == (AT + HOUR, True, FILES)
    [record] = reconcile(repository=repository, found=[item], looked_at=[prefix], at=AT + HOUR)
    assert (record.clause, record.owner) == ("P-03", cleo)


def test_resolved_conflicts_are_said_to_be_such(repository):
    stands(repository, "main", 1, "resolved")
    merged(repository, 12, 1, "main")

    [item] = about_merges(repository=repository)[1]

    assert item.sentence == (
        "cleo merged #12 to main as 0000000 and resolved its conflicts in the merge itself (src/app.py): nobody reviewed that."
    )


@pytest.mark.parametrize("content", ["", "same", "unknown", "before"])
def test_other_merges_are_none(repository, content):
    stands(repository, "main", 1, content)
    merged(repository, 12, 1, "main")

    assert found(repository) == []


def test_a_merge_that_stands_on_both_branches_answers_on_main(repository):
    for branch in ("prod", "main"):
        stands(repository, branch, 1)
    merged(repository, 12, 1, "main")
    merged(repository, 13, 1, "prod")

    assert found(repository) == ["merge_with_own_content #12"]


def test_one_branch_for_both_is_looked_at_once(repository):
    Repository.objects.update(prod_branch="main")
    repository.refresh_from_db()
    stands(repository, "main", 1)
    merged(repository, 12, 1, "main")

    assert found(repository) == ["merge_with_own_content #12"]


def test_what_main_had_before_the_scope_began_is_history_on_prod_too(repository):
    stands(repository, "main", 1, "before")
    stands(repository, "prod", 1)
    merged(repository, 13, 1, "prod")

    assert found(repository) == []


def test_a_merge_that_no_pull_request_brought_is_a_push_as_a_whole(repository):
    stands(repository, "main", 1)

    assert found(repository) == []


def test_what_was_found_on_a_branch_stands_when_another_takes_its_place(repository):
    stands(repository, "main", 1)
    merged(repository, 12, 1, "main")
    assert found(repository) == ["merge_with_own_content #12"]

    repository.main_branch = "develop"
    assert found(repository) == ["merge_with_own_content #12"]
    stands(repository, "develop", 1, "same")
    assert found(repository) == []


def test_a_merge_below_the_last_commit_of_a_rebase_has_no_pull_request_of_its_own(repository):
    stands(repository, "main", 1, "same", parents=1)
    stands(repository, "main", 2, position=2)
    stands(repository, "main", 3, "", parents=1, position=3)
    merged(repository, 11, 1, "main")
    merged(repository, 12, 3, "main")
    Push.objects.create(
        repository=repository, branch="main", before=sha(1), after=sha(3), pushed_at=AT, reported_at=AT, pusher_login="cleo"
    )

    [item] = about_merges(repository=repository)[1]

    assert (item.subject, item.happened_at) == (f"main:{sha(2)[:12]}", AT)
    assert item.sentence == (
        "Eve merged 0000000 into main, and the merge is not what Git makes of the two sides (src/app.py): "
        "nobody reviewed the difference."
    )


def test_settling_opens_it_once_ties_it_to_its_change_and_clears_it_when_it_is_a_push_after_all(repository):
    stands(repository, "main", 1)
    row = merged(repository, 12, 1, "main")

    for _ in range(2):
        settle(repository=repository, since=AT - HOUR, at=AT + 2 * HOUR)

    record = ExceptionRecord.objects.get(kind="merge_with_own_content")
    assert (record.state, record.change) == ("open", Change.objects.get(links__pull_request=row))
    PullRequest.objects.filter(pk=row.pk).update(base_ref="elsewhere")
    settle(repository=repository, since=AT - HOUR, at=AT + 3 * HOUR)
    record.refresh_from_db()
    assert record.state == "cleared"
    assert ExceptionRecord.objects.filter(kind="direct_push", state="open").count() == 1


@pytest.mark.parametrize(("branch", "declared"), [("prod", 1), ("main", 0)])
def test_into_prod_it_is_a_way_past_the_review_that_the_portal_declares(repository, branch, declared):
    stands(repository, branch, 1)
    merged(repository, 12, 1, branch)
    settle(repository=repository, since=AT - HOUR, at=AT + 2 * HOUR)

    assert Emergency.objects.filter(causes__record__kind="merge_with_own_content", via="portal").count() == declared
