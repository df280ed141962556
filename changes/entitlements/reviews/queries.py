"""What is asked about access reviews. The number of queries does not depend on how long the list is."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from changes.entitlements.models import Entitlement, Thing
from changes.entitlements.reviews import policy
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer, ReviewEntry, ReviewHandover, SystemOwner
from portal.access.may import people_with_roles
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role, roles_with
from portal.policy.in_force import parameters_at

POOL = (Role.COMPLIANCE, Role.CHAIR, Role.ARCHITECT, Role.ADMINISTRATOR, Role.APPROVER)
"""Whose holders review what its owner may not, in this order."""
HANDED = ReviewHandover.objects.filter(entry=OuterRef("pk")).order_by("-pk")
ASKED = Coalesce(Subquery(HANDED.values("reviewer")[:1]), F("reviewer"), output_field=BigIntegerField())
"""Who is asked about an entry now: the last one it was handed to, else who was asked first."""
LAST = ReviewAnswer.objects.filter(entry=OuterRef("pk")).order_by("-pk")


@dataclass(frozen=True)
class Share:
    """What one reviewer has to answer, and what is left of it. ``reviewer`` None: nobody but the holder was there."""

    reviewer: User | None
    entries: int
    left: int


@dataclass(frozen=True)
class Progress:
    """How far a review is."""

    entries: int
    by_verdict: Counter[str]
    shares: tuple[Share, ...]

    @property
    def done(self) -> int:
        """Entries that somebody has answered."""
        return sum(self.by_verdict.values())

    @property
    def left(self) -> int:
        """Entries that nobody has answered."""
        return self.entries - self.done


@dataclass(frozen=True)
class Removal:
    """A right that a reviewer said to remove, and whether a later snapshot shows that it is gone."""

    entry: ReviewEntry
    answer: ReviewAnswer
    state: str
    ended_at: datetime | None
    snapshot: int | None
    """The snapshot that proves it."""
    back: bool
    """The same right is held again."""


def reviews() -> QuerySet[AccessReview]:
    """Every review, newest first."""
    return AccessReview.objects.select_related("opened_by", "closed_by").order_by("-number")


def open_review() -> AccessReview | None:
    """The review that is under way."""
    return AccessReview.objects.filter(closed_at=None).first()


def due_since(*, at: datetime) -> datetime | None:
    """Since when the next review should have been opened; None while there is time, or one is under way."""
    every = parameters_at(at).access_review_every
    last = reviews().first()
    if last is not None and last.closed_at is None:
        return None
    begun = (
        last.opened_at
        if last is not None
        else Thing.objects.order_by("first_read_at").values_list("first_read_at", flat=True).first()
    )
    return begun + every if begun is not None and begun + every <= at else None


def owners() -> QuerySet[SystemOwner]:
    """Who answers for what, today."""
    return SystemOwner.objects.filter(ended_at=None).select_related("person").order_by("source", "thing")


def pool(*, at: datetime) -> list[User]:
    """People who may review, in the order in which they are asked."""
    holding = people_with_roles(POOL, at=at)
    found = {user.pk: user for role in POOL if role in roles_with(P.ACCESS_REVIEW) for user in holding[role]}
    return list(found.values())


def entries_of(review: AccessReview) -> QuerySet[Any]:
    """The list of one review, by place, as ``with_answers``."""
    return with_answers(ReviewEntry.objects.filter(review=review)).order_by("place")


def with_answers(rows: QuerySet[ReviewEntry]) -> QuerySet[Any]:
    """Entries with who is ``asked`` now, who handed it to them (``handed_by``, None: they were asked first), and the last word on
    each as ``verdict``, ``reason``, ``answered_by`` and ``answered_at``.
    """
    return rows.select_related("holder", "reviewer", "entitlement").annotate(
        asked=ASKED,
        asked_name=Coalesce(Subquery(HANDED.values("reviewer__name")[:1]), F("reviewer__name")),
        handed_by=Subquery(HANDED.values("by__name")[:1]),
        verdict=Subquery(LAST.values("verdict")[:1]),
        reason=Subquery(LAST.values("reason")[:1]),
        answered_by=Subquery(LAST.values("by__name")[:1]),
        answered_at=Subquery(LAST.values("at")[:1]),
    )


def last_answers(entries: Collection[int]) -> dict[int, ReviewAnswer]:
    """By entry: its last answer."""
    rows = ReviewAnswer.objects.filter(entry_id__in=entries).order_by("entry_id", "-pk").distinct("entry_id")
    return {row.entry_id: row for row in rows}


def progress_of(review: AccessReview) -> Progress:
    """Counts, in all and by reviewer. Three queries."""
    last = ReviewAnswer.objects.filter(entry__review=review).order_by("entry_id", "-pk").distinct("entry_id")
    by_verdict = Counter(verdict for verdict in last.values_list("verdict", flat=True))
    answered = Exists(ReviewAnswer.objects.filter(entry=OuterRef("pk")))
    rows = ReviewEntry.objects.filter(review=review).annotate(done=answered, asked=ASKED).values("asked")
    counts = list(rows.annotate(entries=Count("pk"), left=Count("pk", filter=Q(done=False))).order_by("asked"))
    people = User.objects.in_bulk([row["asked"] for row in counts if row["asked"]])
    shares = [Share(people.get(row["asked"]), row["entries"], row["left"]) for row in counts]
    return Progress(sum(share.entries for share in shares), by_verdict, tuple(sorted(shares, key=lambda share: -share.left)))


def removals(*, at: datetime) -> list[Removal]:
    """Every right that was to be removed, the ones that are still there first."""
    within = parameters_at(at).access_removed_within
    last = ReviewAnswer.objects.filter(
        pk=Subquery(ReviewAnswer.objects.filter(entry=OuterRef("entry")).order_by("-pk").values("pk")[:1])
    )
    rows = last.filter(verdict=policy.REMOVE).select_related("entry__entitlement", "entry__review", "entry__reviewer", "by")
    again = Entitlement.objects.filter(
        ended_at=None,
        thing=OuterRef("entry__entitlement__thing"),
        first_seen_at__gt=OuterRef("entry__entitlement__ended_at"),
    ).filter(account_id=OuterRef("entry__account_id"), right=OuterRef("entry__right"))
    found = [_removal(row, at, within) for row in rows.annotate(back=Exists(again)).order_by("at", "pk")]
    return sorted(found, key=lambda one: (one.state == policy.REMOVED, one.answer.at))


def _removal(row: ReviewAnswer, at: datetime, within: timedelta) -> Removal:
    right = row.entry.entitlement
    state = policy.removal_state(answered_at=row.at, ended_at=right.ended_at, at=at, within=within)
    return Removal(row.entry, row, state, right.ended_at, right.ended_in_id, bool(getattr(row, "back", False)))
