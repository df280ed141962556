"""How the demo company works with its vendors: names of apps and branches, and the everyday acts that take several steps."""

import re
from datetime import datetime

from portal.standins.fly import FlyStandIn
from portal.standins.github import GitHubError, GitHubStandIn
from portal.standins.store import Row

CI = "ci / tests"
ENVIRONMENTS = {"staging": "staging", "production": "prod"}
BRANCHES = {"staging": "main", "production": "prod"}
CHANNELS = ("production-changes", "emergencies")
"""Slack's channels: the log of production changes, and the threads of emergencies."""
ZONE, SECRETS = "northwind.example", "shop"
"""The domain at Cloudflare, and the project at Doppler."""
PROMOTION_TITLE = "Promote main to production"


def app_name(repository: str, environment: str) -> str:
    """The Fly app of a repository in an environment: ``northwind-web-prod``."""
    return f"{repository.replace('/', '-')}-{ENVIRONMENTS[environment]}"


def development_app(repository: str) -> str:
    """The app in which people try things, where there is one: ``northwind-web-dev``."""
    return f"{repository.replace('/', '-')}-dev"


def org_of(repository: str, environment: str) -> str:
    """The Fly organisation: one for each environment, as Fly advises."""
    return f"{repository.split('/')[0]}-{environment}"


def branch_name(title: str, by: str) -> str:
    """A branch for a piece of work: ``ann/greet-by-name``."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return f"{by.removesuffix('[bot]')}/{words[:40].strip('-')}"


def open_work(
    github: GitHubStandIn,
    *,
    repository: str,
    title: str,
    by: str,
    files: dict[str, str | None] | None = None,
    body: str = "",
    labels: tuple[str, ...] = (),
    co_authors: tuple[str, ...] = (),
    base: str = "main",
    at: datetime | None = None,
) -> Row:
    """Somebody commits to a new branch from ``base`` and opens a pull request."""
    github.repository(repository)
    branch = _free_branch(github, repository, branch_name(title, by))
    changed = files or {f"notes/{branch.rpartition('/')[2]}.md": f"# {title}\n"}
    github.commit(
        repository=repository, branch=branch, files=changed, author=by, message=title, co_authors=co_authors, start=base, at=at
    )
    return github.open_pull_request(
        repository=repository, head=branch, base=base, title=title, by=by, body=body, labels=labels, at=at
    )


def _free_branch(github: GitHubStandIn, repository: str, wanted: str) -> str:
    taken = github.git(repository).branches()
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def promote(github: GitHubStandIn, *, repository: str, by: str, body: str = "", at: datetime | None = None) -> Row:
    """Opens the pull request from main to prod, or returns the open one."""
    for row in github.pulls(repository):
        if row["state"] == "open" and (row["head_ref"], row["base_ref"]) == ("main", "prod"):
            return github.pull_request(repository=repository, number=row["number"])
    return github.open_pull_request(repository=repository, head="main", base="prod", title=PROMOTION_TITLE, by=by, body=body, at=at)


def ship(
    github: GitHubStandIn,
    fly: FlyStandIn,
    *,
    repository: str,
    environment: str,
    by: str,
    sha: str = "",
    failed: bool = False,
    at: datetime | None = None,
) -> Row:
    """Releases a commit (default: the branch's newest) to an environment: a Fly release, and the deployment at GitHub."""
    if environment not in ENVIRONMENTS:
        raise GitHubError(422, f"environment is one of {', '.join(ENVIRONMENTS)}")
    commit = github.tip(repository, sha or f"refs/heads/{BRANCHES[environment]}")
    app = app_name(repository, environment)
    fly.create_app(name=app, org=org_of(repository, environment), at=at)
    email = github.account(by)["email"]
    made = fly.release(app=app, by=email, sha=commit, repository=repository, status="failed" if failed else "complete", at=at)
    github.deploy(
        repository=repository, environment=environment, sha=commit, by=by, state="failure" if failed else "success", at=at
    )
    return made
