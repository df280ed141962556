"""Git itself against the stand-in: clone, fetch and push by the real ``git``."""

import subprocess

import pytest

from portal.standins.git import clean_environment
from tests.portal.standins.asking import ask
from tests.portal.standins.life import WEB


def git(*args, cwd=None):
    author = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Ann Berg"), ("EMAIL", "ann@northwind.example"))
    }
    return subprocess.run(["git", *args], cwd=cwd, env=clean_environment() | author, capture_output=True, text=True, timeout=30)


def address(github, login, token=None):
    return github.clone_url(WEB).replace("://", f"://{login}:{token or github.token_of(login)}@")


@pytest.fixture
def checkout(northwind, tmp_path):
    """A clone by ann with one more commit on main."""
    folder = tmp_path / "checkout"
    assert git("clone", "--quiet", address(northwind, "ann"), str(folder)).returncode == 0
    (folder / "new.txt").write_text("new\n")
    git("add", ".", cwd=folder)
    git("commit", "--quiet", "-m", "By hand", cwd=folder)
    return folder


def test_a_mirror_holds_every_branch(northwind, tmp_path):
    token = northwind.token()

    done = git("clone", "--quiet", "--mirror", address(northwind, "x-access-token", token), str(tmp_path / "mirror"))

    assert done.returncode == 0
    heads = git("for-each-ref", "--format=%(refname)", "refs/heads", cwd=tmp_path / "mirror").stdout.split()
    assert heads == ["refs/heads/main", "refs/heads/prod"]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_a_token_nothing_is_fetched(northwind, tmp_path, token):
    url = address(northwind, "ann", token) if token else northwind.clone_url(WEB)

    assert git("ls-remote", url).returncode != 0


def test_a_push_to_a_free_branch_is_told_as_a_push_by_that_person(northwind, checkout):
    northwind.post_held(lambda headers, body: 202)

    done = git("push", "--quiet", "origin", "HEAD:refs/heads/by-hand", cwd=checkout)
    last = northwind.deliveries()[-1]

    assert done.returncode == 0
    assert northwind.git(WEB).commit_of("by-hand").message == "By hand"
    assert (last["event"], '"ref":"refs/heads/by-hand"' in last["body"], '"created":true' in last["body"]) == ("push", True, True)
    assert '"sender":{"login":"ann"' in last["body"]


def test_a_push_to_a_protected_branch_is_refused(northwind, checkout):
    before = northwind.tip(WEB, "main")

    done = git("push", "origin", "HEAD:main", cwd=checkout)

    assert done.returncode != 0
    assert "GH006: Protected branch update failed" in done.stderr
    assert northwind.tip(WEB, "main") == before


def test_an_administrator_gets_past_the_protection(northwind, checkout):
    done = git("push", "--quiet", address(northwind, "rex"), "HEAD:prod", cwd=checkout)

    assert done.returncode == 0
    assert northwind.git(WEB).commit_of("prod").message == "By hand"
    assert ask(northwind, f"/repos/{WEB}/activity?ref=prod").json()[0]["actor"]["login"] == "rex"


def test_a_forced_push_is_told_as_forced(northwind, checkout):
    northwind.push_direct(repository=WEB, branch="prod", files={"x": "y"}, by="rex", message="Gone soon")

    done = git("push", "--quiet", "--force", address(northwind, "rex"), "HEAD:prod", cwd=checkout)

    assert done.returncode == 0
    assert '"forced":true' in northwind.deliveries()[-1]["body"]


def test_somebody_who_may_only_read_pushes_nothing(northwind, checkout):
    northwind.add_member(repository=WEB, login="bob", by="rex", permission="pull")

    assert git("push", address(northwind, "bob"), "HEAD:refs/heads/mine", cwd=checkout).returncode != 0


def test_a_large_push_arrives_whole(northwind, checkout):
    (checkout / "large.bin").write_bytes(bytes(range(256)) * 12000)
    git("add", ".", cwd=checkout)
    git("commit", "--quiet", "-m", "Large", cwd=checkout)

    done = git(
        "-c",
        "http.postBuffer=65536",
        "-c",
        "core.compression=0",
        "push",
        "--quiet",
        "origin",
        "HEAD:refs/heads/large",
        cwd=checkout,
    )

    assert done.returncode == 0
    assert northwind.git(WEB).files("main", "large")[0].path == "large.bin"
