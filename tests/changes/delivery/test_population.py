"""The population against real repositories: every first-parent commit is on record, whatever happened to the branch."""

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changes.delivery import population
from changes.delivery.models import BranchCommit, PullRequest, Push, Repository
from changes.delivery.population import Recorded, record_population, uncovered_commits
from tests.changes.delivery.workshop import START, Workshop

LATER = START + timedelta(days=1)
SCOPE = START - timedelta(days=30)


def repository_of(name="northwind/web", since=SCOPE):
    return Repository.objects.create(name=name, in_scope_from=since)


@pytest.fixture
def web(db):
    return repository_of()


def sweep(repository, workshop, at=LATER, branch="main", full=False):
    return record_population(repository=repository, branch=branch, folder=workshop.folder, at=at, full=full)


def on_record(repository, branch="main", **which):
    rows = BranchCommit.objects.filter(repository=repository, branch=branch, **which).order_by("position", "sha")
    return list(rows.values_list("position", "sha"))


def everything(repository):
    """All rows of a repository but their keys and the moment of the sweep."""
    fields = [f.name for f in BranchCommit._meta.fields if f.name not in {"id", "repository", "seen_at", "gone_at"}]
    rows = BranchCommit.objects.filter(repository=repository).order_by("branch", "position", "sha")
    return [(values, gone is None) for *values, gone in rows.values_list(*fields, "gone_at")]


def test_the_first_sweep_records_the_whole_branch_from_its_root(web, workshop):
    shas = [workshop.commit() for _ in range(3)]

    assert sweep(web, workshop) == Recorded(added=tuple(shas))
    assert on_record(web) == [(1, shas[0]), (2, shas[1]), (3, shas[2])]


def test_a_commit_keeps_what_git_says_of_it(web, workshop):
    root = workshop.commit()
    message = "Hello 'quoted' \\ back\n\nCo-authored-by: Cleo <cleo@northwind.example>"
    workshop.commit("topic", parents=[root], files={"b": "1"})
    merge = workshop.merge("main", "topic", message=message, files={"b": "1", "ü": "2"}, committer=("Bob", "bob@northwind.example"))

    sweep(web, workshop)

    row = BranchCommit.objects.get(sha=merge)
    assert (row.parents, row.position, row.subject) == ([root, workshop.tip("topic")], 2, "Hello 'quoted' \\ back")
    assert (row.author_email, row.committer_name, row.co_authors) == (
        "ann@northwind.example",
        "Bob",
        ["Cleo <cleo@northwind.example>"],
    )
    assert (row.paths, row.committed_at, row.seen_at, row.gone_at) == (["b", "ü"], workshop.clock, LATER, None)


def test_a_second_sweep_of_an_unchanged_branch_writes_nothing(web, workshop):
    workshop.commit()
    sweep(web, workshop)
    before = everything(web)

    assert sweep(web, workshop) == Recorded()
    assert sweep(web, workshop, full=True) == Recorded()
    assert not Recorded().changed
    assert everything(web) == before


def test_a_later_sweep_adds_what_is_new_and_keeps_when_the_rest_was_seen(web, workshop):
    first = workshop.commit()
    sweep(web, workshop, at=START)
    new = [workshop.commit() for _ in range(2)]

    assert sweep(web, workshop) == Recorded(added=tuple(new))
    assert dict(BranchCommit.objects.values_list("sha", "seen_at")) == {first: START, new[0]: LATER, new[1]: LATER}


def test_a_force_push_leaves_the_removed_commits_on_record_as_gone(web, workshop):
    root = workshop.commit()
    lost = [workshop.commit() for _ in range(3)]
    sweep(web, workshop, at=START)
    workshop.point("main", root)
    new = workshop.commit()

    assert sweep(web, workshop) == Recorded(added=(new,), gone=3)
    assert on_record(web, gone_at=None) == [(1, root), (2, new)]
    assert on_record(web, gone_at=LATER) == [(2, lost[0]), (3, lost[1]), (4, lost[2])]


def test_a_branch_that_was_cut_back_has_gone_commits_and_nothing_new(web, workshop):
    root = workshop.commit()
    lost = workshop.commit()
    sweep(web, workshop)
    workshop.point("main", root)

    assert sweep(web, workshop) == Recorded(gone=1)
    assert on_record(web, gone_at=None) == [(1, root)]
    workshop.point("main", lost)
    assert sweep(web, workshop) == Recorded(added=(lost,))
    assert on_record(web, gone_at=None) == [(1, root), (2, lost)]


def test_a_branch_that_does_not_exist_has_no_commits(web, workshop):
    workshop.commit()
    workshop.commit("prod")
    sweep(web, workshop, branch="prod")
    workshop.git("update-ref", "-d", "refs/heads/prod")

    assert sweep(web, workshop, branch="prod") == Recorded(gone=1, there=False)
    assert sweep(web, workshop, branch="never") == Recorded(there=False)


def test_a_merge_the_wrong_way_round_replaces_the_chain(web, workshop):
    """Somebody merges main into a topic and pushes the topic as main: the old commits are second parents now."""
    root = workshop.commit()
    old = workshop.commit()
    topic = workshop.commit("topic", parents=[root])
    workshop.clock += timedelta(minutes=1)
    sweep(web, workshop)
    wrong = workshop.merge("topic", "main")
    workshop.point("main", wrong)

    assert sweep(web, workshop) == Recorded(added=(topic, wrong), gone=1)
    assert on_record(web, gone_at=None) == [(1, root), (2, topic), (3, wrong)]
    assert on_record(web, gone_at=LATER) == [(2, old)]


def test_rows_that_were_tampered_with_are_put_right_by_a_full_run(web, workshop):
    shas = [workshop.commit() for _ in range(3)]
    sweep(web, workshop)
    right = everything(web)
    BranchCommit.objects.filter(sha=shas[0]).update(author_email="mallory@elsewhere.example", position=9)
    BranchCommit.objects.filter(sha=shas[1]).delete()

    recorded = sweep(web, workshop, full=True)

    assert set(recorded.added) == set(shas[:2])
    assert everything(web) == right


def test_main_and_prod_are_recorded_apart(web, workshop):
    root = workshop.commit()
    workshop.point("prod", root)
    main = workshop.commit()
    sweep(web, workshop)
    sweep(web, workshop, branch="prod")

    assert on_record(web, "main") == [(1, root), (2, main)]
    assert on_record(web, "prod") == [(1, root)]


@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_steps_ends_in_the_rows_of_one_full_run(db, tmp_path, seed):
    dice = random.Random(seed)
    workshop = Workshop(tmp_path / "forge.git")
    stepwise = repository_of("northwind/stepwise")
    shas = [workshop.commit()]
    for step in range(12):
        kind = dice.choice(["commit", "commit", "merge", "cut", "wrong way"])
        if kind == "cut":
            workshop.point("main", dice.choice(shas))
        elif kind == "commit":
            workshop.commit()
        else:
            workshop.commit(f"t{step}", parents=[dice.choice(shas)])
            workshop.merge(*(("main", f"t{step}") if kind == "merge" else (f"t{step}", "main")))
            if kind == "wrong way":
                workshop.point("main", workshop.tip(f"t{step}"))
        shas.append(workshop.tip("main"))
        sweep(stepwise, workshop, at=START + timedelta(hours=step))
    at_once = repository_of("northwind/at-once")

    sweep(at_once, workshop)

    assert [row for row in everything(stepwise) if row[1]] == everything(at_once)
    assert sweep(stepwise, workshop, full=True) == Recorded()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_record_each_commit_once(workshop):
    web = repository_of()
    shas = [workshop.commit() for _ in range(5)]
    found = []

    def run():
        found.append(sweep(web, workshop).added)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(found) == [(), tuple(shas)]
    assert on_record(web) == list(enumerate(shas, start=1))


# --- who accounts for a commit ------------------------------------------------------------------------------------


def merged(repository, number, sha, base="main", state="merged", head="f" * 40):
    return PullRequest.objects.create(
        repository=repository,
        number=number,
        title="Work",
        state=state,
        head_ref="topic",
        head_sha=head,
        base_ref=base,
        merge_sha=sha,
        merged_at=START,
        reported_at=START,
        touched_at=START,
    )


def pushed(repository, before, after, branch="main", forced=False):
    return Push.objects.create(
        repository=repository, branch=branch, before=before, after=after, forced=forced, pushed_at=START, reported_at=START
    )


def uncovered(repository, branch="main", **options):
    """The same whether the branch has few commits without a pull request or many."""
    found = uncovered_commits(repository=repository, branch=branch, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(population, "MANY", 0)
        assert uncovered_commits(repository=repository, branch=branch, **options) == found
    return [commit.sha for commit in found]


def test_a_commit_without_a_pull_request_is_uncovered_and_one_with_it_is_not(web, workshop):
    shas = [workshop.commit() for _ in range(3)]
    merged(web, 1, shas[1])
    sweep(web, workshop)

    assert uncovered(web) == [shas[0], shas[2]]
    assert uncovered(web, among=[shas[1], shas[2]]) == [shas[2]]
    assert uncovered(web, among=[]) == []


@pytest.mark.parametrize(
    "wrong", [{"base": "prod"}, {"state": "open"}, {"state": "closed"}, {"sha": "0" * 40}], ids=lambda wrong: str(wrong)
)
def test_a_pull_request_that_did_not_bring_it_here_accounts_for_nothing(web, workshop, wrong):
    sha = workshop.commit()
    sweep(web, workshop)
    merged(web, 1, **{"sha": sha, **wrong})

    assert uncovered(web) == [sha]


def test_a_pull_request_of_another_repository_accounts_for_nothing(web, workshop):
    sha = workshop.commit()
    sweep(web, workshop)
    merged(repository_of("northwind/other"), 1, sha)

    assert uncovered(web) == [sha]


def test_commits_from_before_the_scope_are_history_of_which_a_branch_can_have_many(db, workshop):
    old = workshop.commit()
    inside = workshop.clock + timedelta(seconds=30)
    new = workshop.commit()
    web = repository_of(since=inside)
    sweep(web, workshop)

    assert uncovered(web) == [new]
    with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as asked:
        patch.setattr(population, "MANY", 1)
        uncovered_commits(repository=web, branch="main")
    assert len(asked) == 3
    assert old not in asked[2]["sql"]


def test_a_commit_with_an_old_date_that_appears_later_is_no_history(db, workshop):
    workshop.commit()
    web = repository_of(since=LATER)
    sweep(web, workshop, at=LATER)
    backdated = workshop.commit(at=START - timedelta(days=400))
    sweep(web, workshop, at=LATER + timedelta(minutes=1))

    assert uncovered(web) == [backdated]


def test_a_rebase_covers_the_commits_that_came_with_its_last_one(web, workshop):
    root = workshop.commit()
    merged(web, 1, root)
    rebased = [workshop.commit() for _ in range(3)]
    merged(web, 2, rebased[-1])
    direct = workshop.commit()
    sweep(web, workshop)

    assert uncovered(web) == [*rebased[:2], direct]
    pushed(web, root, rebased[-1])
    assert uncovered(web) == [direct]
    assert uncovered(web, among=[rebased[0], direct]) == [direct]


def test_commits_that_were_pushed_along_with_a_merge_are_uncovered(web, workshop):
    root = workshop.commit()
    merged(web, 1, root)
    smuggled = workshop.commit()
    workshop.commit("topic", parents=[root])
    merge = workshop.merge("main", "topic")
    merged(web, 2, merge)
    pushed(web, root, merge)
    sweep(web, workshop)

    assert uncovered(web) == [smuggled]


def test_a_force_push_that_ends_in_a_merged_commit_covers_only_that_commit(web, workshop):
    root = workshop.commit()
    merged(web, 1, root)
    smuggled = workshop.commit()
    last = workshop.commit()
    merged(web, 2, last)
    pushed(web, root, last, forced=True)
    sweep(web, workshop)

    assert uncovered(web) == [smuggled]


def test_a_merge_queue_brings_several_pull_requests_in_one_push(web, workshop):
    root = workshop.commit()
    merged(web, 1, root)
    for number in (2, 3):
        workshop.commit(f"t{number}", parents=[root])
        merged(web, number, workshop.merge("main", f"t{number}"))
    pushed(web, root, workshop.tip("main"))
    sweep(web, workshop)

    assert uncovered(web) == []


def test_a_commit_that_a_force_push_removed_is_still_asked_about(web, workshop):
    root = workshop.commit()
    merged(web, 1, root)
    removed = workshop.commit()
    sweep(web, workshop)
    workshop.point("main", root)
    sweep(web, workshop)

    assert uncovered(web) == [removed]


def test_a_rebase_does_not_cover_what_stands_at_its_places_after_a_force_push(web, workshop):
    root = workshop.commit()
    merged(web, 1, root)
    rebased = [workshop.commit() for _ in range(3)]
    merged(web, 2, rebased[-1])
    pushed(web, root, rebased[-1])
    sweep(web, workshop)
    workshop.point("main", root)
    direct = [workshop.commit() for _ in range(3)]
    sweep(web, workshop)

    assert uncovered(web) == direct
