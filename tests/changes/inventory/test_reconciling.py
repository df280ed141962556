"""The monthly reconciliation: counts as of a month's end, signed once, with a fresh sign-in, and a note where they differ."""

from datetime import UTC, date, datetime, timedelta

import pytest

from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from changes.inventory.models import Asset, SourceReading
from changes.inventory.reconciling import digest_for, end_of_month, lines, sign, waiting
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import who

pytestmark = pytest.mark.django_db
END = datetime(2026, 11, 1, tzinfo=UTC)
OCTOBER, NOW, HOUR = date(2026, 10, 1), END + timedelta(days=2), timedelta(hours=1)


def read(*names, at=END - HOUR, within=None, kind="fly.machine"):
    seen = [Seen(kind, name, name, within=within or "") for name in names]
    observe(source="fly", kinds={kind}, within=within, seen=seen, at=at)


def compared(at=END):
    return [(line.kind, line.counted, line.kept, line.readings, line.agrees) for line in lines(at=at)]


def signing(**given):
    seen = digest_for(month=OCTOBER, compared=lines(at=END))
    mia = {"month": OCTOBER, "note": "", "seen": seen, "by": who("Mia"), "authenticated_at": NOW, "at": NOW}
    return sign(**{**mia, **given})


def test_the_counts_are_those_of_the_moment(django_assert_max_num_queries):
    read("a", "b", within="web")
    read("c", within="api")
    read("web", "api", kind="fly.app")
    read("a", within="web", at=END + HOUR)

    with django_assert_max_num_queries(3):
        assert compared() == [("fly.app", 2, 2, 1, True), ("fly.machine", 3, 3, 2, True)]
    assert compared(END + 2 * HOUR)[1] == ("fly.machine", 2, 2, 2, True)
    assert compared(END + timedelta(days=2))[0] == ("fly.app", 2, 2, 1, False)


def test_a_whole_reading_stands_for_its_parts_and_a_miscount_is_seen():
    read("a", within="web")
    read("a", "b", at=END - HOUR / 2)
    assert compared() == [("fly.machine", 2, 2, 1, True)]

    SourceReading.objects.update(counts={"fly.machine": 3})
    assert compared() == [("fly.machine", 3, 2, 1, False)]
    SourceReading.objects.all().delete()
    assert compared() == [("fly.machine", 0, 2, 0, False)]
    assert Asset.objects.count() == 2


def test_months_wait_from_the_first_reading_on():
    assert waiting(at=NOW) == []
    read("a", at=datetime(2026, 8, 20, tzinfo=UTC))
    assert waiting(at=NOW) == [date(2026, 8, 1), date(2026, 9, 1), OCTOBER]
    assert len(waiting(at=NOW + timedelta(days=600))) == 12
    assert end_of_month(date(2026, 12, 1)) == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_month_is_signed_once_with_its_lines():
    read("a")

    row = signing()

    assert (row.differing, row.lines[0]["counted"], row.lines[0]["agrees"], waiting(at=NOW)) == (0, 1, True, [])
    entry = entries_about(stream="inventory:reconciliation")[0]
    assert (entry.kind, entry.fact["digest"], entry.fact["month"]) == ("inventory.reconciled", row.digest, "2026-10-01")
    with pytest.raises(Stale, match="signed already"):
        signing()


def test_a_signature_is_refused_without_right_sign_in_note_or_an_ended_month():
    read("a", at=END - timedelta(days=3))
    for given, words in (
        ({"by": who("Ann")}, "may not sign"),
        ({"authenticated_at": None}, "last five minutes"),
        ({"authenticated_at": NOW - HOUR}, "last five minutes"),
        ({"month": date(2026, 11, 1)}, "not to be signed"),
        ({}, "Not all numbers agree"),
    ):
        with pytest.raises(Refused, match=words):
            signing(**given)
    with pytest.raises(Stale, match="others than those"):
        signing(seen="x")
    assert signing(note="Fly was not reachable.").differing == 1
