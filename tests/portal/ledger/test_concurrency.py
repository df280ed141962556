"""Many writers and a sealer at once: nothing is skipped, nothing is numbered twice, every stream is whole."""

import random
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from portal.ledger.models import LedgerCheckpoint, LedgerLeaf, LedgerSealed
from portal.ledger.sealer import seal
from portal.ledger.verification import verify
from tests.portal.ledger.conftest import AT, ORIGIN, note

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 8
EACH = 60


def write(streams, seed):
    """Transactions of one to three entries; some dawdle before they commit, some go back."""
    dice = random.Random(seed)
    for number in range(EACH):
        goes_back = number % 10 == 9
        try:
            with transaction.atomic():
                for stream in sorted(dice.sample(streams, min(len(streams), dice.randint(1, 3)))):
                    note(f"{seed}/{number}", stream=stream)
                time.sleep(dice.choice((0, 0, 0.002)))
                if goes_back:
                    raise InterruptedError
        except InterruptedError:
            pass
    connection.close()


@pytest.mark.parametrize("streams", [["one"], [f"change:{number}" for number in range(40)]], ids=["one stream", "many streams"])
def test_nothing_is_skipped_while_eight_write_and_one_seals(where, streams):
    writers = [threading.Thread(target=write, args=(streams, seed)) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()
    moment = AT
    while any(writer.is_alive() for writer in writers):
        moment += timedelta(minutes=1)
        seal(at=moment, where=where, origin=ORIGIN)
    seal(at=moment + timedelta(minutes=1), where=where, origin=ORIGIN)

    leaves = LedgerLeaf.objects.count()
    assert leaves >= WRITERS * EACH * 9 // 10
    assert list(LedgerSealed.objects.order_by("seq").values_list("seq", flat=True)) == list(range(leaves))
    assert LedgerCheckpoint.objects.count() > 3
    assert verify(where=where).problems == ()


def test_in_every_stream_the_sealed_order_is_the_stream_order(where):
    streams = [f"change:{number}" for number in range(5)]
    writers = [threading.Thread(target=write, args=(streams, seed)) for seed in range(4)]
    for writer in writers:
        writer.start()
    moment = AT
    while any(writer.is_alive() for writer in writers):
        moment += timedelta(minutes=1)
        seal(at=moment, where=where, origin=ORIGIN)
    seal(at=moment + timedelta(minutes=1), where=where, origin=ORIGIN)

    for stream in streams:
        in_order = LedgerSealed.objects.filter(leaf__stream=stream).order_by("seq").values_list("leaf__stream_seq", flat=True)
        assert list(in_order) == list(range(1, len(in_order) + 1))
