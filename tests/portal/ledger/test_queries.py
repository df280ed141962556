from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from portal.home import measures
from portal.ledger import queries
from portal.ledger.models import LedgerBody, LedgerCheck, LedgerCheckpoint, LedgerLeaf
from portal.ledger.queries import Entry, SealLag
from portal.ledger.report import Report, record
from tests.database import lifted
from tests.portal.ledger.conftest import AT, note

pytestmark = pytest.mark.django_db(transaction=True)


def test_entries_about_a_thing_are_its_stream_newest_first(sealed, django_assert_num_queries):
    note("first")
    sealed()
    note("second")
    note("elsewhere", stream="other")

    with django_assert_num_queries(1):
        newest, oldest = queries.entries_about(stream="notes")

    leaf = LedgerLeaf.objects.get(stream="notes", stream_seq=1)
    assert oldest == Entry(
        id=leaf.pk,
        stream="notes",
        stream_seq=1,
        kind="note.made",
        actor="portal",
        at=leaf.recorded_at,
        fact={"text": "first"},
        hash=bytes(leaf.hash).hex(),
        seq=0,
    )
    assert (newest.fact, newest.seq) == ({"text": "second"}, None)


def test_entries_come_in_pages():
    for number in range(5):
        note(str(number))

    first = queries.entries_about(stream="notes", limit=2)
    second = queries.entries_about(stream="notes", limit=2, before=first[-1].stream_seq)
    assert [[entry.fact["text"] for entry in page] for page in (first, second)] == [["4", "3"], ["2", "1"]]

    first = queries.latest_entries(limit=2)
    second = queries.latest_entries(limit=2, before=first[-1].id)
    assert [[entry.fact["text"] for entry in page] for page in (first, second)] == [["4", "3"], ["2", "1"]]


def test_an_entry_whose_text_is_gone_is_still_shown():
    note()
    with lifted(connection):
        LedgerBody.objects.all().delete()

    assert [entry.fact for entry in queries.latest_entries()] == [{}]


def test_latest_checkpoints_come_newest_first(sealed):
    for _ in range(3):
        note()
        sealed()

    assert [checkpoint.size for checkpoint in queries.latest_checkpoints(limit=2)] == [3, 2]


def test_the_checkpoint_over_an_entry_is_the_first_that_covers_it(sealed):
    for _ in range(3):
        note()
        sealed()

    assert queries.checkpoint_over(seq=1).size == 2
    assert queries.checkpoint_over(seq=3) is None


def test_latest_checks_come_newest_first():
    for number in range(3):
        record(report=Report(number, 0, (), (), 0.1), at=AT + timedelta(days=number))

    assert [check.entries for check in queries.latest_checks(limit=2)] == [2, 1]


def test_the_last_verification_is_found_behind_any_number_of_refused_seals():
    assert queries.latest_verification() is None
    for number in range(2):
        record(report=Report(number, 0, (), (), 0.1), at=AT + timedelta(days=number))
    refused = {"what": "seal", "ok": False, "entries": 0, "checkpoints": 0, "seconds": 0.0}
    LedgerCheck.objects.bulk_create([LedgerCheck(**refused, at=AT + timedelta(days=2, hours=hour)) for hour in range(12)])

    assert queries.latest_verification().entries == 1
    assert {gauge.name for gauge in measures.ledger(AT + timedelta(days=3))} >= {"ledger_verified", "ledger_verified_age_seconds"}


def test_nothing_waits_when_all_is_sealed(sealed, django_assert_num_queries):
    note()
    sealed()
    with django_assert_num_queries(1):
        assert queries.seal_lag(at=now()) == SealLag(0, None, timedelta(0))


def test_the_lag_is_the_age_of_the_oldest_entry_that_waits(sealed):
    note()
    sealed()
    note()
    note()
    oldest = LedgerLeaf.objects.get(stream_seq=2).recorded_at

    assert queries.seal_lag(at=oldest + timedelta(seconds=7)) == SealLag(2, oldest, timedelta(seconds=7))
    assert queries.seal_lag(at=oldest - timedelta(seconds=7)).age == timedelta(0)


def test_the_lag_is_seen_after_a_restore_into_a_cluster_with_a_lower_counter(sealed):
    note()
    sealed()
    with lifted(connection):
        LedgerCheckpoint.objects.update(floor=10**12)
    note()

    assert queries.seal_lag(at=now()).waiting == 1
