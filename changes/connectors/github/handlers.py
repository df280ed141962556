"""Applies one GitHub delivery: facts are recorded as reported, the change follows, and a reading is asked for.

A delivery is a hint, not evidence: GitHub's signature covers only the body, and nothing in it says when it was sent.
So every fact that it brings stays marked as reported until the API has been read.
"""

from collections.abc import Callable
from datetime import datetime
from functools import singledispatch
from typing import Any

from changes.connectors.asking import ask, ask_for_rules
from changes.connectors.gitea.payloads import parse as parse_gitea
from changes.connectors.github import becoming
from changes.connectors.github.deployment_gate import KIND as GATE
from changes.connectors.github.organisations import ACCESS, key_of, spread
from changes.connectors.github.payloads import Disagrees, Parsed, Unreadable, parse
from changes.connectors.gitlab.payloads import parse as parse_gitlab
from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome
from changes.connectors.secrets import signed_for
from changes.delivery import actions as record
from changes.delivery.deploy_review_models import DeploymentReview
from changes.delivery.deploy_reviews import record_review
from changes.delivery.facts import (
    CheckReported,
    DeploymentReported,
    DeploymentReviewReported,
    DeploymentStatusReported,
    GateAskedReported,
    InstallationReported,
    MergeGroupReported,
    OrganisationReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
    RuleEventReported,
)
from changes.delivery.models import MergeGroup, PullRequest, Repository
from changes.delivery.rule_events import record_told
from changes.delivery.rule_models import RuleEvent
from changes.gates.publishing import ask_for
from changes.proposals.deriving import follow_rename
from portal.outbox.actions import enqueue

Follow = Callable[[PullRequest], None]
PARSERS: dict[str, Callable[[str, bytes], Parsed]] = {"github": parse, "gitea": parse_gitea, "gitlab": parse_gitlab}
"""By kind of source: what a forge sends becomes the same facts."""


def apply(*, delivery: Delivery, body: bytes, at: datetime) -> Outcome:
    """Apply ``body``. Never raises for anything that the bytes can hold; a database error passes through."""
    parsed = read(delivery=delivery, body=body)
    if isinstance(parsed, Outcome):
        return parsed
    fact = parsed.repository if parsed.kind != "unknown" else None
    repository = record.find_repository(forge=delivery.source.kind, fact=fact) if fact else None
    refused = becoming.refusal(
        parsed=parsed, repository=repository, signed=lambda row: signed_for(delivery=delivery, repository=row)
    )
    if refused is not None:
        return refused
    if repository is None or fact is None:
        return of_organisation(parsed=parsed, delivery=delivery, at=at)
    _follow_names(repository, fact)
    for one in parsed.facts:
        record_fact(one, repository, delivery, at)
    return becoming.recorded(parsed=parsed, repository=repository)


def of_organisation(*, parsed: Parsed, delivery: Delivery, at: datetime) -> Outcome:
    """What a delivery about an organisation means for its repositories."""
    told = [one for one in parsed.facts if isinstance(one, OrganisationReported)]
    return spread(fact=told[0], delivery=delivery, at=at) if told else becoming.without_repository(parsed)


def _follow_names(repository: Repository, fact: RepositoryFact) -> None:
    record.take_over_names(repository=repository, fact=fact)
    if repository.renamed_from:
        follow_rename(was=repository.renamed_from, name=repository.name)


def read(*, delivery: Delivery, body: bytes) -> Parsed | Outcome:
    """What a delivery says; what becomes of it when nobody can read it."""
    try:
        return PARSERS[delivery.source.kind](delivery.event, body)
    except (Unreadable, Disagrees) as problem:
        return Outcome(Delivery.State.QUARANTINED, str(problem))


def subject_of(fact: PullRequestReported | ReviewReported | CheckReported) -> str:
    """What is read again because of a fact."""
    if isinstance(fact, CheckReported):
        return f"checks:{fact.head_sha}"
    return f"pull_request:{fact.number if isinstance(fact, PullRequestReported) else fact.pull_request_number}"


@singledispatch
def record_fact(fact: Any, repository: Repository, delivery: Delivery, at: datetime) -> None:
    """Record one fact as reported. A kind of fact without an entry here is a fault of ours and raises."""
    raise TypeError(f"no way to record {type(fact).__name__}")


@record_fact.register
def _(fact: PullRequestReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    record.record_pull_request(repository=repository, fact=fact, at=at, confirmed=False)
    ask(source=delivery.source, repository=repository, subject=subject_of(fact), at=at)


@record_fact.register
def _(fact: ReviewReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    record.record_review(repository=repository, fact=fact, at=at, confirmed=False)
    ask(source=delivery.source, repository=repository, subject=subject_of(fact), at=at)


@record_fact.register
def _(fact: CheckReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    record.record_check(repository=repository, fact=fact, at=at, confirmed=False)
    ask(source=delivery.source, repository=repository, subject=subject_of(fact), at=at)


@record_fact.register
def _(fact: PushReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    push = record.record_push(repository=repository, fact=fact, at=at)
    if push is not None and not push.deleted:
        ask(source=delivery.source, repository=repository, subject=f"commit:{push.after}", at=at)
        Repository.objects.filter(pk=repository.pk).update(mirror_wanted_at=at)


@record_fact.register
def _(fact: DeploymentReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    record.record_deployment(repository=repository, fact=fact, at=at, confirmed=False)
    ask(source=delivery.source, repository=repository, subject=f"deployment:{fact.vendor_id}", at=at)


@record_fact.register
def _(fact: DeploymentStatusReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    record.record_deployment_status(repository=repository, fact=fact, at=at, confirmed=False)
    ask(source=delivery.source, repository=repository, subject=f"deployment:{fact.deployment_id}", at=at)


@record_fact.register
def _(fact: DeploymentReviewReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    record_review(repository=repository, fact=fact, at=delivery.received_at)
    if fact.state != DeploymentReview.State.REQUESTED:
        ask(source=delivery.source, repository=repository, subject=f"approvals:{fact.run}", at=at)


@record_fact.register
def _(fact: RuleEventReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    record_told(repository=repository, fact=fact, key=key_of(delivery=delivery), came_at=delivery.received_at, at=at)
    if fact.kind == RuleEvent.Kind.MEMBER and delivery.source.kind == "github":
        ask(source=delivery.source, repository=repository, subject=ACCESS, at=at)
    ask_for_rules(source=delivery.source, repository=repository, at=at)


@record_fact.register
def _(fact: RepositoryFact, repository: Repository, delivery: Delivery, at: datetime) -> None:
    """A new name was followed when the repository was recognised; one that it had before is, since here it is said to be given.

    How it is set is read again. A deleted one cannot be.
    """
    _follow_names(repository, fact)
    if fact.action in ("archived", "deleted"):
        Repository.objects.filter(pk=repository.pk).update(trouble=f"The forge reports that {repository.name} was {fact.action}.")
    ask(source=delivery.source, repository=repository, subject="repository:", at=at)


@record_fact.register
def _(fact: MergeGroupReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    """The queue waits for the portal's own check on its head, so it gets what is known at once."""
    group = record.record_merge_group(repository=repository, fact=fact, at=at)
    ask(source=delivery.source, repository=repository, subject=f"checks:{fact.head_sha}", at=at)
    if group.state == MergeGroup.State.OPEN:
        ask_for(repository=repository, sha=fact.head_sha, at=at)


@record_fact.register
def _(fact: GateAskedReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    """The run waits until it is answered; what is answered is judged then."""
    payload = {"repository": repository.name, "run": fact.run, "environment": fact.environment, "commit": fact.commit_sha}
    enqueue(kind=GATE, key=f"deployment_gate:{repository.key}:{fact.run}:{fact.environment}", payload=payload, at=at)


@record_fact.register
def _(fact: InstallationReported, repository: Repository, delivery: Delivery, at: datetime) -> None:
    """Which repositories the app sees is read from the API; nothing to keep here."""
