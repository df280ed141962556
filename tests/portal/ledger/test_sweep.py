"""The pass over entries, texts and numbers together finds what the exact queries would, wherever the spans begin and end."""

from itertools import pairwise

import pytest
from django.db import connection

from portal.ledger import sweep
from portal.ledger.models import LedgerLeaf
from portal.ledger.report import Problem
from portal.ledger.rows import Span
from portal.ledger.verification import verify
from tests.portal.ledger.conftest import tamper

pytestmark = pytest.mark.django_db(transaction=True)
SOUND = (
    "UPDATE portal_ledgerleaf SET hash = portal_ledger_hash(event_id, stream, stream_seq, kind, actor, recorded_at, "
    "payload_digest, rows, prev_hash) WHERE stream = 'forged'"
)
FORGED = """INSERT INTO portal_ledgerleaf
    (id, event_id, stream, stream_seq, kind, actor, payload_digest, rows, recorded_at, xid, prev_hash, hash)
    OVERRIDING SYSTEM VALUE VALUES (%s, gen_random_uuid(), 'forged', 1, 'approval.given', 'user:1', sha256('x{}'), '{}',
        '2026-03-02', '1152921504606846976', '', '')"""


@pytest.fixture
def small(monkeypatch):
    """Spans of two entries."""
    monkeypatch.setattr(sweep, "SPAN", 2)


def found(where):
    return {(problem.place, problem.sentence) for problem in verify(where=where, full=True).problems}


def test_spans_hold_every_entry_once_however_far_apart_the_ids_are(ledger, where, small):
    ids = list(LedgerLeaf.objects.order_by("id").values_list("id", flat=True))
    tamper(FORGED.replace("%s", str(2**63 - 1)), FORGED.replace("%s", "-7").replace("'forged'", "'older'"))
    with connection.cursor() as cursor:
        spans = list(sweep.spans(cursor, 11))

    assert [span.high for span in spans] == [ids[0], ids[2], ids[4], ids[6], ids[8], 2**63 - 1]
    assert spans[0] == Span(-(2**63), ids[0])
    assert all(after.low == before.high + 1 for before, after in pairwise(spans))


@pytest.mark.parametrize("number", [-(2**63), 0, 2**63 - 1])
def test_an_entry_with_an_id_far_from_the_others_is_looked_at(ledger, where, small, number):
    """An id below one was never asked for once; one far beyond made the spans endless."""
    tamper(FORGED.replace("%s", str(number)))

    place = f"unsealed entry {number} (forged, number 1)"
    assert found(where) == {
        (place, "its fields were changed: they do not give its hash"),
        (place, "its text was changed or is gone: it does not give the digest"),
    }


def test_what_is_broken_in_several_spans_is_named_in_order(ledger, where, small):
    tamper(
        "UPDATE portal_ledgerleaf SET actor = 'user:666' WHERE stream = 'notes'",
        "UPDATE portal_ledgerbody SET salt = 'x' WHERE payload LIKE '%two%' OR payload LIKE '%unsealed one%'",
    )

    report, first = verify(where=where, full=True), verify(where=where)
    hashes = [problem.place for problem in report.problems if "fields" in problem.sentence]
    texts = [problem.place for problem in report.problems if "text" in problem.sentence]
    assert [place.split(" (")[1] for place in hashes] == [f"notes, number {number})" for number in range(1, 7)]
    assert [place.split(" (")[1] for place in texts] == ["notes, number 1)", "notes, number 5)", "notes, number 6)"]
    assert [problem.place for problem in first.problems[:2]] == ["entry 2 (notes, number 1)"] * 2


def test_what_only_changed_its_owner_is_found_though_the_counts_agree(ledger, where):
    """A text was taken from one entry, and one of no entry slipped in; the same with a number."""
    tamper("UPDATE portal_ledgerbody SET leaf_id = 666666 WHERE payload LIKE '%three%'")
    place = "entry 3 (notes, number 2)"
    assert found(where) == {
        (place, "its text was changed or is gone: it does not give the digest"),
        ("body 666666", "belongs to no entry"),
    }
    tamper(
        "UPDATE portal_ledgerbody SET leaf_id = (SELECT leaf_id FROM portal_ledgersealed WHERE seq = 3) WHERE leaf_id = 666666",
        "UPDATE portal_ledgersealed SET leaf_id = 666666 WHERE seq = 3",
    )

    moved = LedgerLeaf.objects.get(stream="notes", stream_seq=2).pk
    assert found(where) == {
        ("entry 3", "is gone"),
        (f"unsealed entry {moved} (notes, number 2)", "was left out of the tree"),
    }


def test_a_check_that_breaks_down_is_no_clean_ledger(ledger, where, monkeypatch):
    def down(*_):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("portal.ledger.tree.check", down)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        verify(where=where)


def test_a_sound_entry_by_hand_is_no_more_than_it_was(ledger, where):
    """What the application's role cannot write, a superuser can: sound in itself, not sealed, and told at its seal."""
    tamper(FORGED.replace("%s", "0"), SOUND, "INSERT INTO portal_ledgerbody VALUES (0, 'x', '{}')")

    assert verify(where=where).problems == ()
    tamper("UPDATE portal_ledgerbody SET payload = '{ }' WHERE leaf_id = 0")
    sentence = "its text was changed or is gone: it does not give the digest"
    assert verify(where=where).problems == (Problem("unsealed entry 0 (forged, number 1)", sentence),)
