"""What Countersign asks GitHub, in its own words. Answers are facts; errors are ``Passing`` or ``Permanent``.

Operations and their limits: REFERENCE §1.3. One object is one repository, asked at one moment.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from changes.connectors.errors import Forbidden, NotFound, NotJson
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.github import deploy_reviews, objects, people
from changes.connectors.github.api import Api
from changes.connectors.github.branches import rules_of
from changes.connectors.models import Source
from changes.delivery.facts import (
    BranchRulesReported,
    CheckReported,
    DeploymentReported,
    DeploymentReviewReported,
    DeploymentStatusReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
)

Fact = TypeVar("Fact")
Json = dict[str, Any]
NOT_PROTECTED = "Branch not protected"
"""GitHub's words for a branch that nothing protects, told apart from one that we may not see."""


@dataclass
class GitHub:
    """One repository (``owner/name``) at one source. ``at`` is now: limits and tokens are judged by it."""

    source: Source
    repository_name: str
    at: datetime
    api: Api = field(init=False, repr=False)
    unusable: list[str] = field(default_factory=list, init=False, repr=False)
    """Why entries of long lists could not be used: one of them must not hide the others. Whoever reads such a list looks here."""

    def __post_init__(self) -> None:
        self.api = self._api()

    def _api(self) -> Api:
        return Api(source=self.source, at=self.at)

    def _path(self, rest: str = "") -> str:
        owner, _, name = self.repository_name.partition("/")
        return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}{rest}"

    def repository(self) -> RepositoryFact:
        """The repository under its present name, even when asked by an old one."""
        return read_answer(self.api.get(path=self._path()), read=lambda value: objects.repository(value=value))

    def pull_request(self, *, number: int) -> PullRequestReported:
        """One pull request with its paths and its contributors: four or more requests, most of them free when unchanged."""
        return replace(self.pull_request_with_files(number=number), commit_people=self.contributors(number=number))

    def pull_request_with_files(self, *, number: int) -> PullRequestReported:
        """The pull request with its paths: two or more requests."""
        bare = self.bare_pull_request(number=number)
        rows = self._files(number=number)
        return replace(
            bare,
            paths=read_answer(rows, read=lambda values: objects.file_paths(values=values)),
            files=read_answer(rows, read=lambda values: objects.files(values=values)),
        )

    def bare_pull_request(self, *, number: int) -> PullRequestReported:
        """The pull request itself, one request."""
        return read_answer(self.api.get(path=self._path(f"/pulls/{number}")), read=lambda value: objects.pull_request(value=value))

    def pull_request_files(self, *, number: int) -> tuple[str, ...]:
        """Paths that it touches, sorted. GitHub lists 3,000 at most; ``changed_files`` tells when some are missing."""
        return read_answer(self._files(number=number), read=lambda values: objects.file_paths(values=values))

    def _files(self, *, number: int) -> list[Json]:
        return list(self.api.items(path=self._path(f"/pulls/{number}/files")))

    def pull_request_commits(self, *, number: int) -> list[Json]:
        """Its commits as GitHub answers them, oldest first, 250 at most."""
        return list(self.api.items(path=self._path(f"/pulls/{number}/commits")))

    def contributors(self, *, number: int) -> tuple[Json, ...]:
        """{"uid", "login", "name", "email", "role"} of authors, committers and co-authors, without GitHub's web-flow."""
        commits = self.pull_request_commits(number=number)
        return read_answer(commits, read=lambda rows: people.commit_people(commits=rows, most=people.MOST))

    def reviews(self, *, number: int) -> tuple[ReviewReported, ...]:
        """All reviews, oldest first."""
        rows = self.api.items(path=self._path(f"/pulls/{number}/reviews"))
        return tuple(read_answer(row, read=lambda value: objects.review(value=value, pull_request_number=number)) for row in rows)

    def pull_requests_updated_since(self, *, since: datetime | None) -> Iterator[PullRequestReported]:
        """Newest change first, lazily; ends at the first one that is older than ``since`` (None: all)."""
        query = {"state": "all", "sort": "updated", "direction": "desc"}
        return self._updated_since(rest="/pulls", query=query, read=lambda value: objects.pull_request(value=value), since=since)

    def _updated_since(
        self, *, rest: str, query: Mapping[str, str | int], read: Callable[[Any], PullRequestReported], since: datetime | None
    ) -> Iterator[PullRequestReported]:
        for found in self._usable(self.api.items(path=self._path(rest), query=query), read):
            if since is not None and found.vendor_updated_at is not None and found.vendor_updated_at < since:
                return
            yield found

    def pull_requests_page(self, *, page: int) -> list[PullRequestReported]:
        """A hundred pull requests, newest change first; empty behind the last page."""
        query: dict[str, str | int] = {"state": "all", "sort": "updated", "direction": "desc", "per_page": 100, "page": page}
        return list(self._usable(self._rows("/pulls", query), lambda value: objects.pull_request(value=value)))

    def deployments_page(self, *, page: int) -> list[DeploymentReported]:
        """A hundred deployments, newest first; empty behind the last page."""
        rows = self._rows("/deployments", {"per_page": 100, "page": page})
        return list(self._usable(rows, lambda value: objects.deployment(value=value)))

    def _usable(self, rows: Iterable[Json], read: Callable[[Any], Fact]) -> Iterator[Fact]:
        """What can be read of a list, lazily; what cannot is named in ``unusable``."""
        for row in rows:
            try:
                found = read_answer(row, read=read)
            except NotJson as wrong:
                self.unusable.append(wrong.reason)
                continue
            yield found

    def _rows(self, rest: str, query: Mapping[str, str | int]) -> list[Json]:
        found = self.api.get(path=self._path(rest), query=query)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise NotJson(f"{rest} did not answer with a list of objects")
        return found

    def commit_pulls(self, *, sha: str) -> tuple[PullRequestReported, ...]:
        """Pull requests that hold this commit. Check their base: prod is seldom the default branch."""
        rows = self.api.items(path=self._path(f"/commits/{quote(sha, safe='')}/pulls"))
        return tuple(read_answer(row, read=lambda value: objects.pull_request(value=value)) for row in rows)

    def check_runs(self, *, sha: str) -> tuple[CheckReported, ...]:
        """The latest run of each check on this commit."""
        rows = self._check_runs(sha=sha, query={"filter": "latest"})
        return tuple(read_answer(row, read=lambda value: objects.check_run(value=value)) for row in rows)

    def _check_runs(self, *, sha: str, query: Mapping[str, str]) -> Iterator[Json]:
        return self.api.items(path=self._path(f"/commits/{quote(sha, safe='')}/check-runs"), query=query, under="check_runs")

    def statuses(self, *, sha: str) -> tuple[CheckReported, ...]:
        """The latest commit status of each context (the combined status). ``app`` is None: the account is not told."""
        rows = self.api.items(path=self._path(f"/commits/{quote(sha, safe='')}/status"), under="statuses")
        return tuple(read_answer(row, read=lambda value: objects.status(value=value, sha=sha)) for row in rows)

    def branch_rules(self, *, branch: str) -> BranchRulesReported:
        """What guards a branch: active rules of every level, and classic protection.

        Reading the latter takes administration:read; without it the branch's own summary is used. ``required_checks`` is
        None only when neither may be read.
        """
        name = quote(branch, safe="")
        rules = list(self.api.items(path=self._path(f"/rules/branches/{name}")))
        protection, seen = self._protection(name)
        return read_answer(rules, read=lambda value: rules_of(branch=branch, rules=value, protection=protection, seen=seen))

    def _protection(self, name: str) -> tuple[Json | None, bool]:
        """(the protection or None, whether that is the whole truth). A 404 may also mean "not for you"."""
        try:
            return _object(self.api.get(path=self._path(f"/branches/{name}/protection"))), True
        except NotFound as missing:
            if NOT_PROTECTED in missing.reason:
                return None, True
        except Forbidden:
            pass
        try:
            branch = Fields.of(value=self.api.get(path=self._path(f"/branches/{name}")), path="branch")
            summary = branch.within("protection")
        except (Forbidden, NotFound, Unreadable):
            return None, False
        return (dict(summary.values) if summary else None), summary is not None

    def deployment(self, *, vendor_id: int) -> DeploymentReported:
        """One deployment."""
        row = self.api.get(path=self._path(f"/deployments/{vendor_id}"))
        return read_answer(row, read=lambda value: objects.deployment(value=value))

    def deployment_statuses(self, *, vendor_id: int) -> tuple[DeploymentStatusReported, ...]:
        """The steps of a deployment, newest first as GitHub lists them."""
        rows = self.api.items(path=self._path(f"/deployments/{vendor_id}/statuses"))
        return tuple(
            read_answer(row, read=lambda value: objects.deployment_status(value=value, deployment_id=vendor_id)) for row in rows
        )

    def deployment_reviews(self, *, run: int) -> tuple[DeploymentReviewReported, ...]:
        """Who approved or rejected a run that waited for environments."""
        rows = self.api.items(path=self._path(f"/actions/runs/{run}/approvals"))
        found = (read_answer(row, read=lambda value: deploy_reviews.listed(run=run, value=value)) for row in rows)
        return tuple(one for one in found if one is not None)

    def deployments_since(self, *, since: datetime | None) -> Iterator[DeploymentReported]:
        """Newest first, lazily; ends at the first that was created before ``since`` (None: all)."""
        for found in self._usable(self.api.items(path=self._path("/deployments")), lambda value: objects.deployment(value=value)):
            if since is not None and found.created_at < since:
                return
            yield found

    def activity_since(self, *, since: datetime) -> Iterator[PushReported]:
        """What happened to branches, newest first, lazily; ends at the first entry before ``since``. Whatever pushed it."""
        for found in self._usable(self.api.items(path=self._path("/activity")), lambda value: objects.activity(value=value)):
            if found is None:
                continue
            if found.pushed_at is not None and found.pushed_at < since:
                return
            yield found

    def find_check_run(self, *, sha: str, name: str, external_id: str) -> int | None:
        """The id of our check run on this commit, or None. ``external_id`` is our own key."""
        for row in self._check_runs(sha=sha, query={"check_name": name, "filter": "all"}):
            if row.get("external_id") == external_id and row.get("name") == name:
                return read_answer(row, read=lambda value: Fields.of(value=value, path="check_run").needed_number("id"))
        return None

    def create_check_run(self, *, sha: str, name: str, external_id: str, run: Mapping[str, Any]) -> int:
        """Create a check run and give its id. ``run`` holds status, conclusion, details_url, output … as GitHub names them."""
        body = {**run, "name": name, "head_sha": sha, "external_id": external_id}
        made = self.api.write(path=self._path("/check-runs"), body=body)
        return read_answer(made, read=lambda value: Fields.of(value=value, path="check_run").needed_number("id"))

    def update_check_run(self, *, vendor_id: int, run: Mapping[str, Any]) -> None:
        """Change a check run of ours."""
        self.api.write(path=self._path(f"/check-runs/{vendor_id}"), body=run, method="PATCH")

    def publish_check_run(self, *, sha: str, name: str, external_id: str, run: Mapping[str, Any]) -> int:
        """Bring about that the commit carries this check run, whatever happened before. Looks first; gives its id."""
        found = self.find_check_run(sha=sha, name=name, external_id=external_id)
        if found is None:
            return self.create_check_run(sha=sha, name=name, external_id=external_id, run=run)
        self.update_check_run(vendor_id=found, run=run)
        return found


def read_answer(value: Any, *, read: Callable[[Any], Fact]) -> Fact:
    """Read an answer; one that is not as documented is ``NotJson``, with the field that is wrong."""
    try:
        return read(value)
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"The forge's answer cannot be used: {wrong}") from None


def _object(value: Any) -> Json:
    return dict(read_answer(value, read=lambda known: Fields.of(value=known, path="answer")).values)
