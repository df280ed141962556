"""What Countersign asks Gitea or Forgejo: GitHub's client in another dialect (``/api/v1``).

Pages are named ``limit``; statuses take the place of check runs; there are no deployments and no list of pushes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from changes.connectors.errors import NotFound
from changes.connectors.gitea import objects
from changes.connectors.github import people
from changes.connectors.github.api import Api
from changes.connectors.github.client import GitHub, read_answer
from changes.delivery.facts import (
    BranchRulesReported,
    CheckReported,
    DeploymentReported,
    PullRequestReported,
    PushReported,
    ReviewReported,
)

PAGE = 50
"""Gitea gives no more on a page, unless it is set up so."""


@dataclass
class Gitea(GitHub):
    """One repository (``owner/name``) at one Gitea, asked at one moment."""

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
        for row in self.api.items(path=self._path("/pulls"), query={"state": "all", "sort": "recentupdate"}):
            found = read_answer(row, read=lambda value: objects.pull_request(value=value))
            if since is not None and found.vendor_updated_at is not None and found.vendor_updated_at < since:
                return
            yield found

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

    def deployments_since(self, *, since: datetime | None) -> Iterator[DeploymentReported]:
        """None: Gitea keeps no deployments."""
        return iter(())

    def activity_since(self, *, since: datetime) -> Iterator[PushReported]:
        """None: pushes are read from deliveries and from Git itself."""
        return iter(())

    def set_status(self, *, sha: str, name: str, run: Mapping[str, Any]) -> int:
        """Say how a commit stands, as a status; ``run`` holds status, conclusion, details_url and output as for a check run."""
        output = run.get("output") or {}
        body = {
            "state": "pending" if run["status"] != "completed" else STATES.get(str(run.get("conclusion")), "failure"),
            "context": name,
            "target_url": run.get("details_url", ""),
            "description": str(output.get("title", ""))[:140],
        }
        made = self.api.write(path=self._path(f"/statuses/{quote(sha, safe='')}"), body=body)
        number = made.get("id")
        return number if isinstance(number, int) else 0


STATES = {"success": "success", "neutral": "success", "skipped": "success"}
"""What a conclusion is as a status; every other one is a failure."""
