"""What Countersign asks Gitea or Forgejo: GitHub's client in another dialect (``/api/v1``).

Pages are named ``limit``; statuses take the place of check runs; there are no deployments and no list of pushes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from changes.connectors.errors import NotFound
from changes.connectors.gitea import objects
from changes.connectors.github import people
from changes.connectors.github.api import Api
from changes.connectors.github.client import read_answer
from changes.connectors.github.status_forge import StatusForge
from changes.delivery.facts import (
    BranchRulesReported,
    CheckReported,
    PullRequestReported,
    ReviewReported,
)

PAGE = 50
"""Gitea gives no more on a page, unless it is set up so."""


@dataclass
class Gitea(StatusForge):
    """One repository (``owner/name``) at one Gitea, asked at one moment."""

    NAMED, FAILED = "context", "failure"

    def _api(self) -> Api:
        return Api(source=self.source, at=self.at, page_size=("limit", PAGE))

    def bare_pull_request(self, *, number: int) -> PullRequestReported:
        """The pull request itself, one request."""
        row = self.api.get(path=self._path(f"/pulls/{number}"))
        return read_answer(row, read=lambda value: objects.pull_request(value=value))

    def contributors(self, *, number: int) -> tuple[dict[str, Any], ...]:
        """Authors, committers and co-authors of its commits."""
        rows = self.pull_request_commits(number=number)
        return read_answer(rows, read=lambda found: objects.people(people.commit_people(commits=found)))

    def reviews(self, *, number: int) -> tuple[ReviewReported, ...]:
        """All reviews, oldest first, without questions for one."""
        rows = self.api.items(path=self._path(f"/pulls/{number}/reviews"))
        found = (read_answer(row, read=lambda value: objects.review(value=value, pull_request_number=number)) for row in rows)
        return tuple(review for review in found if review is not None)

    def pull_requests_updated_since(self, *, since: datetime | None) -> Iterator[PullRequestReported]:
        """Newest change first, lazily; ends at the first one that is older than ``since`` (None: all)."""
        query = {"state": "all", "sort": "recentupdate"}
        return self._updated_since(rest="/pulls", query=query, read=lambda value: objects.pull_request(value=value), since=since)

    def commit_pulls(self, *, sha: str) -> tuple[PullRequestReported, ...]:
        """The pull request that brought this commit, if one did."""
        try:
            row = self.api.get(path=self._path(f"/commits/{quote(sha, safe='')}/pull"))
        except NotFound:
            return ()
        return (read_answer(row, read=lambda value: objects.pull_request(value=value)),)

    def check_runs(self, *, sha: str) -> tuple[CheckReported, ...]:
        """None: Gitea knows statuses only."""
        return ()

    def statuses(self, *, sha: str) -> tuple[CheckReported, ...]:
        """The latest status of each context."""
        rows = self.api.items(path=self._path(f"/commits/{quote(sha, safe='')}/status"), under="statuses")
        return tuple(read_answer(row, read=lambda value: objects.status(value=value, sha=sha)) for row in rows)

    def branch_rules(self, *, branch: str) -> BranchRulesReported:
        """What guards a branch, in GitHub's form."""
        rows = self._rows("/branch_protections", {})
        return read_answer(rows, read=lambda found: objects.branch_rules(branch=branch, rules=found))
