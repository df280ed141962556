"""A decision between meetings: what can be put to a written vote, and the point that stands for it (P-01, P-30)."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from changes.meetings import sources
from changes.meetings.ballots import open_written
from changes.meetings.deciding import VOTED
from changes.meetings.models import AgendaItem, Ballot, Meeting
from changes.meetings.queries import standing_series
from changes.meetings.sources import Point
from changes.proposals.models import Change
from portal.access.models import User
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

OPENINGS = 7204
"""Key of the advisory lock under which written votes are opened: one at a time on one thing."""


def votable(*, at: datetime) -> list[Point]:
    """What waits for a vote: large proposals that are ready, and versions of the policy that were sent."""
    return [point for point in sources.points(at=at).values() if point.kind in VOTED]


@transaction.atomic
def put_to_vote(*, key: str, closes_at: datetime, by: User, at: datetime) -> Ballot:
    """Open a written vote on what waits under that key. Refused for what waits no more, or is being voted on or discussed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OPENINGS])
    series = standing_series()
    if series is None:
        raise Refused(Clause.OVERSEEN, "There is no series, so nobody has a vote.", "Make one first.")
    point = next((each for each in votable(at=at) if each.key == key), None)
    if point is None:
        raise Stale("This waits for no decision any more.")
    if Ballot.objects.filter(item__key=key, closed_at=None).exists():
        raise Stale("A vote on this is open already.")
    if undecided().filter(item__key=key).exists():
        raise Stale("A written vote on this is closed, and its decision is to be recorded first.")
    if AgendaItem.objects.filter(key=key, meeting__state=Meeting.State.LIVE, state=AgendaItem.State.OPEN).exists():
        raise Stale("A meeting is in session that has this on its agenda.")
    return open_written(item=_item(point, at), series=series, closes_at=closes_at, by=by, at=at)


def _item(point: Point, at: datetime) -> AgendaItem:
    change = Change.objects.get(pk=point.change) if point.change is not None else None
    return AgendaItem.objects.create(
        kind=point.kind,
        key=point.key,
        title=point.title,
        href=point.href,
        note=point.note,
        change=change,
        minutes=point.minutes,
        position=1,
        put_at=at,
        waiting_since=at,
    )


def running() -> QuerySet[Ballot]:
    """Written votes that are open, the one that closes first in front."""
    rows = Ballot.objects.filter(written=True, closed_at=None)
    return rows.select_related("item__change", "series", "opened_by").order_by("closes_at", "id")


def undecided() -> QuerySet[Ballot]:
    """Written votes that are closed and whose decision nobody has recorded."""
    rows = Ballot.objects.filter(written=True, closed_at__isnull=False, item__state=AgendaItem.State.OPEN)
    return rows.select_related("item__change", "series", "opened_by").order_by("closed_at", "id")


def waiting_for(person: User) -> QuerySet[Ballot]:
    """Open written votes in which this person has said nothing yet. Whether they have a seat is for the caller."""
    return running().exclude(votes__person=person)
