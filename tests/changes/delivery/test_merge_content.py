"""Merge commits of a real repository beside what Git makes of their parents: what was written by hand is found."""

from datetime import timedelta
from itertools import count

import pytest

from changes.delivery import merge_content
from changes.delivery.git_process import GitError
from changes.delivery.merge_content import Compared, compare
from changes.delivery.merges import AGAIN, compare_merges
from changes.delivery.models import BranchCommit, MergeContent, Repository
from changes.delivery.population import record_population
from tests.changes.delivery.workshop import START, Workshop

SAME, RESOLVED, OWN, UNKNOWN = MergeContent.SAME, MergeContent.RESOLVED, MergeContent.OWN, MergeContent.UNKNOWN
LINES = "".join(f"line {number}\n" for number in range(20))
HOUR = timedelta(hours=1)


@pytest.fixture
def workshop(tmp_path):
    """main has a file that a topic wants to change at its end."""
    made = Workshop(tmp_path / "mirror.git")
    made.commit(files={"app.py": LINES, "keys.py": "none\n"})
    made.point("topic", made.tip("main"))
    made.commit("topic", files={"app.py": LINES + "end\n"})
    return made


def compared(workshop, sha, tmp_path):
    parents = workshop.git("show", "-s", "--format=%P", sha).split()
    (tmp_path / "scratch").mkdir(exist_ok=True)
    return compare(folder=workshop.folder, sha=sha, parents=parents, scratch=tmp_path / "scratch")


def objects(workshop):
    return workshop.git("count-objects", "-v")


def test_a_merge_that_git_itself_would_make_holds_nothing_of_its_own(workshop, tmp_path):
    workshop.commit(files={"app.py": "begin\n" + LINES})
    sha = workshop.merge("main", "topic", files={"app.py": "begin\n" + LINES + "end\n"})

    assert compared(workshop, sha, tmp_path) == Compared(SAME)


def test_a_merge_of_what_was_up_to_date_holds_nothing_of_its_own(workshop, tmp_path):
    sha = workshop.merge("main", "topic", files={"app.py": LINES + "end\n"})

    assert compared(workshop, sha, tmp_path) == Compared(SAME)


def test_what_somebody_wrote_into_a_merge_is_found_with_its_files_and_the_mirror_stays_as_it_is(workshop, tmp_path):
    workshop.commit(files={"app.py": "begin\n" + LINES})
    sha = workshop.merge("main", "topic", files={"app.py": "begin\n" + LINES + "end\n", "keys.py": "all\n", "back door.py": "x"})
    before = objects(workshop)

    assert compared(workshop, sha, tmp_path) == Compared(OWN, paths=("back door.py", "keys.py"))
    assert objects(workshop) == before


def test_a_merge_that_left_out_what_it_merges_is_found(workshop, tmp_path):
    sha = workshop.merge("main", "topic", files={})

    assert compared(workshop, sha, tmp_path) == Compared(OWN, paths=("app.py",))


def test_conflicts_that_were_resolved_in_the_merge_are_found(workshop, tmp_path):
    workshop.commit(files={"app.py": LINES + "finish\n"})
    sha = workshop.merge("main", "topic", files={"app.py": LINES + "end, finish\n"})
    before = objects(workshop)

    assert compared(workshop, sha, tmp_path) == Compared(RESOLVED, paths=("app.py",))
    assert objects(workshop) == before


def test_conflicts_that_were_resolved_on_the_branch_before_its_merge_are_not(workshop, tmp_path):
    workshop.commit(files={"app.py": LINES + "finish\n"})
    resolved = workshop.merge("topic", "main", files={"app.py": LINES + "end, finish\n"})
    sha = workshop.merge("main", "topic", files={"app.py": LINES + "end, finish\n"})

    assert compared(workshop, resolved, tmp_path).content == RESOLVED
    assert compared(workshop, sha, tmp_path) == Compared(SAME)


@pytest.mark.parametrize("place", ["new", "old"])
def test_a_file_that_was_added_to_a_folder_which_moved_is_nobodys_doing_wherever_the_forge_put_it(tmp_path, place):
    workshop = Workshop(tmp_path / "mirror.git")
    workshop.commit(files={f"old/{number}": LINES + str(number) for number in range(5)})
    workshop.point("topic", workshop.tip("main"))
    moved = {f"new/{number}": LINES + str(number) for number in range(5)} | {f"old/{number}": None for number in range(5)}
    workshop.commit(files=moved)
    workshop.commit("topic", files={"old/more": "more\n"})
    sha = workshop.merge("main", "topic", files={f"{place}/more": "more\n"})

    assert compared(workshop, sha, tmp_path) == Compared(SAME)


def test_a_merge_of_strangers_is_compared_too(workshop, tmp_path):
    workshop.commit("other", files={"theirs.py": "x"}, parents=[])

    assert compared(workshop, workshop.merge("main", "other", files={"theirs.py": "x"}), tmp_path) == Compared(SAME)
    workshop.commit("third", files={"third.py": "x"}, parents=[])
    mixed = workshop.merge("main", "third", files={"third.py": "y"})
    assert compared(workshop, mixed, tmp_path) == Compared(OWN, paths=("third.py",))


def test_a_merge_of_three_is_unknown(workshop, tmp_path):
    workshop.commit("other", files={"other.py": "x"}, parents=[workshop.tip("main")])
    parents = [workshop.tip(name) for name in ("main", "topic", "other")]
    sha = workshop.commit(parents=parents, files={"app.py": LINES + "end\n", "other.py": "x"})

    found = compared(workshop, sha, tmp_path)

    assert (found.content, found.why) == (UNKNOWN, "It has 3 parents, and Git merges only two so that it can be compared.")


def test_missing_objects_are_unknown(workshop, tmp_path):
    sha = workshop.merge("main", "topic", files={"app.py": LINES + "end\n"})

    found = compare(folder=workshop.folder, sha=sha, parents=[workshop.tip("topic"), "a" * 40], scratch=tmp_path)

    assert found == Compared(UNKNOWN, why="Git could not merge its two sides: git failed without a message.")


def test_a_commit_that_the_mirror_does_not_have_is_unknown(workshop, tmp_path):
    parents = [workshop.tip(name) for name in ("main", "topic")]

    found = compare(folder=workshop.folder, sha="a" * 40, parents=parents, scratch=tmp_path)

    assert (found.content, found.why.startswith("fatal: ")) == (UNKNOWN, True)


def test_a_git_without_the_option_is_unknown(workshop, tmp_path, monkeypatch):
    monkeypatch.setattr(merge_content, "MERGE", ("merge-tree", "--no-such-option"))
    sha = workshop.merge("main", "topic", files={"app.py": LINES + "end\n"})

    assert compared(workshop, sha, tmp_path) == Compared(
        UNKNOWN, why="The git of this machine is older than 2.38 and cannot compare merges."
    )


def test_a_merge_that_takes_too_long_is_unknown(workshop, tmp_path, monkeypatch):
    monkeypatch.setattr(merge_content, "QUICK", 0.0)
    sha = workshop.merge("main", "topic", files={"app.py": LINES + "end\n"})

    found = compared(workshop, sha, tmp_path)

    assert (found.content, found.why.endswith("was stopped after 0 seconds")) == (UNKNOWN, True)


def test_differences_that_cannot_be_named_are_unknown(workshop, tmp_path, monkeypatch):
    sha = workshop.merge("main", "topic", files={})
    asked = merge_content.ask

    def broken(arguments, **more):
        return (128, "", "fatal: unable to read tree") if arguments[0] == "diff-tree" else asked(arguments, **more)

    monkeypatch.setattr(merge_content, "ask", broken)

    assert compared(workshop, sha, tmp_path) == Compared(UNKNOWN, why="fatal: unable to read tree")


# Kept with the commits


@pytest.fixture
def repository(db):
    return Repository.objects.create(name="acme/web", in_scope_from=START + HOUR)


def swept(repository, workshop, at=START + 9 * HOUR, **more):
    for branch in ("main", "prod"):
        record_population(repository=repository, branch=branch, folder=workshop.folder, at=at)
    return compare_merges(repository=repository, folder=workshop.folder, at=at, **more)


def kept(repository):
    rows = BranchCommit.objects.filter(repository=repository, parents__len__gt=1).order_by("branch", "position")
    return [(row.branch, row.merge_content or "waiting") for row in rows]


def evil(workshop, **more):
    """A merge into main that brings something of its own."""
    workshop.commit("topic", files={f"more-{workshop.clock:%H%M}": "x"}, parents=[workshop.tip("main")])
    return workshop.merge("main", "topic", files={"keys.py": f"{workshop.clock}"}, **more)


def test_what_a_merge_holds_is_kept_with_it_on_both_branches_and_asked_once(repository, workshop, monkeypatch):
    workshop.clock = START + 2 * HOUR
    workshop.point("prod", evil(workshop))

    assert swept(repository, workshop) == 1
    assert kept(repository) == [("main", "own"), ("prod", "own")]
    row = BranchCommit.objects.get(branch="main", merge_content="own")
    assert (len(row.merge_paths), row.merge_paths[0], row.merge_why) == (2, "keys.py", "")
    monkeypatch.delattr("changes.delivery.merges.compare")
    assert swept(repository, workshop) == 0


def test_merges_of_before_the_scope_are_history_and_one_that_comes_later_with_an_old_date_is_not(repository, workshop):
    evil(workshop)
    assert swept(repository, workshop) == 0
    assert kept(repository) == [("main", "before")]

    evil(workshop)

    assert swept(repository, workshop, at=START + 10 * HOUR) == 1
    assert kept(repository) == [("main", "before"), ("main", "own")]


def test_a_sweep_ends_with_its_time_and_the_next_goes_on_with_the_newest_first(repository, workshop):
    workshop.clock = START + 2 * HOUR
    for _ in range(3):
        evil(workshop)
    seconds = count()

    assert swept(repository, workshop, seconds=2, clock=lambda: next(seconds)) == 1
    assert kept(repository) == [("main", "waiting"), ("main", "waiting"), ("main", "own")]
    assert swept(repository, workshop) == 2


def test_what_could_not_be_compared_is_tried_again_after_a_day(repository, workshop, monkeypatch):
    workshop.clock = START + 2 * HOUR
    evil(workshop)
    at = START + 9 * HOUR

    def fails(*args, **more):
        raise GitError("The machine was busy.")

    with monkeypatch.context() as patch:
        patch.setattr(merge_content, "run", fails)
        assert swept(repository, workshop, at) == 0
    row = BranchCommit.objects.get(parents__len=2)
    assert (row.merge_content, row.merge_why, row.merge_words) == ("unknown", "The machine was busy.", "Could not be compared")

    assert swept(repository, workshop, at + AGAIN - HOUR) == 0
    assert kept(repository) == [("main", "unknown")]
    assert swept(repository, workshop, at + AGAIN) == 1
    row.refresh_from_db()
    assert (row.merge_content, row.merge_why, row.merge_words) == ("own", "", "Content that neither side has")
