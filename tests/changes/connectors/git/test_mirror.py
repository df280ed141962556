"""Mirrors of repositories at a forge: over HTTP from the stand-in of GitHub, and from folders."""

import fcntl
import os
import socket
from datetime import timedelta

import pytest

from changes.connectors.errors import AddressRefused, Passing
from changes.connectors.git.mirror import access_of, folder_of, mirror_repository
from changes.connectors.models import Source
from changes.delivery import git
from changes.delivery.models import BranchCommit, PullRequest, Push, Repository
from changes.delivery.population import uncovered_commits
from portal import vault
from tests.changes.delivery.workshop import START, Workshop
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]

pytestmark = pytest.mark.django_db
LATER = START + timedelta(hours=1)


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.GIT_PROTOCOLS = ["https", "http", "file"]
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path / "forge.git")


def repository_of(clone_url, name="northwind/web"):
    return Repository.objects.create(name=name, clone_url=clone_url, in_scope_from=START)


def local(workshop):
    return repository_of(f"file://{workshop.folder}")


def connect(api_url, token="", **more):
    sealed = vault.seal(token) if token else b""
    return Source.objects.create(name="github", kind="github", api_url=api_url, token_encrypted=sealed, connected_at=START, **more)


def branches(repository):
    rows = BranchCommit.objects.filter(repository=repository, gone_at=None).order_by("branch", "position")
    return list(rows.values_list("branch", "sha"))


def test_main_and_prod_are_on_record_after_the_first_mirror(workshop):
    root = workshop.commit()
    workshop.point("prod", root)
    main = workshop.commit()
    web = local(workshop)

    found = mirror_repository(repository=web, at=LATER)

    assert found is not None
    assert (found.changed, found.added) == (True, (root, main))
    assert branches(web) == [("main", root), ("main", main), ("prod", root)]
    web.refresh_from_db()
    assert (web.mirrored_at, web.mirror_error) == (LATER, "")


def test_a_second_mirror_of_an_unchanged_repository_finds_nothing(workshop):
    workshop.point("prod", workshop.commit())
    web = local(workshop)
    mirror_repository(repository=web, at=START)

    found = mirror_repository(repository=web, at=LATER)

    assert found is not None
    assert (found.changed, found.added) == (False, ())
    assert web.mirrored_at == LATER


def test_a_sweep_compares_the_merges_and_says_that_something_moved_when_one_was_written_by_hand(workshop, monkeypatch):
    workshop.point("prod", workshop.commit())
    workshop.commit("topic", parents=[workshop.tip("main")])
    merge = workshop.merge("main", "topic", files={"extra": "x"})
    web = local(workshop)
    with monkeypatch.context() as patch:
        patch.setattr("changes.connectors.git.mirror.compare_merges", lambda **more: 0)
        mirror_repository(repository=web, at=START)

    found = mirror_repository(repository=web, at=LATER)

    assert found is not None
    assert (found.changed, found.added, found.by_hand) == (True, (), 1)
    assert BranchCommit.objects.get(branch="main", sha=merge).merge_content == "own"


def test_a_renamed_repository_keeps_its_mirror(workshop):
    workshop.point("prod", workshop.commit())
    web = local(workshop)
    mirror_repository(repository=web, at=START)
    folder = folder_of(web)
    web.name = "northwind/website"
    web.save()

    found = mirror_repository(repository=web, at=LATER)

    assert found is not None
    assert not found.changed
    assert folder_of(web) == folder


def test_a_branch_that_is_missing_is_said_in_words(workshop):
    sha = workshop.commit()
    web = local(workshop)

    mirror_repository(repository=web, at=LATER)

    assert branches(web) == [("main", sha)]
    assert web.mirror_error == "The repository has no branch prod."


def test_a_repository_that_cannot_be_fetched_keeps_its_record_and_says_why(workshop):
    sha = workshop.commit()
    workshop.point("prod", sha)
    web = local(workshop)
    mirror_repository(repository=web, at=START)
    web.clone_url = f"file://{workshop.folder}-moved"
    web.save()

    assert mirror_repository(repository=web, at=LATER) is None

    web.refresh_from_db()
    assert web.mirrored_at == START
    assert "does not appear to be a git repository" in web.mirror_error
    assert branches(web) == [("main", sha), ("prod", sha)]


def test_a_machine_without_git_is_said_in_words(workshop, monkeypatch, tmp_path):
    web = local(workshop)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert mirror_repository(repository=web, at=LATER) is None
    assert "git program is not installed" in web.mirror_error


def test_a_mirror_that_somebody_else_works_on_is_left_alone(workshop):
    workshop.commit()
    web = local(workshop)
    path = folder_of(web).with_suffix(".lock")
    path.parent.mkdir(parents=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)

    busy = mirror_repository(repository=web, at=LATER)
    os.close(held)

    assert busy is None
    assert web.mirror_error == ""
    assert mirror_repository(repository=web, at=LATER) is not None


def test_nobody_else_on_the_machine_may_read_the_mirrors(workshop):
    workshop.commit()
    web = local(workshop)

    mirror_repository(repository=web, at=LATER)

    assert folder_of(web).parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merged_pull_request_at_the_forge_accounts_for_its_commits(northwind, method):
    name = "northwind/web"
    northwind.remove_protection(repository=name, branch="main", by="rex")
    web = repository_of(northwind.clone_url(name))
    connect(northwind.api_url, northwind.token_of("rex"))
    first = mirror_repository(repository=web, at=START)
    before = northwind.git(name).tip("refs/heads/main")
    for number in range(2):
        northwind.commit(repository=name, branch="topic", files={f"new-{number}": "x"}, message="Work", author="ann")
    pull = northwind.open_pull_request(repository=name, head="topic", base="main", title="Work", by="ann")
    merged = northwind.merge(repository=name, number=pull["number"], by="bob", method=method)["sha"]
    northwind.push_direct(repository=name, branch="main", files={"x": "y"}, message="Quick fix", by="rex")

    found = mirror_repository(repository=web, at=LATER)

    assert first is not None
    assert found is not None
    assert web.mirror_error == ""
    seen = {"repository": web, "reported_at": LATER}
    PullRequest.objects.create(
        **seen, number=1, title="Work", state="merged", head_ref="topic", head_sha="0" * 40, base_ref="main", merge_sha=merged,
        touched_at=LATER,
    )  # fmt: skip
    Push.objects.create(**seen, branch="main", before=before, after=merged, pushed_at=LATER)
    left = uncovered_commits(repository=web, branch="main", among=found.added)
    assert [commit.subject for commit in left] == ["Quick fix"]
    assert len(found.added) == (3 if method == "rebase" else 2)


def test_a_token_that_the_forge_refuses_is_said_and_not_shown(northwind):
    web = repository_of(northwind.clone_url("northwind/web"))
    connect(northwind.api_url, "wrong-token-1234567")

    assert mirror_repository(repository=web, at=LATER) is None
    assert web.mirror_error
    assert "wrong-token" not in web.mirror_error


def access(clone_url):
    return access_of(Repository(name="northwind/web", clone_url=clone_url), at=LATER)


@pytest.fixture
def names(monkeypatch):
    """What names resolve to."""
    known = {}

    def look_up(host, port, **options):
        if host not in known:
            raise socket.gaierror(f"no {host}")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def test_the_address_that_was_checked_is_the_address_that_git_calls(names):
    names["forge.northwind.example"] = ["8.8.8.8", "9.9.9.9"]

    found = access("https://forge.northwind.example/northwind/web.git")

    assert found.pins == ("forge.northwind.example:443:8.8.8.8",)
    assert found.protocols == ("https",)


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254", "::1"])
def test_a_name_that_leads_inside_is_refused(names, address):
    names["forge.northwind.example"] = [address]

    with pytest.raises(AddressRefused, match="may not be reached"):
        access("https://forge.northwind.example/northwind/web.git")


def test_a_listed_host_may_be_inside_and_speak_plain_http(names, settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["forge.northwind.example"]
    names["forge.northwind.example"] = ["10.0.0.7"]

    assert access("http://forge.northwind.example/web.git").pins == ("forge.northwind.example:80:10.0.0.7",)


@pytest.mark.parametrize(
    "clone_url",
    ["http://forge.northwind.example/web.git", "ssh://forge/web.git", "git@forge:web.git", "https://a:b@forge/web.git", ""],
)
def test_a_clone_address_that_is_not_plain_https_is_refused(names, clone_url):
    names["forge.northwind.example"] = ["8.8.8.8"]

    with pytest.raises(AddressRefused):
        access(clone_url)


def test_a_name_that_cannot_be_resolved_is_a_passing_problem(names):
    with pytest.raises(Passing):
        access("https://nowhere.northwind.example/web.git")


@pytest.mark.parametrize(
    ("api_url", "clone_url", "sent"),
    [
        ("https://api.github.com", "https://github.com/northwind/web.git", True),
        ("https://forge.example/api/v3", "https://forge.example/northwind/web.git", True),
        ("https://api.github.com", "https://evil.example/northwind/web.git", False),
        ("https://forge.example/api/v3", "https://forge.example.evil.example/web.git", False),
    ],
)
def test_the_token_is_sent_to_the_forge_only(names, api_url, clone_url, sent):
    for host in ("github.com", "forge.example", "evil.example", "forge.example.evil.example"):
        names[host] = ["8.8.8.8"]
    connect(api_url, "token-of-the-forge")

    assert access(clone_url).token == ("token-of-the-forge" if sent else "")


def test_a_paused_source_lends_no_token(names):
    names["github.com"] = ["8.8.8.8"]
    connect("https://api.github.com", "token-of-the-forge", paused_at=START)

    assert access("https://github.com/northwind/web.git").token == ""


def test_the_mirror_answers_later_questions_without_the_network(workshop):
    root = workshop.commit()
    workshop.point("prod", root)
    main = workshop.commit()
    web = local(workshop)
    mirror_repository(repository=web, at=LATER)

    brought = git.commits_between(folder=folder_of(web), base=root, head=main)

    assert [commit.sha for commit in brought] == [main]
