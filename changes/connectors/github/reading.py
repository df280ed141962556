"""Reads from GitHub's API what a delivery has hinted at, and records it as confirmed."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from changes.connectors.asking import ask_unless_read
from changes.connectors.errors import Forbidden, NotFound
from changes.connectors.forges import client_of
from changes.connectors.github import rights_sync
from changes.connectors.github.client import GitHub
from changes.connectors.github.graph import Graph
from changes.connectors.github.graph_errors import TooMuch, Unusable
from changes.connectors.github.rulebook import Rulebook
from changes.connectors.github.watching import watch_branch, watch_environments, watch_repository
from changes.connectors.models import Reading
from changes.delivery import actions as record
from changes.delivery.deploy_reviews import confirm_reviews
from changes.delivery.facts import PullRequestReported
from changes.delivery.models import PullRequest, Repository
from changes.delivery.rule_models import BranchRules

log = logging.getLogger(__name__)
Read = Callable[[GitHub, Repository, str, datetime], str]


def read(*, reading: Reading, at: datetime) -> str:
    """Read one subject; returns a note. Raises ``Passing`` and ``Permanent`` as the client does."""
    repository = reading.repository
    if repository is None:
        return "nothing to read without a repository"
    what, _, which = reading.subject.partition(":")
    client = client_of(source=reading.source, repository_name=repository.name, at=at)
    return READERS[what](client, repository, which, at)


def read_pull_request(client: GitHub, repository: Repository, number: str, at: datetime) -> str:
    """The pull request with paths and people, its reviews, and the checks on its head."""
    fact = _with_queuer(client, client.pull_request(number=int(number)), at)
    record.record_pull_request(repository=repository, fact=fact, at=at, confirmed=True)
    reviews = client.reviews(number=int(number))
    for review in reviews:
        record.record_review(repository=repository, fact=review, at=at, confirmed=True)
    return f"{len(reviews)} reviews, {read_checks(client, repository, fact.head_sha, at)}"


def _with_queuer(client: GitHub, fact: PullRequestReported, at: datetime) -> PullRequestReported:
    """With who put it into the merge queue, where a bot merged it; GraphQL alone tells that. Where it does not, nobody is named."""
    if client.source.kind != "github" or not (fact.merged_by_login or "").endswith("[bot]"):
        return fact
    try:
        uid, login = Graph(source=client.source, repository_name=client.repository_name, at=at).queued_by(number=fact.number)
    except (TooMuch, Unusable) as problem:
        log.info("who queued %s#%s was not read: %s", client.repository_name, fact.number, problem)
        return fact
    return replace(fact, queued_by_uid=uid, queued_by_login=login)


def read_checks(client: GitHub, repository: Repository, sha: str, at: datetime) -> str:
    """Check runs and commit statuses of one commit."""
    checks = [*client.check_runs(sha=sha), *client.statuses(sha=sha)]
    for check in checks:
        record.record_check(repository=repository, fact=check, at=at, confirmed=True)
    return f"{len(checks)} checks"


def read_files(client: GitHub, repository: Repository, number: str, at: datetime) -> str:
    """The files of a pull request, which GraphQL tells without former names and without what was added."""
    fact = client.pull_request_with_files(number=int(number))
    record.record_pull_request(repository=repository, fact=fact, at=at, confirmed=True)
    return f"{len(fact.files or ())} files"


def read_statuses(client: GitHub, repository: Repository, sha: str, at: datetime) -> str:
    """Commit statuses of one commit, which GraphQL tells without their numbers."""
    statuses = client.statuses(sha=sha)
    for status in statuses:
        record.record_check(repository=repository, fact=status, at=at, confirmed=True)
    return f"{len(statuses)} statuses"


def read_commit(client: GitHub, repository: Repository, sha: str, at: datetime) -> str:
    """Which pull requests brought a commit: the answer to a push whose pull request is not known (yet).

    One that was not read so far is read before it is judged: this list names neither its reviews nor who merged it.
    """
    found = client.commit_pulls(sha=sha)
    for fact in found:
        ask_unless_read(source=client.source, repository=repository, fact=fact, at=at)
        record.record_pull_request(repository=repository, fact=fact, at=at, confirmed=True)
    repository.pushes.filter(after=sha, confirmed_at=None).update(confirmed_at=at)
    return f"{len(found)} pull requests"


def read_deployment(client: GitHub, repository: Repository, vendor_id: str, at: datetime) -> str:
    """A deployment and its steps."""
    fact = client.deployment(vendor_id=int(vendor_id))
    record.record_deployment(repository=repository, fact=fact, at=at, confirmed=True)
    steps = client.deployment_statuses(vendor_id=int(vendor_id))
    for step in steps:
        record.record_deployment_status(repository=repository, fact=step, at=at, confirmed=True)
    reviews = sum(_reviews_of_run(client, repository, run, fact.commit_sha, at) for run in {step.run for step in steps if step.run})
    return f"{len(steps)} steps, {reviews} reviews"


def _reviews_of_run(client: GitHub, repository: Repository, run: int, commit_sha: str, at: datetime) -> int:
    """Reviews whose delivery was lost. Nothing where we may not see runs, or one is not there any more."""
    try:
        listed = client.deployment_reviews(run=run)
    except (Forbidden, NotFound) as problem:
        log.info("reviews of run %s of %s were not read: %s", run, repository, problem)
        return 0
    return confirm_reviews(repository=repository, run=run, commit_sha=commit_sha, listed=listed, at=at)


def read_approvals(client: GitHub, repository: Repository, run: str, at: datetime) -> str:
    """Who approved or rejected a run that waited for environments."""
    listed = client.deployment_reviews(run=int(run))
    return f"{confirm_reviews(repository=repository, run=int(run), commit_sha='', listed=listed, at=at)} reviews"


def read_rules(client: GitHub, repository: Repository, branch: str, at: datetime) -> str:
    """What guards a branch."""
    rules = client.branch_rules(branch=branch)
    required = None if rules.required_checks is None else list(rules.required_checks)
    BranchRules.objects.update_or_create(
        repository=repository,
        branch=branch,
        defaults={"required_checks": required, "raw": dict(rules.raw), "read_at": at},
    )
    book = Rulebook(source=client.source, repository_name=repository.name, at=at)
    watch_branch(book=book, repository=repository, rules=rules, at=at)
    PullRequest.objects.filter(repository=repository, base_ref=branch, state=PullRequest.State.OPEN).update(touched_at=at)
    return "required checks unknown" if required is None else f"{len(required)} required checks"


def read_repository(client: GitHub, repository: Repository, _: str, at: datetime) -> str:
    """The repository itself and its environments."""
    if not watch_repository(client=client, repository=repository, at=at):
        return "not there, or not for us"
    book = Rulebook(source=client.source, repository_name=repository.name, at=at)
    return f"{watch_environments(book=book, repository=repository, at=at)} environments"


def read_access(client: GitHub, repository: Repository, _: str, at: datetime) -> str:
    """Who has access to the repository, and who is in its teams. What may not be read is left as it was known, and named."""
    done = rights_sync.read_repository(source=client.source, repository=repository, at=at)
    return "; ".join([f"{len(done.taken)} things", *(f"{thing} was not read: {why}" for thing, why in done.unread.items())])


READERS: dict[str, Read] = {
    "pull_request": read_pull_request,
    "files": read_files,
    "checks": read_checks,
    "statuses": read_statuses,
    "commit": read_commit,
    "deployment": read_deployment,
    "approvals": read_approvals,
    "repository": read_repository,
    "rules": read_rules,
    "access": read_access,
}
