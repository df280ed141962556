"""Applies many deliveries of forges in one transaction, with a few statements for all: what comes in numbers (pull requests,
reviews, checks, pushes) and what is only put aside. The rest is left to go one by one.

Facts about one thing keep their order: a batch ends before the first delivery that has to stand for itself among those around it
(``_ends``), and what it leaves out (``Left.alone``) is about things that nothing in the batch is about.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db import connection, transaction

from changes.connectors.github import handlers
from changes.connectors.github.payloads import Parsed
from changes.connectors.models import Delivery, Source
from changes.connectors.outcome import Outcome
from changes.connectors.readings import Asked, ask_all
from changes.connectors.secrets import signed_for
from changes.connectors.settling import touch
from changes.connectors.twins import Twins
from changes.delivery.facts import (
    CheckReported,
    MergeGroupReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
)
from changes.delivery.models import PullRequest, Repository
from changes.delivery.sets import Recorded, Told, record_all
from changes.delivery.taking import brings_names, known_as
from changes.proposals.following import follow
from changes.proposals.opening import open_alone
from portal.ui.doorbell import ring

TICK = timedelta(microseconds=1)
"""Between two deliveries of one batch, so that each has a moment of its own."""
SETS = (PullRequestReported, ReviewReported, CheckReported, PushReported)
SHARED = (RepositoryFact, MergeGroupReported)
"""Facts that are about the same things as those in sets."""
NOTE = """
UPDATE changes_delivery d SET state = s.state, note = s.note, repository_name = s.name, applied_at = s.at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS s (id, state, note, name, at)
WHERE d.id = s.id
"""


@dataclass(frozen=True)
class Left:
    """Deliveries that the batch did not apply: ``alone`` go one by one, now; ``rest`` come after them, in batches again."""

    alone: list[int]
    rest: list[int]


class Place(Enum):
    """Where a delivery goes."""

    TOGETHER = auto()
    ALONE = auto()
    LATER = auto()


@dataclass
class _Item:
    """One delivery of the batch."""

    delivery: Delivery
    at: datetime
    parsed: Parsed | None = None
    repository: Repository | None = None
    outcome: Outcome | None = None

    @property
    def name(self) -> str:
        """The repository, as the delivery calls it."""
        return self.parsed.repository.name if self.parsed is not None and self.parsed.repository is not None else ""


@dataclass
class _Batch:
    """What the deliveries of a batch share."""

    repositories: list[Repository]
    twins: Twins
    signed: dict[tuple[int | None, int], bool] = field(default_factory=dict)
    seen: dict[tuple[int, int], PullRequestReported] = field(default_factory=dict)
    """What was said last of each pull request."""

    def repository_of(self, item: _Item) -> Repository | None:
        """The repository in scope that a delivery is about."""
        fact = item.parsed.repository if item.parsed is not None else None
        if fact is None:
            return None
        return known_as(rows=(row for row in self.repositories if row.forge == item.delivery.source.kind), fact=fact)

    def is_signed(self, delivery: Delivery, repository: Repository) -> bool:
        """``signed_for``, asked once for each pair."""
        key = (delivery.secret_id, repository.pk)
        if key not in self.signed:
            self.signed[key] = signed_for(delivery=delivery, repository=repository)
        return self.signed[key]


@transaction.atomic
def apply_batch(*, pks: Sequence[int], at: datetime, at_once: bool) -> Left:
    """Apply these deliveries, as far as they go together, and say which ones are left.

    ``at_once`` lets every change follow in the same transaction; without it only new pull requests get theirs, and the others
    follow when their repository settles. Raises what the database or a fault of ours raises: nothing was applied then.
    """
    rows = Delivery.objects.select_for_update(of=("self",), skip_locked=True).select_related("source", "secret")
    deliveries = list(rows.filter(pk__in=pks, state=Delivery.State.NEW).order_by("id"))
    items, left = _divide(deliveries, at, at_once)
    if len(items) == 1 and not left.alone:
        return Left([items[0].delivery.pk], left.rest)
    _record(items, at_once)
    _note(items)
    return left


def _divide(deliveries: Sequence[Delivery], at: datetime, at_once: bool) -> tuple[list[_Item], Left]:
    """Which go together, which alone, and which later."""
    kinds = {delivery.source.kind for delivery in deliveries}
    known = Repository.objects.filter(forge__in=kinds, in_scope_until=None).order_by("id")
    batch = _Batch(list(known), Twins.of(deliveries))
    items: list[_Item] = []
    alone: list[int] = []
    for place, delivery in enumerate(deliveries):
        item = _Item(delivery, at + place * TICK)
        match _place_of(item, batch, at_once):
            case Place.TOGETHER:
                items.append(item)
            case Place.ALONE:
                alone.append(delivery.pk)
            case Place.LATER:
                later = [one.pk for one in deliveries[place:]]
                # Where nothing stands before it, it goes by itself now.
                return items, Left(alone, later) if items or alone else Left(later[:1], later[1:])
    return items, Left(alone, [])


def _place_of(item: _Item, batch: _Batch, at_once: bool) -> Place:
    """Reads a delivery, and says where it goes."""
    item.outcome = batch.twins.outcome_for(item.delivery)
    if item.outcome is not None:
        return Place.TOGETHER
    if item.delivery.source.kind not in handlers.PARSERS:
        return Place.ALONE
    _read(item, batch)
    if _ends(item, batch, at_once):
        return Place.LATER
    if item.outcome is None and item.parsed is not None and not all(isinstance(fact, SETS) for fact in item.parsed.facts):
        return Place.ALONE
    if item.outcome is None or item.outcome.state == Delivery.State.APPLIED:
        batch.twins.add(item.delivery, item.name)
    return Place.TOGETHER


def _read(item: _Item, batch: _Batch) -> None:
    """What it says, the repository that it is about, and what becomes of it when nothing of it is recorded."""
    found = handlers.read(delivery=item.delivery, body=zlib.decompress(bytes(item.delivery.body)))
    if isinstance(found, Outcome):
        item.outcome = found
        return
    item.parsed = found
    item.repository = batch.repository_of(item) if found.kind != "unknown" else None
    item.outcome = handlers.refusal(
        parsed=found, repository=item.repository, signed=lambda row: batch.is_signed(item.delivery, row)
    )


def _ends(item: _Item, batch: _Batch, at_once: bool) -> bool:
    """Whether a batch has to end before this delivery."""
    parsed, repository = item.parsed, item.repository
    if item.outcome is not None or parsed is None or repository is None or parsed.repository is None:
        return False
    if parsed.kind == "incomplete" or brings_names(repository=repository, fact=parsed.repository):
        return True
    if any(isinstance(fact, SHARED) for fact in parsed.facts):
        return True
    return at_once and _is_told_again(parsed, repository, batch)


def _is_told_again(parsed: Parsed, repository: Repository, batch: _Batch) -> bool:
    """Whether it says something else of a pull request than a delivery before it: its change follows in between."""
    for fact in parsed.facts:
        if isinstance(fact, PullRequestReported):
            before = batch.seen.setdefault((repository.pk, fact.number), fact)
            if before != fact:
                return True
    return False


def _record(items: Sequence[_Item], at_once: bool) -> None:
    """Record the facts, ask for what is to be read again, and let changes be opened and follow."""
    told: list[Told] = []
    sources: list[Source] = []
    moved: dict[int, list[_Item]] = {}
    for item in items:
        if item.outcome is None and item.parsed is not None and item.repository is not None:
            told += [Told(item.repository, fact, item.at) for fact in item.parsed.facts if isinstance(fact, SETS)]
            sources += [item.delivery.source] * (len(told) - len(sources))
            moved.setdefault(item.repository.pk, []).append(item)
            item.outcome = handlers.recorded(parsed=item.parsed, repository=item.repository)
    found = record_all(told=told, confirmed=False)
    _ask(told, sources, found)
    _follow(found, at_once)
    for _, those in sorted(moved.items()):
        if (repository := those[0].repository) is not None:
            touch(repository=repository, at=those[-1].at, since=those[0].at)


def _ask(told: Sequence[Told], sources: Sequence[Source], found: Recorded) -> None:
    asked: list[Asked] = []
    pushed: dict[int, datetime] = {}
    for place, (one, source) in enumerate(zip(told, sources, strict=True)):
        if not isinstance(one.fact, PushReported):
            asked.append(Asked(source, one.repository, handlers.subject_of(one.fact), one.at))
        elif (push := found.pushes[place]) is not None and not push.deleted:
            asked.append(Asked(source, one.repository, f"commit:{push.after}", one.at))
            pushed[one.repository.pk] = one.at
    ask_all(asked=asked)
    for pk, at in sorted(pushed.items()):
        Repository.objects.filter(pk=pk).update(mirror_wanted_at=at)


def _follow(found: Recorded, at_once: bool) -> None:
    """New pull requests get their changes; the others follow at once, or when their repository settles."""
    touched = dict(found.pull_requests)
    if at_once and found.others:
        rows = PullRequest.objects.select_related("repository").filter(pk__in=found.others)
        touched |= {row.pk: row for row in rows}
    ordered = sorted(touched.values(), key=lambda row: (row.repository_id, row.number))
    others = open_alone(rows=ordered)
    for row in others if at_once else ():
        follow(pull_request=row, at=row.touched_at, settled=False)


def _note(items: Iterable[_Item]) -> None:
    """Write what became of each, and tell the page of the integrations."""
    rows: list[tuple[int, str, str, str, datetime]] = []
    for item in items:
        if item.outcome is not None:
            name = item.outcome.repository_name[:200]
            rows.append((item.delivery.pk, str(item.outcome.state), item.outcome.note[:500], name, item.at))
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(NOTE, [list(column) for column in zip(*rows, strict=True)])
        ring("integrations")
