"""What Countersign asks GitLab: GitHub's client in another dialect (``/api/v4``).

docs.gitlab.com/api/rest. Projects are named by their path, merge requests by their number within the project; statuses take the
place of check runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from changes.connectors.errors import Forbidden, NotFound
from changes.connectors.github import people
from changes.connectors.github.client import read_answer
from changes.connectors.github.status_forge import StatusForge
from changes.connectors.gitlab import objects
from changes.delivery.facts import (
    BranchRulesReported,
    CheckReported,
    PullRequestReported,
    RepositoryFact,
    ReviewReported,
)

Json = dict[str, Any]


@dataclass
class GitLab(StatusForge):
    """One project (``group/project``) at one GitLab, asked at one moment."""

    NAMED, FAILED = "name", "failed"

    def _path(self, rest: str = "") -> str:
        return f"/projects/{quote(self.repository_name, safe='')}{rest}"

    def repository(self) -> RepositoryFact:
        """The project under its present path."""
        return read_answer(self.api.get(path=self._path()), read=lambda value: objects.repository(value=value))

    def bare_pull_request(self, *, number: int) -> PullRequestReported:
        """The merge request itself, one request."""
        row = self.api.get(path=self._path(f"/merge_requests/{number}"))
        return read_answer(row, read=lambda value: objects.merge_request(value=value))

    def _files(self, *, number: int) -> list[Json]:
        rows = list(self.api.items(path=self._path(f"/merge_requests/{number}/diffs")))
        return read_answer(rows, read=lambda found: objects.files(rows=found))

    def pull_request_commits(self, *, number: int) -> list[Json]:
        """Its commits in GitHub's form, oldest first."""
        rows = list(self.api.items(path=self._path(f"/merge_requests/{number}/commits")))
        return read_answer(rows, read=lambda found: [objects.commit(value=row) for row in reversed(found)])

    def contributors(self, *, number: int) -> tuple[Json, ...]:
        """Authors, committers and co-authors of its commits, by address."""
        return read_answer(self.pull_request_commits(number=number), read=lambda rows: people.commit_people(commits=rows))

    def reviews(self, *, number: int) -> tuple[ReviewReported, ...]:
        """Approvals that count, and those that no longer do."""
        place = f"/merge_requests/{number}"
        approvals = self.api.get(path=self._path(f"{place}/approvals"))
        notes = list(self.api.items(path=self._path(f"{place}/notes")))
        versions = list(self.api.items(path=self._path(f"{place}/versions")))
        updated_at = self.bare_pull_request(number=number).vendor_updated_at
        return read_answer(
            approvals,
            read=lambda value: objects.reviews(
                number=number, approvals=value, notes=notes, versions=versions, updated_at=updated_at
            ),
        )

    def pull_requests_updated_since(self, *, since: datetime | None) -> Iterator[PullRequestReported]:
        """Newest change first, lazily; ends at the first one that is older than ``since`` (None: all)."""
        query = {"state": "all", "order_by": "updated_at", "sort": "desc"}
        return self._updated_since(
            rest="/merge_requests", query=query, read=lambda value: objects.merge_request(value=value), since=since
        )

    def commit_pulls(self, *, sha: str) -> tuple[PullRequestReported, ...]:
        """The merge requests that brought this commit."""
        try:
            rows = list(self.api.items(path=self._path(f"/repository/commits/{quote(sha, safe='')}/merge_requests")))
        except NotFound:
            return ()
        return tuple(read_answer(row, read=lambda value: objects.merge_request(value=value)) for row in rows)

    def check_runs(self, *, sha: str) -> tuple[CheckReported, ...]:
        """The newest pipeline of this commit, as one check."""
        rows = self._rows("/pipelines", {"sha": sha, "per_page": 1})
        return tuple(
            read_answer(row, read=lambda value: objects.status(value=value, sha=sha, name=objects.PIPELINE)) for row in rows
        )

    def statuses(self, *, sha: str) -> tuple[CheckReported, ...]:
        """The jobs of its pipelines, and what others said of it."""
        rows = self.api.items(path=self._path(f"/repository/commits/{quote(sha, safe='')}/statuses"))
        return tuple(read_answer(row, read=lambda value: objects.status(value=value, sha=sha)) for row in rows)

    def branch_rules(self, *, branch: str) -> BranchRulesReported:
        """What guards a branch, in GitHub's form. Approvals that are required are told to maintainers, at some plans only."""
        rules = list(self.api.items(path=self._path("/protected_branches")))
        project = self.api.get(path=self._path())
        try:
            approvals = self.api.get(path=self._path("/approvals"))
        except (Forbidden, NotFound):
            approvals = {}
        return read_answer(
            rules, read=lambda found: objects.branch_rules(branch=branch, rules=found, project=project, approvals=approvals)
        )
