"""The populations: what has to have a counterpart, each as one statement, so that a number and its rows are the same rows.

A statement yields ``key, at, place, name, words, link, state, exception`` for a window and a scope. ``state`` is matched,
unmatched or outside, ``words`` say what it is, and why where it is outside; ``exception`` is the record that stands for it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from changes.completeness.statements import (
    CARRIED,
    CHANGED,
    COMMITS,
    EDITS,
    IN_CHANNEL,
    IN_SCOPE,
    LOGGED,
    MERGED,
    MESSAGES,
    MIRRORED,
    OF_RELEASES,
    ON_PROD,
    RELEASED,
    RELEASES,
)
from changes.completeness.window import Window
from changes.delivery.models import Repository
from changes.delivery.population import uncovered_commits
from changes.exceptions.edit_words import ACCESS, DNS, PREFIX, SECRETS

Statement = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Population:
    """One population. ``asked`` is how its source is asked, ``counterpart`` what a row has to have.

    ``systems`` are those that its rows are of, and their counterparts where it looks back; one of them in scope is enough.
    """

    code: str
    source: str
    systems: tuple[str, ...]
    title: str
    counterpart: str
    asked: str
    statement: Callable[[Window], Statement]
    backward: bool = False


def _commits(window: Window) -> Statement:
    """Those that no pull request brought are found by the anti-join of the population; everything else is covered."""
    rows = Repository.objects.order_by("id")
    if window.repositories is not None:
        rows = rows.filter(name__in=window.repositories)
    return COMMITS.format(in_scope=IN_SCOPE), window.values | {"lone": lone_commits(repositories=rows)}


def lone_commits(*, repositories: Iterable[Repository]) -> list[int]:
    """Ids of the commits of main and prod that no pull request brought."""
    found: list[int] = []
    for repository in repositories:
        for branch in {repository.main_branch, repository.prod_branch}:
            found += [commit.pk for commit in uncovered_commits(repository=repository, branch=branch)]
    return found


def _plainly(statement: str, **parts: str) -> Callable[[Window], Statement]:
    whole = statement.format(in_scope=IN_SCOPE, releases=OF_RELEASES, carried=CARRIED, **parts)
    return lambda window: (whole, window.values)


def _edits(*, prefix: str, kinds: tuple[str, ...], only: str) -> Callable[[Window], Statement]:
    statement = EDITS.format(prefix=prefix, wanted=f"v.kind = ANY(%(kinds)s) AND {only}")
    return lambda window: (statement, window.values | {"kinds": list(kinds)})


def _of_changes(present: str, *, readable: str = "true") -> Callable[[Window], Statement]:
    """``readable``: where the counterpart could be seen at all."""
    return _plainly(CHANGED, present=present, readable=readable)


_NOT_FAILED = "(v.detail ->> 'result') IS DISTINCT FROM 'failure'"
_ALL = (
    Population(
        "commits",
        "git",
        ("git",),
        "Commits on main and prod",
        "a pull request that brought it",
        "git log --first-parent of each branch, from a mirror of the repository; by the committer's date",
        _commits,
    ),
    Population(
        "merged",
        "github",
        ("git",),
        "Merged pull requests",
        "a change",
        "GET /repos/{owner}/{repo}/pulls?state=all&sort=updated, and deliveries; merged into main or prod, by merged_at",
        _plainly(MERGED),
    ),
    Population(
        "fly-releases",
        "fly",
        ("fly",),
        "Releases at Fly",
        "a change",
        "the releases of each production app, from Fly's API or the JSON of its command line; by created_at",
        _plainly(RELEASES, source="fly"),
    ),
    Population(
        "deployments",
        "github",
        ("git",),
        "Deployments at the forge",
        "a change",
        "GET /repos/{owner}/{repo}/deployments; environment production, by created_at",
        _plainly(RELEASES, source="github"),
    ),
    Population(
        "messages",
        "slack",
        ("slack",),
        "Messages in the channel",
        "a release",
        "messages of the log of production changes, as Slack has taken them, by channel and ts",
        _plainly(MESSAGES),
    ),
    Population(
        "doppler-edits",
        "doppler",
        ("doppler",),
        "Edits of production secrets",
        "a change",
        "GET /v3/configs/config/logs of each production config; by created_at",
        _edits(prefix=PREFIX, kinds=(SECRETS,), only="v.environment = 'production'"),
    ),
    Population(
        "cloudflare-edits",
        "cloudflare",
        ("cloudflare",),
        "Edits of DNS and Access",
        "a change",
        "GET /accounts/{account}/logs/audit; DNS and Access, without what failed; by the time of the action",
        _edits(prefix=PREFIX, kinds=(*DNS, *ACCESS), only=_NOT_FAILED),
    ),
    Population(
        "logged",
        "portal",
        ("fly", "git", "slack"),
        "Releases to production, in the channel",
        "a message",
        "every release to production on record, against the messages that Slack has taken",
        _plainly(LOGGED),
        backward=True,
    ),
    Population(
        "changes-commit",
        "portal",
        ("portal", "git"),
        "Released changes, in Git",
        "a commit on prod",
        "every change released in the window, against the commits of prod in the mirror",
        _of_changes(ON_PROD, readable=MIRRORED),
        backward=True,
    ),
    Population(
        "changes-release",
        "portal",
        ("portal", "fly", "git"),
        "Released changes, in production",
        "a release",
        "every change released in the window, against the releases of its commits",
        _of_changes(RELEASED),
        backward=True,
    ),
    Population(
        "changes-message",
        "portal",
        ("portal", "slack"),
        "Released changes, in the channel",
        "a message",
        "every change released in the window, against the messages about its releases",
        _of_changes(IN_CHANNEL),
        backward=True,
    ),
)
POPULATIONS: dict[str, Population] = {one.code: one for one in _ALL}
