"""What is asked about emergencies."""

import re
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Length, Lower

from changes.delivery.actor import Actor
from changes.delivery.models import PullRequest
from changes.emergencies.models import Emergency
from changes.proposals import queries as proposals
from changes.proposals.lifecycle import State
from changes.proposals.models import DECLARED, Approval, Category, Change, ReviewAfter
from portal.access.may import holders_of
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import Scope

RETROSPECTIVE, POST_IMPLEMENTATION = ReviewAfter.Kind.RETROSPECTIVE, ReviewAfter.Kind.POST_IMPLEMENTATION
PULL = re.compile(r"(?P<path>[\w.-]{1,100}(?:/[\w.-]{1,100}){1,22})(?:/pulls?/|/-/merge_requests/|[#!])(?P<number>\d{1,9})\b")


def of_change(change: Change) -> Emergency | None:
    """The declaration of a change; None when it is no emergency, or when nobody has noted it yet."""
    return Emergency.objects.filter(change=change).select_related("change", "declared_by", "asked").first()


def eligible_for(*, contributors: Iterable[Actor], excluded: Iterable[int | None], at: datetime) -> list[User]:
    """Who may give the +1 at that moment: the right to, no part in the work, and none of the ``excluded`` (ids)."""
    out = {actor.person for actor in contributors} | set(excluded)
    return [person for person in holders_of(P.EMERGENCY_PLUS_ONE, at=at) if person.pk not in out]


def who_may_plus_one(change: Change, *, at: datetime) -> list[User]:
    """The same for one change; its requester and its declarer are excluded."""
    emergency = of_change(change)
    excluded = [change.requester_id, emergency.declared_by_id if emergency else None]
    return eligible_for(contributors=proposals.contributors(change), excluded=excluded, at=at)


def pull_request_named(text: str) -> PullRequest | None:
    """The first pull request that a text names (``acme/web#12``, ``acme/shop/web!12`` or its address) and that is known here."""
    for found in PULL.finditer(text):
        parts = found["path"].split("/")
        names = ["/".join(parts[at:]).lower() for at in range(len(parts) - 1)]  # an address begins with the host
        rows = PullRequest.objects.filter(number=int(found["number"])).annotate(called=Lower("repository__name"))
        row = rows.filter(called__in=names).order_by(Length("called").desc(), "id").first()
        if row is not None:
            return row
    return None


def noted() -> QuerySet[Emergency]:
    """Emergencies whose change still is one, with it."""
    return Emergency.objects.filter(change__category=Category.EMERGENCY).select_related("change", "declared_by", "asked")


def to_note() -> QuerySet[Change]:
    """Emergencies by label, title or form that have no declaration on record yet."""
    return Change.objects.filter(DECLARED, emergency=None)


def _written(kind: str) -> Exists:
    return Exists(ReviewAfter.objects.filter(change=OuterRef("change_id"), kind=kind))


def unfinished() -> Q:
    """Not withdrawn, and one of its two reviews is not written. Needs the annotations of ``with_reviews``."""
    return ~Q(change__state=State.WITHDRAWN) & (Q(retrospective_written=False) | Q(review_written=False))


def with_reviews(rows: QuerySet[Emergency]) -> QuerySet[Emergency]:
    """Annotated with whether the retrospective and the post-implementation review are written."""
    return rows.annotate(retrospective_written=_written(RETROSPECTIVE), review_written=_written(POST_IMPLEMENTATION))


def open_emergencies() -> QuerySet[Emergency]:
    """Those with something left to do, the oldest first."""
    return with_reviews(noted()).filter(unfinished()).order_by("at", "id")


def for_next_agenda(*, at: datetime) -> QuerySet[Emergency]:
    """Emergencies that were in prod at that moment and were not reviewed in retrospect: what the next meeting looks at (P-22)."""
    written = ReviewAfter.objects.filter(change=OuterRef("change_id"), kind=RETROSPECTIVE, at__lte=at)
    return noted().filter(~Exists(written), change__merged_at__lte=at).order_by("change__merged_at", "id")


def inside(rows: QuerySet[Emergency], scope: Scope) -> QuerySet[Emergency]:
    """Only what a request may see: the repositories and the window of an auditor's engagement."""
    if scope.repositories is not None:
        rows = rows.filter(change__repository_names__overlap=sorted(scope.repositories))
    if scope.window_from is not None:
        rows = rows.filter(change__moved_at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(change__opened_at__lt=scope.window_to)
    return rows


def standing_plus_ones(rows: Iterable[Emergency]) -> dict[int, list[Approval]]:
    """The +1s that still count, by change id. One query."""
    words = Approval.objects.filter(
        change__in=[row.change_id for row in rows], verdict=Approval.Verdict.YES, lapse=None
    ).select_related("by", "confirmation")
    found: dict[int, list[Approval]] = {}
    for word in words.order_by("id"):
        found.setdefault(word.change_id, []).append(word)
    return found
