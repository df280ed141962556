import subprocess

import pytest

from portal.ledger.anchors import BRANCH, AnchorProblem, FileAnchor, GitAnchor, Overtaken, path_of


def note(size):
    return f"log\n{size}\nAAAA\n\n— log AAAA\n"


NOTES = [(size, note(size)) for size in (3, 20_000, 20_001)]


@pytest.fixture
def git(tmp_path):
    return GitAnchor(tmp_path / "git")


@pytest.fixture
def files(tmp_path):
    return FileAnchor(tmp_path / "files")


@pytest.mark.parametrize("kind", ["git", "files"])
def test_an_anchor_keeps_every_checkpoint_and_knows_the_last(kind, request):
    anchor = request.getfixturevalue(kind)
    assert (anchor.last(), list(anchor.notes())) == (0, [])

    anchor.write(NOTES[:1])
    anchor.write([])
    anchor.write(NOTES[1:])

    assert anchor.last() == 20_001
    assert {*anchor.notes()} == {text for _, text in NOTES}


def test_the_file_anchor_also_keeps_all_in_one_file(files):
    files.write(NOTES)

    assert (files.folder / "checkpoints.txt").read_text() == "\n".join(text for _, text in NOTES) + "\n"
    assert (files.folder / "sizes" / path_of(*NOTES[2])).read_text() == note(20_001)


def test_the_file_anchor_goes_on_behind_a_torn_note(files):
    files.write(NOTES[:1])
    together = files.folder / "checkpoints.txt"
    together.write_text(together.read_text() + NOTES[1][1][:-5])
    assert files.last() == 3

    files.write(NOTES[1:])

    assert files.last() == 20_001
    assert {*files.notes()} == {text for _, text in NOTES}


@pytest.mark.parametrize("kind", ["git", "files"])
def test_an_anchor_that_was_ahead_goes_on_from_where_it_was_rewound_to_and_loses_nothing(kind, request):
    anchor = request.getfixturevalue(kind)
    anchor.write(NOTES)
    other = NOTES[1][0], NOTES[1][1].replace("AAAA", "BBBB", 1) + "x"

    anchor.write(NOTES[:1])
    assert anchor.last() == 3
    anchor.write([other])

    assert anchor.last() == 20_000
    assert {text for _, text in NOTES} <= {*anchor.notes()}


def test_a_folder_that_cannot_be_written_is_a_passing_problem(files):
    files.folder.parent.mkdir(exist_ok=True)
    files.folder.write_text("a file in the way")
    with pytest.raises(AnchorProblem, match="files"):
        files.write(NOTES)


def test_the_git_anchor_makes_a_commit_for_each_checkpoint(git):
    git.write(NOTES)

    log = subprocess.run(
        ["git", "-C", git.repository, "log", "--format=%s %an", "--name-only", "checkpoints"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert log.stdout.split("\n\n") == [
        f"Checkpoint 20001 Countersign\n\n{path_of(*NOTES[2])}".split("\n\n")[0],
        f"{path_of(*NOTES[2])}\nCheckpoint 20000 Countersign",
        f"{path_of(*NOTES[1])}\nCheckpoint 3 Countersign",
        f"{path_of(*NOTES[0])}\n",
    ]


def test_the_git_anchor_writes_into_an_existing_repository_without_touching_what_is_checked_out(tmp_path):
    repository = tmp_path / "work"
    subprocess.run(["git", "init", "--quiet", "-b", "main", repository], check=True)
    anchor = GitAnchor(repository)

    anchor.write(NOTES)

    assert anchor.last() == 20_001
    assert [path.name for path in repository.iterdir()] == [".git"]


def test_the_git_anchor_pushes_to_its_remote(tmp_path):
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    anchor = GitAnchor(tmp_path / "git", remote=f"file://{remote}")

    anchor.write(NOTES)

    assert GitAnchor(remote).last() == 20_001


def test_what_a_failed_push_left_behind_goes_with_the_next(tmp_path):
    remote = tmp_path / "remote.git"
    anchor = GitAnchor(tmp_path / "git", remote=f"file://{remote}")
    with pytest.raises(AnchorProblem, match="git push"):
        anchor.write(NOTES)

    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    anchor.write([])

    assert GitAnchor(remote).last() == 20_001


def test_a_remote_with_another_history_is_never_overwritten(tmp_path):
    remote = tmp_path / "remote.git"
    GitAnchor(remote).write([(7, note(7))])
    anchor = GitAnchor(tmp_path / "git", remote=f"file://{remote}")
    with pytest.raises(AnchorProblem, match="git push"):
        anchor.write(NOTES)

    assert GitAnchor(remote).last() == 7


def test_a_branch_with_other_commits_counts_as_empty(git):
    git.write(NOTES[:1])
    tree = (
        subprocess.run(["git", "-C", git.repository, "mktree"], input=b"", capture_output=True, check=True).stdout.strip().decode()
    )
    identity = ["-c", "user.name=x", "-c", "user.email=x@x"]
    other = (
        subprocess.run(
            ["git", "-C", git.repository, *identity, "commit-tree", tree, "-m", "Other"], capture_output=True, check=True
        )
        .stdout.strip()
        .decode()
    )
    subprocess.run(["git", "-C", git.repository, "update-ref", "refs/heads/checkpoints", other], check=True)

    assert git.last() == 0


def test_a_folder_that_is_no_repository_is_a_passing_problem(tmp_path):
    (tmp_path / "git").mkdir()
    with pytest.raises(AnchorProblem, match="git"):
        GitAnchor(tmp_path / "git").write(NOTES)


def test_a_branch_that_cannot_be_written_is_a_passing_problem_and_nobody_was_quicker(git):
    git.write(NOTES[:1])
    (git.repository / f"{BRANCH}.lock").touch()

    with pytest.raises(AnchorProblem, match="git fast-import") as raised:
        git.write(NOTES[1:])

    assert not isinstance(raised.value, Overtaken)
    assert git.last() == NOTES[0][0]


def test_a_git_that_hangs_is_given_up(git, monkeypatch):
    git.write(NOTES[:1])

    def hang(*arguments, **options):
        raise subprocess.TimeoutExpired("git", 30)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(AnchorProblem, match="TimeoutExpired"):
        git.last()


def test_a_password_in_the_address_of_the_remote_is_not_told(tmp_path):
    anchor = GitAnchor(tmp_path / "git", remote="https://me:hunter2@127.0.0.1:1/anchor.git")
    with pytest.raises(AnchorProblem, match="git push") as problem:
        anchor.write(NOTES)

    assert "hunter2" not in str(problem.value)
