"""Coverage in minutes from readings and holes; and how holes come to be written, for sources, mirrors and lost deliveries."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.completeness.coverage import coverage_of, holes_of
from changes.completeness.facts import Hole, covering, ranges
from changes.completeness.window import window_of
from changes.connectors import outages
from changes.connectors.models import Delivery, HookSecret, Source
from changes.connectors.outage_models import SourceOutage
from changes.connectors.untold import Untold
from changes.delivery.facts import PullRequestReported
from changes.delivery.models import PullRequest, Repository
from portal.access.scope import EVERYTHING
from portal.ledger.models import LedgerLeaf

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def hole(begin, end, filled=None):
    return Hole(1, "fly", "unreadable", at(begin), None if end is None else at(end), None if filled is None else at(filled), "away")


@pytest.mark.parametrize(
    ("first", "last", "holes", "wanted"),
    [
        (None, None, [], (100, 0, 0, 0)),
        (-50, 200, [], (100, 100, 0, 0)),
        (30, 90, [], (100, 60, 0, 0)),
        (-50, 200, [hole(10, 20)], (100, 90, 10, 0)),
        (-50, 200, [hole(10, 20, 21), hole(15, 30)], (100, 80, 20, 10)),
        (-50, 200, [hole(-10, 10), hole(95, None)], (100, 85, 15, 0)),
        (30, 200, [hole(0, 40)], (100, 60, 10, 0)),
        (0.6, 200, [hole(10, 10.5)], (100, 98, 1, 0)),
    ],
    ids=["never read", "always", "in part", "one hole", "overlapping", "across both ends", "before the first reading", "never up"],
)
def test_minutes_are_never_claimed_that_were_not_read(first, last, holes, wanted):
    given = {"first": None if first is None else at(first), "last": None if last is None else at(last)}
    found = covering(since=NOON, until=at(100), holes=holes, **given)
    assert found == wanted
    assert found[1] + found[2] <= found[0]


def test_missing_numbers_are_said_as_ranges():
    assert ranges([7, 3, 4, 5, 9, 8]) == ((3, 5), (7, 9))
    assert ranges([]) == ()


def written(of):
    rows = SourceOutage.objects.filter(**({"source": of} if isinstance(of, Source) else {"repository": of})).order_by("id")

    def minutes(moment):
        return None if moment is None else (moment - NOON).total_seconds() / 60

    return [(row.kind, minutes(row.began_at), minutes(row.ended_at), minutes(row.filled_at)) for row in rows]


@pytest.mark.django_db
def test_holes_of_a_source_and_of_a_mirror_are_written_once_and_with_the_ledger():
    source = Source.objects.create(name="fly", kind="fly", api_url="http://127.0.0.1:9", connected_at=at(-60))
    outages.failed(of=source, why="away", at=at(-1))  # nothing to lose yet
    outages.well(of=source, at=at(0))
    for minute in (1, 2):
        outages.failed(of=source, why="away", at=at(minute))
    outages.well(of=source, at=at(3))
    assert (outages.filled(of=source, at=at(3)), outages.filled(of=source, at=at(4))) == (1, 0)
    outages.well(of=source, at=at(4))
    outages.well(of=source, at=at(10))
    assert written(source) == [("start", -60, 0, None), ("unreadable", 0, 3, 3), ("unread", 4, 10, None)]
    kinds = list(LedgerLeaf.objects.filter(stream=f"source:{source.pk}").order_by("id").values_list("kind", flat=True))
    assert kinds == ["outage.noted", "outage.began", "outage.ended", "outage.filled", "outage.noted"]

    mirror = Repository.objects.create(name="northwind/web", in_scope_from=at(-60))
    outages.well(of=mirror, at=at(0))
    Repository.objects.update(mirrored_at=at(0))
    outages.failed(of=mirror, why="no route", at=at(1))
    outages.well(of=mirror, at=at(2))
    assert written(mirror) == [("start", -60, 0, None), ("unreadable", 0, 2, None)]


@pytest.mark.django_db
def test_what_no_delivery_has_told_is_on_record():
    source = Source.objects.create(name="github", kind="github", api_url="http://127.0.0.1:9", connected_at=at(-60))
    repository = Repository.objects.create(name="northwind/web", in_scope_from=at(-60), poll_cursor=at(-30))
    fact = PullRequestReported(
        number=4, title="Four", state="open", head_ref="b", head_sha="1" * 40, base_ref="main", vendor_updated_at=at(-10)
    )
    known = PullRequest(number=4, state="open", head_sha="1" * 40, base_ref="main")

    def poll(*, fact=fact, known=None):
        untold = Untold(source=source, repository=repository, at=at(0))
        untold.look_at(fact=fact, known=known)
        untold.note()
        return [row.missed for row in SourceOutage.objects.filter(kind="webhooks")]

    assert poll() == []  # no deliveries come from there
    HookSecret.objects.create(source=source, secret_encrypted=b"x", created_at=at(-60))
    assert poll(known=known) == []
    waiting = Delivery.objects.create(
        source=source, delivery_id="1", event="push", body=b"", body_size=0, body_digest="", received_at=at(0)
    )
    assert poll() == []
    waiting.delete()
    source.settings = {"redelivery": {"asked_at": at(-5).isoformat()}}
    assert poll() == []
    source.settings = {}
    assert poll() == [["northwind/web #4"]]
    known.state = "closed"
    assert len(poll(known=known)) == 2
    repository.poll_cursor = None
    assert len(poll()) == 2


@pytest.mark.django_db
def test_missed_deliveries_count_in_one_window_only():
    """A row that spans midnight counts on the day on which it began."""
    source = Source.objects.create(name="github", kind="github", api_url="http://127.0.0.1:9", connected_at=at(-60))
    outages.missed(source=source, what=["#4", "#5"], since=at(-5), until=at(5), why="Lost", at=at(6))

    def counted(since, until):
        window = window_of(since=at(since), until=at(until), scope=EVERYTHING, at=at(60))
        [found] = coverage_of(window=window, holes=holes_of(window=window))
        return found.missed

    assert [counted(-60, 0), counted(0, 60), counted(-60, 60)] == [2, 0, 2]
