"""What Git shows on a branch, beside what pushes told: a commit of nobody's does not hide before somebody's merge."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.delivery.models import BranchCommit, PullRequest, Push, Repository
from changes.exceptions.detect import NO_COMMIT, about_population, about_pushes

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def sha(number):
    return f"{number:040x}"


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=AT - timedelta(days=9))


def stands(repository, branch, *numbers, merges=()):
    """The first-parent chain of a branch, from its root on."""
    for position, number in enumerate(numbers, start=1):
        parents = [sha(numbers[position - 2])] if position > 1 else []
        BranchCommit.objects.create(
            repository=repository,
            branch=branch,
            sha=sha(number),
            position=position,
            parents=[*parents, sha(900 + number)] if number in merges else parents,
            subject="Work",
            committer_name="Eve",
            committed_at=AT,
            seen_at=AT,
        )


def merged(repository, number, commit, base):
    values = {"title": "Work", "state": "merged", "head_ref": "topic", "head_sha": sha(900 + commit), "merged_at": AT}
    moments = {"reported_at": AT, "touched_at": AT}
    PullRequest.objects.create(repository=repository, number=number, base_ref=base, merge_sha=sha(commit), **values, **moments)


def pushed(repository, branch, before, after, *commits, **more):
    brought = [{"sha": sha(number)} for number in commits]
    values = {"before": before if isinstance(before, str) else sha(before), "after": sha(after), "pusher_login": "eve"}
    return Push.objects.create(
        repository=repository, branch=branch, commits=brought, pushed_at=AT, reported_at=AT, **values, **more
    )


def found(repository):
    """Subjects that either detector finds, each once."""
    told = [item for _, items in about_pushes(repository=repository, pushes=Push.objects.all()) for item in items]
    return sorted({f"{item.kind} {int(item.key.split(':')[-2], 16)}" for item in (*told, *about_population(repository=repository))})


def test_a_commit_that_is_pushed_together_with_the_merge_of_a_pull_request_is_found(repository):
    stands(repository, "prod", 1, 2, 3, merges=(1, 3))
    merged(repository, 1, 1, "prod")
    merged(repository, 2, 3, "prod")
    pushed(repository, "prod", 1, 3, 2, 3)

    assert found(repository) == ["direct_push 2"]


def test_what_a_branch_is_made_with_is_found(repository):
    stands(repository, "prod", 1, 2, merges=(2,))
    merged(repository, 2, 2, "prod")
    pushed(repository, "prod", NO_COMMIT, 2, 1, 2)

    assert found(repository) == ["direct_push 1"]


@pytest.mark.parametrize(
    ("merges", "into_main", "expected"),
    [((2, 3), (2, 3), []), ((3,), (3,), ["direct_push 2"])],
    ids=["reviewed on main", "pushed to main"],
)
def test_a_promotion_that_only_moves_prod_on_answers_on_main(repository, merges, into_main, expected):
    for place, branch in enumerate(("main", "prod")):
        stands(repository, branch, 1, 2, 3, merges=merges)
        merged(repository, 90 + place, 1, branch)
    for number in into_main:
        merged(repository, number, number, "main")
    merged(repository, 7, 3, "prod")
    pushed(repository, "prod", 1, 3, 2, 3)

    assert found(repository) == expected


def test_what_is_pushed_past_every_pull_request_is_one_finding(repository):
    stands(repository, "prod", 1, 2, 3)
    merged(repository, 1, 1, "prod")
    pushed(repository, "prod", 1, 3, 2, 3)

    assert found(repository) == ["direct_push 3"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (AT + timedelta(hours=1), AT + timedelta(hours=1)),
        (AT - timedelta(days=3000), AT),
        (AT + timedelta(days=3000), AT + timedelta(hours=2)),
    ],
    ids=["true", "years ago", "years ahead"],
)
def test_a_date_that_somebody_wrote_into_a_commit_takes_it_out_of_no_window(repository, written, expected):
    stands(repository, "prod", 1, 2)
    merged(repository, 1, 1, "prod")
    BranchCommit.objects.filter(sha=sha(2)).update(committed_at=written, seen_at=AT + timedelta(hours=2))

    assert [(item.key, item.happened_at) for item in about_population(repository=repository)] == [
        (f"{repository.key}:push:prod:{sha(2)}:direct_push", expected)
    ]
