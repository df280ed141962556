"""Does a run from the raw data come to the same result? Everything is done again, compared, and taken back (P-26).

The raw data are the stored bodies of deliveries, the mirrors of Git, and the vendors' own logs. Deliveries are applied in an order
of their own, since order must not matter.
"""

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Model

from changes.completeness.populations import lone_commits
from changes.connectors.git.mirror import folder_of
from changes.connectors.github import handlers as github
from changes.connectors.models import Delivery
from changes.connectors.settling import settle
from changes.delivery.models import PullRequest, Release, Repository
from changes.delivery.population import record_population
from changes.exceptions.edits import matches_now
from changes.exceptions.models import EditMatch, ExceptionRecord, RuleMatch
from changes.forges import FORGES
from changes.gates.models import Verdict
from changes.proposals.models import Change, LinkedPullRequest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Picture = dict[tuple[str, str], tuple[object, ...]]
RESULTS: tuple[tuple[str, type[Model], tuple[str, ...], tuple[str, ...]], ...] = (
    ("pull request", PullRequest, ("pk",), ("state", "base_ref", "head_sha", "merge_sha")),
    ("release", Release, ("pk",), ("state", "commit_sha", "rolls_back_id")),
    ("change", Change, ("number",), ("state", "category", "kind")),
    ("link of change and pull request", LinkedPullRequest, ("change__number", "pull_request_id"), ("role",)),
    ("exception", ExceptionRecord, ("key",), ("state",)),
    ("verdict of change", Verdict, ("change__number", "moment", "subject"), ("outcome",)),
    ("edit", EditMatch, ("event_id",), ("change__number",)),
    ("edit of rules or access", RuleMatch, ("event_id",), ("change__number",)),
)
"""What the matching comes to: its name, its table, the columns that name a row, and those that are compared."""


@dataclass(frozen=True)
class Rerun:
    """What was done again, and what came out differently: each difference in a sentence."""

    deliveries: int
    repositories: int
    edits: int
    compared: int
    differences: tuple[str, ...]


def rerun(*, at: datetime, seed: int = 1, say: Callable[[str], None] = lambda text: None) -> Rerun:
    """Apply everything again inside one transaction that is taken back at its end. Nothing is changed by it."""
    with transaction.atomic():
        before = picture()
        deliveries = _deliveries(at, seed)
        say(f"{deliveries} deliveries applied again")
        repositories = _repositories(at, say)
        edits = matches_now(at=at)
        after = picture() | {("edit", str(event)): (change,) for event, change in edits.items() if change is not None}
        transaction.set_rollback(True)
    return Rerun(deliveries, repositories, len(edits), len(before), tuple(_differences(before, after)))


def _deliveries(at: datetime, seed: int) -> int:
    """Those of the forges that have their bodies still; a button pressed in Slack is no fact about a population."""
    rows = Delivery.objects.filter(state=Delivery.State.APPLIED, source__kind__in=FORGES).exclude(body=b"")
    keys = list(rows.order_by("id").values_list("pk", flat=True))
    random.Random(seed).shuffle(keys)  # noqa: S311 (an order, not a secret)
    for pk in keys:
        delivery = Delivery.objects.select_related("source", "secret").get(pk=pk)
        github.apply(delivery=delivery, body=zlib.decompress(bytes(delivery.body)), at=at)
    return len(keys)


def _repositories(at: datetime, say: Callable[[str], None]) -> int:
    count = 0
    for repository in Repository.objects.order_by("id"):
        folder = folder_of(repository)
        if repository.mirrored_at is not None and folder.exists():
            for branch in (repository.main_branch, repository.prod_branch):
                record_population(repository=repository, branch=branch, folder=folder, at=at, full=True)
        settle(repository=repository, since=EPOCH, at=at)
        say(f"{repository} settled again")
        count += 1
    return count


def picture() -> Picture:
    """What the matching came to: facts that it rests on, links, findings, frozen verdicts, commits that nobody accounts for."""
    return dict(_parts())


def _parts() -> Iterator[tuple[tuple[str, str], tuple[object, ...]]]:
    for what, model, names, values in RESULTS:
        for row in model._default_manager.values_list(*names, *values):
            yield (what, " ".join(str(one) for one in row[: len(names)])), tuple(row[len(names) :])
    for pk in lone_commits(repositories=Repository.objects.all()):
        yield ("commit without a pull request", str(pk)), ()


def _differences(before: Picture, after: Picture) -> Iterator[str]:
    for what, name in sorted(before.keys() | after.keys()):
        was, now = before.get((what, name)), after.get((what, name))
        if was is None:
            yield f"{what} {name} is new: {now}"
        elif now is None:
            yield f"{what} {name} is gone: it was {was}"
        elif was != now:
            yield f"{what} {name} was {was} and is {now}"
