"""Git itself, on real repositories."""

import base64
import contextlib
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from changes.delivery import git, git_process
from changes.delivery.git import GitCommit
from changes.delivery.git_process import Access, GitError, GitMissing, GitRefused
from tests.changes.delivery.workshop import ANN, BOB, START, Workshop
from tests.pace import SHARED

ROOT = Path(__file__).parents[3]


def copy(workshop, tmp_path, local):
    folder = tmp_path / "mirror.git"
    git.mirror(clone_url=f"file://{workshop.folder}", folder=folder, access=local, seconds=30)
    return folder


def refs(folder):
    code, printed, _ = git_process.ask(["for-each-ref", "--format=%(refname)"], folder=folder, seconds=10)
    assert code == 0
    return printed.split()


def test_a_mirror_has_heads_and_tags_and_nothing_else(workshop, tmp_path, local):
    sha = workshop.commit()
    workshop.commit("topic", parents=[sha])
    workshop.git("update-ref", "refs/tags/v1", sha)
    workshop.git("update-ref", "refs/pull/1/head", sha)

    folder = copy(workshop, tmp_path, local)

    assert refs(folder) == ["refs/heads/main", "refs/heads/topic", "refs/tags/v1"]
    assert git.tip(folder=folder, branch="main") == sha


def test_a_second_mirror_follows_force_pushes_and_deleted_branches(workshop, tmp_path, local):
    first = workshop.commit()
    workshop.commit()
    workshop.commit("topic", parents=[first])
    copy(workshop, tmp_path, local)
    workshop.point("main", first)
    workshop.git("update-ref", "-d", "refs/heads/topic")

    folder = copy(workshop, tmp_path, local)

    assert refs(folder) == ["refs/heads/main"]
    assert git.tip(folder=folder, branch="main") == first


def test_locks_that_a_killed_git_left_behind_do_not_stop_the_next_mirror(workshop, tmp_path, local):
    workshop.commit()
    folder = copy(workshop, tmp_path, local)
    for name in ("packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x"):
        (folder / name).touch()

    sha = workshop.commit()
    copy(workshop, tmp_path, local)

    assert git.tip(folder=folder, branch="main") == sha


def test_a_mirror_with_a_part_of_the_history_is_completed_and_a_forge_with_a_part_is_refused(workshop, tmp_path, local):
    shas = [workshop.commit() for _ in range(4)]
    for name in ("mirror.git", "part.git"):
        workshop.git("clone", "--quiet", "--mirror", "--depth=2", f"file://{workshop.folder}", str(tmp_path / name))

    folder = copy(workshop, tmp_path, local)

    assert list(git.first_parent_shas(folder=folder, branch="main")) == shas[::-1]
    (folder / "shallow").write_text(f"{shas[2]}\n")
    with pytest.raises(GitRefused, match="only the newest part"):
        git.mirror(clone_url=f"file://{tmp_path}/part.git", folder=folder, access=local, seconds=30)


def test_a_commit_says_all_that_git_knows_of_it(workshop, tmp_path, local):
    root = workshop.commit(files={"a": "1", "b": "2"}, message="Start")
    message = (
        "Say hello\n\nWhy it is so.\n\nCo-authored-by: Cleo <cleo@northwind.example>\nCo-authored-by: Dev <dev@northwind.example>\n"
    )
    sha = workshop.commit(files={"b": None, "ü/n\ne w": "3"}, message=message, committer=BOB)
    folder = copy(workshop, tmp_path, local)

    found = list(git.first_parent(folder=folder, branch="main"))

    assert [commit.sha for commit in found] == [root, sha]
    assert found[0].paths == ("a", "b")
    assert found[1] == GitCommit(
        sha=sha,
        parents=(root,),
        committed_at=workshop.clock,
        author_name="Ann",
        author_email="ann@northwind.example",
        committer_name="Bob",
        committer_email="bob@northwind.example",
        subject="Say hello",
        co_authors=("Cleo <cleo@northwind.example>", "Dev <dev@northwind.example>"),
        paths=("b", "ü/n\ne w"),
    )


def test_a_merge_is_one_commit_with_the_paths_that_it_brought(workshop, tmp_path, local):
    root = workshop.commit(files={"a": "1"})
    workshop.commit("topic", parents=[root], files={"b": "1"})
    topic = workshop.commit("topic", files={"c": "1"})
    merge = workshop.merge("main", "topic", files={"b": "1", "c": "1"})
    folder = copy(workshop, tmp_path, local)

    found = list(git.first_parent(folder=folder, branch="main"))

    assert [(commit.sha, commit.parents, commit.paths) for commit in found] == [
        (root, (), ("a",)),
        (merge, (root, topic), ("b", "c")),
    ]


def test_a_moved_file_shows_its_old_and_its_new_name(workshop, tmp_path, local):
    workshop.commit(files={"old": "long enough to look the same\n" * 20})
    workshop.commit(files={"old": None, "new": "long enough to look the same\n" * 20})
    folder = copy(workshop, tmp_path, local)

    assert [commit.paths for commit in git.first_parent(folder=folder, branch="main")] == [("old",), ("new", "old")]


@pytest.mark.parametrize(
    "message", ["", "\n\n", "one line", "two\nlines", "mark \x01\x02\x1f inside", "\u202eright to left", "x" * 5000]
)
def test_no_message_confuses_the_reader(workshop, tmp_path, local, message):
    workshop.commit(files={"a": "1"}, message=message)
    workshop.commit(files={}, message=message)
    workshop.commit(files={"\nstarts with a new line": "1"}, message=message)
    folder = copy(workshop, tmp_path, local)

    assert [commit.paths for commit in git.first_parent(folder=folder, branch="main")] == [
        ("a",),
        (),
        ("\nstarts with a new line",),
    ]


def test_text_that_is_not_utf_8_stays_visible(workshop, tmp_path, local):
    workshop.commit(files={"caf\udce9": "1"}, message=b"caf\xe9")
    folder = copy(workshop, tmp_path, local)

    (commit,) = git.first_parent(folder=folder, branch="main")

    assert (commit.subject, commit.paths) == ("caf\\xe9", ("caf\\xe9",))


def test_a_date_beyond_all_calendars_is_the_last_day(workshop, tmp_path, local):
    workshop.commit(at=400_000_000_000)
    folder = copy(workshop, tmp_path, local)

    (commit,) = git.first_parent(folder=folder, branch="main")

    assert commit.committed_at == git.LAST_TIME


def test_only_the_commits_after_the_known_one_are_read(workshop, tmp_path, local):
    shas = [workshop.commit() for _ in range(4)]
    folder = copy(workshop, tmp_path, local)

    assert [commit.sha for commit in git.first_parent(folder=folder, branch="main", since_sha=shas[1])] == shas[2:]
    assert list(git.first_parent_shas(folder=folder, branch="main")) == shas[::-1]


def test_what_a_release_brings_is_every_commit_and_not_only_the_first_parents(workshop, tmp_path, local):
    root = workshop.commit()
    side = workshop.commit("topic", parents=[root])
    merge = workshop.merge("main", "topic")
    folder = copy(workshop, tmp_path, local)

    assert [commit.sha for commit in git.commits_between(folder=folder, base=root, head=merge)] == [side, merge]
    assert list(git.commits_between(folder=folder, base=merge, head=root)) == []


def test_ancestry_is_answered_by_git(workshop, tmp_path, local):
    root = workshop.commit()
    side = workshop.commit("topic", parents=[root])
    main = workshop.commit()
    folder = copy(workshop, tmp_path, local)

    assert git.is_ancestor(folder=folder, ancestor=root, descendant=side)
    assert not git.is_ancestor(folder=folder, ancestor=main, descendant=side)
    assert git.contains(folder=folder, branch="main", sha=root)
    assert not git.contains(folder=folder, branch="main", sha=side)
    assert not git.contains(folder=folder, branch="main", sha="0" * 40)
    assert not git.contains(folder=folder, branch="gone", sha=root)


def test_asking_about_an_unknown_commit_is_an_error_and_not_a_no(workshop, tmp_path, local):
    sha = workshop.commit()
    folder = copy(workshop, tmp_path, local)

    with pytest.raises(GitRefused):
        git.is_ancestor(folder=folder, ancestor="1" * 40, descendant=sha)
    with pytest.raises(GitRefused):
        list(git.commits_between(folder=folder, base="1" * 40, head=sha))
    with pytest.raises(GitRefused):
        list(git.first_parent(folder=folder, branch="gone"))


def test_reading_can_stop_in_the_middle(workshop, tmp_path, local):
    workshop.fill(5000)
    folder = copy(workshop, tmp_path, local)

    first = next(iter(git.first_parent(folder=folder, branch="main")))

    assert first.subject == "Change 1"


@pytest.mark.parametrize(
    "branch", ["-x", "--upload-pack=touch x", "a..b", "a b", "a^", "a:b", "a~1", "", "@{1}", "x.lock", "a/", "a\x00b"]
)
def test_a_branch_name_that_git_could_misread_is_refused(tmp_path, branch):
    with pytest.raises(GitRefused):
        git.tip(folder=tmp_path, branch=branch)


@pytest.mark.parametrize("sha", ["HEAD", "--all", "abc", "A" * 40, "a" * 41, "a" * 40 + "\n"])
def test_a_commit_id_that_is_none_is_refused(tmp_path, sha):
    with pytest.raises(GitRefused):
        git.has_commit(folder=tmp_path, sha=sha)


@pytest.mark.parametrize("branch", ["main", "feature/x-1", "release-1.2", "ünï", "dependabot/npm_and_yarn/x@y"])
def test_an_ordinary_branch_name_is_taken(branch):
    assert git_process.check_branch(branch) == f"refs/heads/{branch}"


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c 'touch pwned'",
        "file:///etc",
        "ssh://forge.example/x",
        "http://forge.example/x",
        "--upload-pack=x",
        "/etc",
        "https://ann:secret@forge.example/x.git",
    ],
)
def test_an_address_that_is_not_allowed_is_refused_before_git_starts(tmp_path, address):
    with pytest.raises(GitRefused) as refused:
        git.mirror(clone_url=address, folder=tmp_path / "m.git", access=Access(), seconds=5)

    assert "secret" not in str(refused.value)
    assert not (tmp_path / "m.git").exists()


def test_a_repository_that_is_not_there_is_a_permanent_error(tmp_path, local):
    with pytest.raises(GitRefused):
        git.mirror(clone_url=f"file://{tmp_path}/nothing.git", folder=tmp_path / "m.git", access=local, seconds=10)


def test_a_machine_without_git_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing is there

    with pytest.raises(GitMissing, match="not installed"):
        git.tip(folder=tmp_path, branch="main")


def test_a_folder_without_a_mirror_says_so(tmp_path):
    with pytest.raises(GitRefused, match="no mirror yet"):
        git.tip(folder=tmp_path / "7.git", branch="main")


def test_hooks_and_settings_of_the_machine_are_not_used(workshop, tmp_path, local, monkeypatch):
    workshop.commit()
    folder = copy(workshop, tmp_path, local)
    trace = tmp_path / "hook ran"
    hook = folder / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{trace}'\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    (tmp_path / ".gitconfig").write_text('[url "file:///nowhere/"]\n\tinsteadOf = file:///\n')
    monkeypatch.setenv("HOME", str(tmp_path))

    workshop.commit()
    copy(workshop, tmp_path, local)

    assert not trace.exists()


class Forge(BaseHTTPRequestHandler):
    """Answers every request alike and remembers what it was asked."""

    answer = 401
    seen: list[str]

    def do_GET(self):
        type(self).seen.append(self.headers.get("Authorization", ""))
        if self.answer == 0:
            time.sleep(5)
        self.send_response(self.answer or 200)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def forge(request):
    handler = type("OneForge", (Forge,), {"answer": request.param, "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("forge", [401, 404, 302], indirect=True)
def test_a_refusal_of_the_forge_is_permanent_and_a_redirect_is_not_followed(forge, tmp_path):
    _, origin = forge
    access = Access(protocols=("http",))

    with pytest.raises(GitRefused):
        git.mirror(clone_url=f"{origin}/x.git", folder=tmp_path / "m.git", access=access, seconds=10)


@pytest.mark.parametrize("forge", [503], indirect=True)
def test_a_forge_that_is_away_is_a_passing_error(forge, tmp_path):
    _, origin = forge

    with pytest.raises(GitError) as error:
        git.mirror(clone_url=f"{origin}/x.git", folder=tmp_path / "m.git", access=Access(protocols=("http",)), seconds=10)

    assert not isinstance(error.value, GitRefused)


@pytest.mark.parametrize("forge", [0], indirect=True)
def test_a_forge_that_does_not_answer_is_given_up_after_the_time_limit(forge, tmp_path):
    _, origin = forge
    started = time.monotonic()

    with pytest.raises(GitError, match="stopped after 1 seconds"):
        git.mirror(clone_url=f"{origin}/x.git", folder=tmp_path / "m.git", access=Access(protocols=("http",)), seconds=1)

    assert time.monotonic() - started < 4 * SHARED


@pytest.mark.parametrize("forge", [0], indirect=True)
def test_git_ends_with_the_worker_that_started_it(forge, tmp_path):
    handler, origin = forge
    code = (
        "from pathlib import Path; from changes.delivery import git; from changes.delivery.git_process import Access; "
        f"git.mirror(clone_url='{origin}/x.git', folder=Path('{tmp_path}/m.git'), access=Access(protocols=('http',)), seconds=60)"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_until(lambda: handler.seen)
    assert running(f"{origin}/x.git")

    worker.kill()
    worker.wait()

    wait_until(lambda: not running(f"{origin}/x.git"))


def running(text):
    """Processes of git whose command line holds ``text``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [line] if line.startswith("git ") and text in line else []
    return found


def wait_until(holds, seconds=20):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("forge", [401], indirect=True)
def test_the_token_reaches_the_forge_and_neither_the_command_line_nor_the_message(forge, tmp_path, monkeypatch):
    handler, origin = forge
    token = "tok-" + "7" * 30
    spied = tmp_path / "bin" / "git"
    spied.parent.mkdir()
    real = next(Path(part) / "git" for part in os.environ["PATH"].split(":") if (Path(part) / "git").exists())
    spied.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/arguments"\nexec "{real}" "$@"\n')
    spied.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spied.parent}:{os.environ['PATH']}")
    access = Access(token=token, origin=origin, protocols=("http",))

    with pytest.raises(GitRefused) as refused:
        git.mirror(clone_url=f"{origin}/x.git", folder=tmp_path / "m.git", access=access, seconds=10)

    expected = "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()
    assert expected in handler.seen
    written = (tmp_path / "arguments").read_text()
    for secret in (token, expected.removeprefix("Basic ")):
        assert secret not in written
        assert secret not in str(refused.value)
    assert token not in repr(access)


@pytest.mark.parametrize("forge", [404], indirect=True)
def test_a_pinned_address_is_called_instead_of_asking_for_the_name(forge, tmp_path):
    handler, origin = forge
    port = origin.rsplit(":", 1)[1]
    access = Access(protocols=("http",), pins=(f"forge.northwind.example:{port}:127.0.0.1",))

    with pytest.raises(GitRefused):
        git.mirror(clone_url=f"http://forge.northwind.example:{port}/x.git", folder=tmp_path / "m.git", access=access, seconds=10)

    assert len(handler.seen) == 1


def test_twenty_thousand_commits_are_read_as_a_stream(tmp_path):
    workshop = Workshop(tmp_path / "big.git")
    workshop.fill(20_000)
    started = time.monotonic()

    count, merges, last = 0, 0, None
    for last in git.first_parent(folder=workshop.folder, branch="main"):
        count += 1
        merges += len(last.parents) == 2

    assert (count, merges) == (20_000, 2000)
    assert last is not None
    assert (last.subject, last.author_name) == ("Change 20000", ANN[0])
    assert last.committed_at == datetime.fromtimestamp(int(START.timestamp()) + 20_000, UTC)
    assert time.monotonic() - started < 10 * SHARED
