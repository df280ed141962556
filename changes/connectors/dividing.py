"""Which deliveries are applied together, which by themselves, and which later, so that each thing is told of in its order.

Deliveries about other things may pass each other: what one batch leaves out is about things that nothing in the batch is about.
Where a change has to follow between two deliveries, the batch ends before the second.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import reduce
from operator import or_

from django.db.models import Q

from changes.connectors.github import becoming, handlers
from changes.connectors.github.payloads import Parsed
from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome
from changes.connectors.secrets import signed_for
from changes.connectors.twins import Twins
from changes.delivery.branch_names import named_now
from changes.delivery.facts import (
    CheckReported,
    MergeGroupReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
)
from changes.delivery.models import Repository
from changes.delivery.taking import brings_names, known_as
from changes.proposals.headings import references
from changes.proposals.models import LinkedPullRequest

TICK = timedelta(microseconds=1)
"""Between two deliveries of one batch, so that each has a moment of its own."""
SETS = (PullRequestReported, ReviewReported, CheckReported, PushReported)
"""Facts that are recorded in sets."""
SHARED = (RepositoryFact, MergeGroupReported)
"""Facts that are not, about the same things as those that are."""
MERGED = "merged"
ALONE = 10
"""Deliveries that go one by one beside one batch at most."""
FOLLOWED = 20
"""Changes that follow one by one in one batch at most: their locks are held until it is over."""
Key = tuple[int, int]
"""Repository and number of a pull request."""


class Place(Enum):
    """Where a delivery goes."""

    TOGETHER = auto()
    ALONE = auto()
    LATER = auto()


@dataclass(frozen=True)
class Left:
    """Deliveries that a batch does not apply: ``alone`` go one by one, now; ``rest`` come after them, in batches again."""

    alone: list[int]
    rest: list[int]


@dataclass
class Item:
    """One delivery of a batch, and its moment."""

    delivery: Delivery
    at: datetime
    parsed: Parsed | None = None
    repository: Repository | None = None
    outcome: Outcome | None = None
    """Set when nothing of it is recorded; afterwards for all."""

    @property
    def name(self) -> str:
        """The repository, as the delivery calls it."""
        return self.parsed.repository.name if self.parsed is not None and self.parsed.repository is not None else ""

    @property
    def told(self) -> list[PullRequestReported]:
        """What it says of pull requests."""
        facts = self.parsed.facts if self.parsed is not None and self.repository is not None else ()
        return [fact for fact in facts if isinstance(fact, PullRequestReported)]

    @property
    def checks(self) -> list[CheckReported]:
        """What it says of checks."""
        facts = self.parsed.facts if self.parsed is not None else ()
        return [fact for fact in facts if isinstance(fact, CheckReported)]


@dataclass
class Division:
    """What the deliveries of a batch share while they are divided. ``at_once``: changes follow in the same transaction."""

    repositories: list[Repository]
    twins: Twins
    at_once: bool
    signed: dict[tuple[int | None, int], bool] = field(default_factory=dict)
    said: dict[Key, PullRequestReported] = field(default_factory=dict)
    """The first word on each pull request."""
    changes: dict[Key, set[int]] = field(default_factory=dict)
    """Of pull requests that have some."""
    moved: dict[int, Key] = field(default_factory=dict)
    """Which pull request moves a change, if any does."""
    follows: set[tuple[int, int | str]] = field(default_factory=set)
    """What makes changes follow that are there already: pull requests, and heads whose checks were told of."""

    def read(self, item: Item) -> None:
        """What a delivery says, which repository it is about, and what becomes of it when nothing of it is recorded."""
        if item.delivery.source.kind not in handlers.PARSERS:
            return
        found = handlers.read(delivery=item.delivery, body=zlib.decompress(bytes(item.delivery.body)))
        if isinstance(found, Outcome):
            item.outcome = found
            return
        item.parsed = found
        if found.repository is not None and found.kind != "unknown":
            rows = (row for row in self.repositories if row.forge == item.delivery.source.kind)
            item.repository = known_as(rows=rows, fact=found.repository)
        item.outcome = becoming.refusal(
            parsed=found, repository=item.repository, signed=lambda row: self._is_signed(item.delivery, row)
        )

    def place_of(self, item: Item) -> Place:
        """Where a delivery goes that was read, behind those that were asked about before."""
        known = self.twins.outcome_for(item.delivery)
        if known is not None:
            item.outcome, item.parsed = known, None
            return Place.TOGETHER
        if item.parsed is None and item.outcome is None:
            return Place.ALONE
        if item.outcome is None and item.parsed is not None:
            if self._stands_for_itself(item, item.parsed):
                return Place.LATER
            if not all(isinstance(fact, SETS) for fact in item.parsed.facts):
                return Place.ALONE
        if item.outcome is None or item.outcome.state == Delivery.State.APPLIED:
            self.twins.add(item.delivery, item.name)
        return Place.TOGETHER

    def _is_signed(self, delivery: Delivery, repository: Repository) -> bool:
        """``signed_for``, asked once for each pair."""
        key = (delivery.secret_id, repository.pk)
        if key not in self.signed:
            self.signed[key] = signed_for(delivery=delivery, repository=repository)
        return self.signed[key]

    def _stands_for_itself(self, item: Item, parsed: Parsed) -> bool:
        """Whether a batch has to end before this delivery."""
        repository, fact = item.repository, parsed.repository
        if repository is None or fact is None:
            return False
        if parsed.kind == "incomplete" or brings_names(repository=repository, fact=fact):
            return True
        if any(isinstance(one, SHARED) for one in parsed.facts):
            return True
        if not self.at_once:
            return False
        return any(self._is_followed_first(repository, one) for one in item.told) or self._is_one_too_many(item, repository)

    def _is_followed_first(self, repository: Repository, fact: PullRequestReported) -> bool:
        """Whether what was said before has to be followed first: of the same pull request, of another one of its changes, or of
        whatever it names or takes to production."""
        key = (repository.pk, fact.number)
        if self.said.setdefault(key, fact) != fact:
            return True
        fact = named_now(repository=repository, fact=fact)
        ends = {fact.head_ref, fact.base_ref}
        if ends == {repository.main_branch, repository.prod_branch} or (
            fact.state == MERGED and fact.base_ref == repository.prod_branch
        ):
            return True
        if references(fact.title, fact.head_ref, fact.body or ""):
            return True
        return any(self.moved.setdefault(change, key) != key for change in self.changes.get(key, ()))

    def _is_one_too_many(self, item: Item, repository: Repository) -> bool:
        """Whether so many changes that are there already have to follow that their locks would be held for long."""
        asked = {(repository.pk, fact.number) for fact in item.told} & self.changes.keys()
        heads = {(repository.pk, fact.head_sha) for fact in item.checks}
        more = self.follows | asked | heads
        if len(more) > FOLLOWED:
            return True
        self.follows = more
        return False


def divide(*, deliveries: Sequence[Delivery], at: datetime, at_once: bool) -> tuple[list[Item], Left]:
    """The deliveries that go together, read and in their order, and the others. With four queries at most."""
    kinds = {delivery.source.kind for delivery in deliveries}
    known = Repository.objects.filter(forge__in=kinds, in_scope_until=None).order_by("id")
    division = Division(list(known), Twins.of(deliveries), at_once)
    items = [Item(delivery, at + place * TICK) for place, delivery in enumerate(deliveries)]
    for item in items:
        division.read(item)
    division.changes = changes_of(items) if at_once else {}
    together: list[Item] = []
    alone: list[int] = []
    for place, item in enumerate(items):
        place_of = division.place_of(item)
        match Place.LATER if place_of is Place.ALONE and len(alone) == ALONE else place_of:
            case Place.TOGETHER:
                together.append(item)
            case Place.ALONE:
                alone.append(item.delivery.pk)
            case Place.LATER:
                later = [one.delivery.pk for one in items[place:]]
                # Where nothing stands before it, it goes by itself now.
                return together, Left(alone, later) if together or alone else Left(later[:1], later[1:])
    return together, Left(alone, [])


def changes_of(items: Iterable[Item]) -> dict[Key, set[int]]:
    """The changes of the pull requests that are told of."""
    keys = {(item.repository.pk, fact.number) for item in items if item.repository is not None for fact in item.told}
    if not keys:
        return {}
    these = reduce(or_, (Q(pull_request__repository=pk, pull_request__number=number) for pk, number in sorted(keys)))
    found: dict[Key, set[int]] = {}
    columns = ("pull_request__repository_id", "pull_request__number", "change_id")
    for repository, number, change in LinkedPullRequest.objects.filter(these).values_list(*columns):
        found.setdefault((repository, number), set()).add(change)
    return found
