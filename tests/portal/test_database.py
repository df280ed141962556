"""Moments are read as they are on record; a reading row by row that was left half way ends with its transaction."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DataError, ProgrammingError, connection, transaction
from psycopg import adapters
from psycopg.pq import Format
from structlog.testing import capture_logs

from portal.access.models import User
from portal.access.roles import Role
from portal.database.times import UtcLoader
from tests.portal.access.people import person

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMESTAMPTZ = adapters.types["timestamptz"].oid
LEFT = "a reading was left half way"


@pytest.fixture
def two():
    return [person(f"Extra {number}", Role.ENGINEER) for number in range(2)]


def half():
    """A reading of two rows of which one was read."""
    rows = User.objects.order_by("pk").iterator(chunk_size=1)
    next(rows)
    return rows


def open_ones():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django%'")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wrong", [False, True])
def test_reading_that_was_left_half_way_spoils_no_later_transaction(two, wrong):
    with capture_logs() as said, transaction.atomic():
        rows = half()
        transaction.set_rollback(wrong)

    with transaction.atomic():
        rows.close()  # as the garbage collector does it, whenever it comes by
        assert User.objects.count() == len(two)
    assert [line["event"] for line in said] == [LEFT]


@pytest.mark.django_db
def test_reading_ends_with_the_savepoint_in_which_it_began_and_no_other_one_does(two):
    before = half()
    with capture_logs() as said, transaction.atomic():
        inside = half()
        with transaction.atomic():
            innermost = half()
        assert open_ones() == 3
        transaction.set_rollback(True)

    inside.close()
    innermost.close()
    assert ([line["event"] for line in said], open_ones()) == ([LEFT, LEFT], 1)
    assert len([*before]) == 1
    assert open_ones() == 0


@pytest.mark.django_db
def test_reading_that_came_to_its_end_or_was_dropped_is_not_told_of(two):
    with capture_logs() as said:
        with transaction.atomic():
            assert len([*User.objects.iterator(chunk_size=1)]) == len(two)
            half()
            transaction.set_rollback(True)
        with transaction.atomic():
            rows = half()
            rows.close()
    assert said == []


@pytest.mark.django_db(transaction=True)
def test_reading_outside_of_transactions_outlives_them_and_ends_with_the_connection(two):
    rows = half()
    with capture_logs() as said:
        with transaction.atomic():
            assert User.objects.count() == len(two)
        assert (open_ones(), said) == (1, [])
        assert len([*rows]) == 1
        rows = half()
        connection.close()
        rows.close()
    assert ([line["event"] for line in said], open_ones()) == ([LEFT], 0)


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_closed_is_said_at_the_commit_and_does_not_hinder_a_rollback(two):
    def lost():
        rows = half()
        with connection.cursor() as cursor:
            cursor.execute("CLOSE ALL")
        return rows

    with pytest.raises(ProgrammingError, match="does not exist"), transaction.atomic():
        first = lost()
    with transaction.atomic():
        second = lost()
        transaction.set_rollback(True)
    with transaction.atomic():
        first.close()
        second.close()
        assert User.objects.count() == len(two)
    with pytest.raises(ProgrammingError, match="does not exist"), transaction.atomic():
        both = [half(), lost(), half()]
    with transaction.atomic():
        for rows in both:
            rows.close()
        assert User.objects.count() == len(two)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["UTC", "+05:30", "America/New_York"])
@pytest.mark.parametrize(
    "said",
    ["2026-11-29 09:17:00+00", "2026-11-29 09:17:00.1+00", "1883-11-18 12:03:57.999999-04:56:02", "0002-01-01 00:00+00"],
)
def test_a_moment_is_read_in_utc_whatever_zone_the_server_writes(said, zone):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        try:
            cursor.execute("SELECT %s::timestamptz, extract(epoch FROM %s::timestamptz)::text", [said, said])
            moment, seconds = cursor.fetchone()
        finally:
            cursor.execute("SELECT set_config('TimeZone', 'UTC', false)")

    assert moment.utcoffset() == timedelta(0)
    assert (moment - EPOCH) == timedelta(microseconds=int(Decimal(seconds) * 1_000_000))


@pytest.mark.django_db
def test_the_quick_reader_is_the_one_that_reads():
    with connection.cursor() as cursor:
        assert cursor.cursor.adapters.get_loader(TIMESTAMPTZ, Format.TEXT) is UtcLoader


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("said", ["infinity", "0044-03-15 10:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_what_python_has_no_moment_for_is_refused(said):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [said])
        with pytest.raises(DataError):
            cursor.fetchone()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("said", "zone"), [("10000-01-01 03:00:00+00", "America/New_York"), ("0001-12-31 20:00:00+00 BC", "Asia/Kolkata")]
)
def test_a_moment_that_is_in_another_year_in_utc_is_no_other_moment(said, zone):
    """The server writes 9999 and 0001, because it is there still, and already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        try:
            cursor.execute("SELECT %s::timestamptz", [said])
            with pytest.raises(DataError, match="no year that Python knows"):
                cursor.fetchone()
        finally:
            cursor.execute("SELECT set_config('TimeZone', 'UTC', false)")
