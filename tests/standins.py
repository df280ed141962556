"""Fixtures: the vendors' stand-ins on free loopback ports, each in a folder of its own.

Use them by naming this module in ``pytest_plugins`` or by importing the fixtures into a ``conftest.py``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.standins.cloudflare import CloudflareStandIn
from portal.standins.doppler import DopplerStandIn
from portal.standins.fly import FlyStandIn
from portal.standins.forge import Forge
from portal.standins.gitea import GiteaStandIn
from portal.standins.github import GitHubStandIn
from portal.standins.gitlab import GitLabStandIn
from portal.standins.slack import SlackStandIn

PEOPLE = {
    "ann": ("Ann Berg", "ann@northwind.example"),
    "bob": ("Bob Okafor", "bob@northwind.example"),
    "rex": ("Rex Stone", "rex@northwind.example"),
}


@pytest.fixture
def github_standin(tmp_path: Path) -> Iterator[GitHubStandIn]:
    """A GitHub that answers over HTTP, with the accounts ann, bob and rex and no repository yet."""
    standin = GitHubStandIn(tmp_path / "github")
    standin.start()
    for number, (login, (name, email)) in enumerate(PEOPLE.items(), start=9001):
        standin.add_account(login=login, uid=number, name=name, email=email)
    yield standin
    standin.stop()


@pytest.fixture
def northwind(github_standin: GitHubStandIn) -> GitHubStandIn:
    """The same with ``northwind/web``: ann and bob may push, rex administers; main and prod protected; webhooks held."""
    github_standin.send_hooks_to("hold:", secret="standin-secret")
    github_standin.create_repository(
        name="northwind/web", by="rex", files={"app/main.py": "print('hello')\n", "fly.toml": 'app = "northwind-web"\n'}
    )
    for login in ("ann", "bob"):
        github_standin.add_member(repository="northwind/web", login=login, by="rex")
    for branch in ("main", "prod"):
        github_standin.set_protection(repository="northwind/web", branch=branch, by="rex")
    return github_standin


@pytest.fixture
def fly_standin(tmp_path: Path) -> Iterator[FlyStandIn]:
    """A Fly that answers over HTTP, without apps."""
    standin = FlyStandIn(tmp_path / "fly")
    standin.start()
    yield standin
    standin.stop()


@pytest.fixture
def slack_standin(tmp_path: Path) -> Iterator[SlackStandIn]:
    """A Slack that answers over HTTP, with ann, bob and rex and the channels production-changes and emergencies."""
    standin = SlackStandIn(tmp_path / "slack")
    standin.start()
    for name, (real_name, email) in PEOPLE.items():
        standin.add_user(name=name, real_name=real_name, email=email)
    for channel in ("production-changes", "emergencies"):
        standin.add_channel(name=channel)
    yield standin
    standin.stop()


@pytest.fixture
def cloudflare_standin(tmp_path: Path) -> Iterator[CloudflareStandIn]:
    """A Cloudflare that answers over HTTP, with an empty account."""
    standin = CloudflareStandIn(tmp_path / "cloudflare")
    standin.start()
    yield standin
    standin.stop()


@pytest.fixture
def doppler_standin(tmp_path: Path) -> Iterator[DopplerStandIn]:
    """A Doppler that answers over HTTP, with an empty workplace."""
    standin = DopplerStandIn(tmp_path / "doppler")
    standin.start()
    yield standin
    standin.stop()


def founded(forge: Forge, check: str) -> Forge:
    """The forge with ``northwind/web``: ann and bob may push, rex administers; main and prod want a review and the check."""
    forge.start()
    for number, (login, (name, email)) in enumerate(PEOPLE.items(), start=9001):
        forge.add_account(login=login, uid=number, name=name, email=email)
    forge.send_hooks_to("hold:", secret="standin-secret")
    long_ago = datetime.now(UTC) - timedelta(days=9)
    forge.create_repository(name="northwind/web", by="rex", files={"app/main.py": "print('hello')\n"}, at=long_ago)
    for login in ("ann", "bob"):
        forge.add_member(repository="northwind/web", login=login, by="rex")
    for branch in ("main", "prod"):
        forge.set_protection(repository="northwind/web", branch=branch, by="rex", checks=[check])
    return forge


@pytest.fixture
def gitea_standin(tmp_path: Path) -> Iterator[GiteaStandIn]:
    """A Gitea that answers over HTTP, with ``northwind/web``; webhooks held."""
    standin = GiteaStandIn(tmp_path / "gitea")
    founded(standin, "ci / tests")
    yield standin
    standin.stop()


@pytest.fixture
def gitlab_standin(tmp_path: Path) -> Iterator[GitLabStandIn]:
    """A GitLab that answers over HTTP, with ``northwind/web``; webhooks held."""
    standin = GitLabStandIn(tmp_path / "gitlab")
    founded(standin, "pipeline")
    yield standin
    standin.stop()
