"""A superuser switches the guards off and tampers. Everything is found, but for what no checkpoint outside covers yet."""

import pytest
from django.db import connection, transaction

from portal.ledger import keys, tree
from portal.ledger.chain import Frontier
from portal.ledger.models import LedgerLeaf, LedgerSealed
from portal.ledger.notes import Head
from portal.ledger.report import Problem
from portal.ledger.verification import verify
from tests.database import lifted
from tests.portal.ledger.conftest import ORIGIN, REHASH, note, tamper

pytestmark = pytest.mark.django_db(transaction=True)


def places_of(where, full=False):
    return [problem.place for problem in verify(where=where, full=full).problems]


def first_problem(where):
    return verify(where=where).problems[0]


def test_an_untouched_ledger_verifies(ledger, where):
    report = verify(where=where, full=True)

    assert (report.ok, report.problems, report.remarks, report.entries, report.checkpoints) == (True, (), (), 9, 3)


def test_an_empty_ledger_verifies(where):
    report = verify(where=where)

    assert (report.ok, report.entries, report.checkpoints) == (True, 0, 0)


@pytest.mark.parametrize(
    "column_and_value",
    [
        "kind = 'note.edited'",
        "actor = 'user:666'",
        "recorded_at = recorded_at - interval '1 day'",
        "rows = '{changes_change:666}'",
        "event_id = gen_random_uuid()",
        "payload_digest = sha256('x')",
    ],
)
def test_an_edited_or_backdated_field_is_found(ledger, where, column_and_value):
    tamper(f"UPDATE portal_ledgerleaf SET {column_and_value} WHERE id = (SELECT leaf_id FROM portal_ledgersealed WHERE seq = 3)")

    assert first_problem(where) == Problem("entry 3 (notes, number 2)", "its fields were changed: they do not give its hash")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE portal_ledgerbody SET payload = replace(payload, 'three', 'tree') WHERE payload LIKE '%three%'",
        "UPDATE portal_ledgerbody SET salt = sha256('x') WHERE payload LIKE '%three%'",
        "DELETE FROM portal_ledgerbody WHERE payload LIKE '%three%'",
    ],
)
def test_an_edited_or_removed_text_is_found(ledger, where, statement):
    tamper(statement)

    sentence = "its text was changed or is gone: it does not give the digest"
    assert first_problem(where) == Problem("entry 3 (notes, number 2)", sentence)


def test_a_text_that_was_slipped_in_is_found(ledger, where):
    tamper("INSERT INTO portal_ledgerbody VALUES (666666, 'x', '{}')")

    assert first_problem(where) == Problem("body 666666", "belongs to no entry")


def test_a_hash_that_was_made_to_fit_breaks_the_stream(ledger, where):
    tamper(
        "UPDATE portal_ledgerleaf SET kind = 'note.edited' WHERE stream = 'notes' AND stream_seq = 2",
        "UPDATE portal_ledgerleaf SET hash = portal_ledger_hash(event_id, stream, stream_seq, kind, actor, recorded_at, "
        "payload_digest, rows, prev_hash) WHERE stream = 'notes' AND stream_seq = 2",
    )

    assert places_of(where)[:2] == ["entry 3 (notes, number 2)", "entry 4 (notes, number 3)"]


def test_an_entry_deleted_in_the_middle_is_found(ledger, where):
    tamper(
        "DELETE FROM portal_ledgerbody WHERE payload LIKE '%three%'",
        "DELETE FROM portal_ledgerleaf WHERE stream = 'notes' AND stream_seq = 2",
    )

    assert places_of(where)[:2] == ["entry 3", "entry 4 (notes, number 3)"]
    assert first_problem(where) == Problem("entry 3", "is gone")


def test_an_entry_deleted_with_its_number_is_found(ledger, where):
    tamper(
        "DELETE FROM portal_ledgersealed WHERE seq = 3",
        "DELETE FROM portal_ledgerbody WHERE payload LIKE '%three%'",
        "DELETE FROM portal_ledgerleaf WHERE stream = 'notes' AND stream_seq = 2",
    )

    assert first_problem(where) == Problem("entry 3", "the number is missing")


def test_entries_that_changed_places_are_found(ledger, where):
    tamper(
        "UPDATE portal_ledgersealed SET seq = seq + 1000 WHERE seq IN (2, 3)",
        "UPDATE portal_ledgersealed SET seq = CASE seq WHEN 1002 THEN 3 ELSE 2 END WHERE seq > 1000",
    )

    assert first_problem(where).place == "checkpoint 5"


def forge(xid):
    """An approval of last year, by hand: sound in itself, but for the tree."""
    tamper(
        f"""INSERT INTO portal_ledgerleaf
        (event_id, stream, stream_seq, kind, actor, payload_digest, rows, recorded_at, xid, prev_hash, hash)
        SELECT gen_random_uuid(), 'forged', 1, 'approval.given', 'user:1', sha256('x{{}}'), '{{}}', '2025-03-02',
            '{xid}', '', ''""",
        "INSERT INTO portal_ledgerbody SELECT id, 'x', '{}' FROM portal_ledgerleaf WHERE stream = 'forged'",
        "UPDATE portal_ledgerleaf SET hash = portal_ledger_hash(event_id, stream, stream_seq, kind, actor, recorded_at, "
        "payload_digest, rows, prev_hash) WHERE stream = 'forged'",
    )


def test_an_entry_that_was_left_out_of_the_tree_is_found(ledger, where):
    forge(xid=3)

    problem = first_problem(where)
    assert (problem.place.endswith("(forged, number 1)"), problem.sentence) == (True, "was left out of the tree")


def test_an_entry_backdated_by_hand_is_found_once_it_is_sealed(ledger, where, sealed):
    forge(xid=2**60)
    sealed()

    sentence = "was written with a time long before the checkpoint in front of it: it is backdated"
    assert first_problem(where) == Problem("entry 9 (forged, number 1)", sentence)


def test_everything_hashed_anew_is_found_by_the_signed_root(ledger, where):
    tamper("UPDATE portal_ledgerbody SET payload = replace(payload, 'three', 'tree')", REHASH)

    problems = verify(where=where).problems
    assert [problem.place for problem in problems] == [
        "checkpoint 5",
        "checkpoint 7",
        "checkpoint 5 outside (files)",
        "checkpoint 5 outside (files)",
        "checkpoint 5 outside (git)",
        "checkpoint 7 outside (files)",
        "checkpoint 7 outside (files)",
        "checkpoint 7 outside (git)",
        "checkpoint 7 outside (the sealer's memory)",
    ]


def test_everything_hashed_anew_with_forged_roots_is_found_outside(ledger, where):
    """The database agrees with itself then; only the checkpoints that are not in it tell."""
    tamper("UPDATE portal_ledgerbody SET payload = replace(payload, 'three', 'tree')", REHASH)
    signer = keys.load(where=where)
    leaves = [bytes(leaf) for leaf in LedgerSealed.objects.order_by("seq").values_list("hash", flat=True)]
    with lifted(connection, "portal_ledgercheckpoint"), connection.cursor() as cursor:
        for size in (2, 5, 7):
            frontier = Frontier().extended(leaves[:size])
            # Even with the stolen key.
            text = signer.sign(Head(ORIGIN, size, frontier.root()))
            cursor.execute(
                "UPDATE portal_ledgercheckpoint SET root = %s, frontier = %s, note = %s WHERE size = %s",
                [frontier.root(), frontier.packed(), text, size],
            )

    assert {*places_of(where)} == {
        "checkpoint 5 outside (files)",
        "checkpoint 5 outside (git)",
        "checkpoint 7 outside (files)",
        "checkpoint 7 outside (git)",
        "checkpoint 7 outside (the sealer's memory)",
    }


CUT = (
    "DELETE FROM portal_ledgercheckpoint WHERE size > 5",
    "CREATE TEMPORARY TABLE cut ON COMMIT DROP AS SELECT l.id FROM portal_ledgerleaf l LEFT JOIN portal_ledgersealed s "
    "ON s.leaf_id = l.id WHERE s.seq >= 5 OR s.seq IS NULL",
    "DELETE FROM portal_ledgersealed WHERE seq >= 5",
    "DELETE FROM portal_ledgerbody WHERE leaf_id IN (SELECT id FROM cut)",
    "DELETE FROM portal_ledgerleaf WHERE id IN (SELECT id FROM cut)",
    "UPDATE changes_change SET state = 'draft'",
)


def test_a_database_that_was_rolled_back_is_found_outside(ledger, where):
    with transaction.atomic():
        tamper(*CUT)

    assert {(problem.place, problem.sentence) for problem in verify(where=where).problems} == {
        (f"checkpoint 7 outside ({keeper})", "the ledger shrank: it has only 5 sealed entries now")
        for keeper in ("files", "git", "the sealer's memory")
    }


def test_a_cut_behind_the_last_checkpoint_is_the_window_that_stays(ledger, where):
    """Stated in docs/ledger.md: what no checkpoint covers yet can vanish; at most a minute, nothing for urgent kinds."""
    with transaction.atomic():
        tamper(
            "DELETE FROM portal_ledgerbody WHERE payload LIKE '%unsealed%'",
            "DELETE FROM portal_ledgerleaf l WHERE NOT EXISTS (SELECT FROM portal_ledgersealed s WHERE s.leaf_id = l.id)",
        )

    assert verify(where=where).ok
    assert LedgerLeaf.objects.count() == 7


def test_a_checkpoint_removed_from_the_database_is_found_outside(ledger, where):
    tamper("DELETE FROM portal_ledgercheckpoint WHERE size = 5")

    assert first_problem(where) == Problem("checkpoint 5 outside (files)", "the database does not have this checkpoint any more")


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("SET note = replace(note, 'countersign.example', 'elsewhere.example')", "checkpoint 5: no signature of a known key"),
        ("SET note = 'gone'", "this is no checkpoint"),
        ("SET note = (SELECT note FROM portal_ledgercheckpoint WHERE size = 7)", "the signed note says something else"),
        ("SET root = sha256('x')", "the entries below it do not give its root: one was changed, moved or removed"),
        ("SET frontier = sha256('x')", "the entries below it do not give its root: one was changed, moved or removed"),
    ],
)
def test_an_edited_checkpoint_is_found(ledger, where, statement, sentence):
    tamper(f"UPDATE portal_ledgercheckpoint {statement} WHERE size = 5")

    assert first_problem(where) == Problem("checkpoint 5", sentence)


def test_numbers_that_no_checkpoint_covers_are_found(ledger, where):
    tamper(
        "INSERT INTO portal_ledgersealed (seq, leaf_id, hash) "
        "SELECT 7 + row_number() OVER () - 1, l.id, l.hash FROM portal_ledgerleaf l "
        "WHERE NOT EXISTS (SELECT FROM portal_ledgersealed s WHERE s.leaf_id = l.id)",
    )

    assert first_problem(where) == Problem("entry 7", "has a number that no checkpoint covers")


def test_a_sealed_hash_of_another_length_is_found_and_not_stumbled_over(ledger, where):
    tamper("UPDATE portal_ledgersealed SET hash = 'short' WHERE seq = 3")

    problems = verify(where=where).problems
    assert problems[0] == Problem("entry 3 (notes, number 2)", "is not the entry that was sealed")


def test_a_tree_of_many_pieces_verifies(ledger, where, monkeypatch):
    monkeypatch.setattr(tree, "MANY", 2)

    assert verify(where=where).ok


def test_a_number_far_beyond_the_others_is_found_at_once(ledger, where):
    tamper("UPDATE portal_ledgersealed SET seq = 9000000000000000 WHERE seq = 6")

    assert first_problem(where) == Problem("entry 6", "the number is missing")


def test_a_forged_note_outside_is_found(ledger, where):
    path = next(where.anchors.glob("sizes/*/*5-*.note"))
    path.write_text(path.read_text().replace("\n5\n", "\n6\n"))

    assert Problem("outside (files)", "checkpoint 6: no signature of a known key") in verify(where=where).problems


def test_without_public_keys_nothing_is_taken_on_trust(ledger, where):
    where.public_keys.unlink()

    assert "checkpoint 2" in places_of(where)


def test_an_anchor_that_lags_or_cannot_be_read_is_a_remark(ledger, where):
    for path in where.anchors.glob("sizes/*/*7-*.note"):
        path.unlink()
    (where.anchors / "checkpoints.txt").unlink()
    where.git.rename(where.git.with_name("away"))
    where.git.mkdir()

    report = verify(where=where)

    assert report.ok
    assert report.remarks[0] == "files does not have checkpoint 7 yet"
    assert report.remarks[1].startswith("git could not be read")


def test_full_names_every_broken_place(ledger, where):
    tamper("UPDATE portal_ledgerleaf SET actor = 'user:666' WHERE stream = 'notes'")

    assert [place for place in places_of(where, full=True) if "number" in place] == [
        "entry 2 (notes, number 1)",
        "entry 3 (notes, number 2)",
        "entry 4 (notes, number 3)",
        "entry 6 (notes, number 4)",
        f"unsealed entry {LedgerLeaf.objects.get(stream='notes', stream_seq=5).pk} (notes, number 5)",
        f"unsealed entry {LedgerLeaf.objects.get(stream='notes', stream_seq=6).pk} (notes, number 6)",
    ]


def test_guards_that_are_off_are_found(ledger, where):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE changes_approval DISABLE TRIGGER evidence_fixed")
    try:
        assert first_problem(where) == Problem("guards", "trigger changes_approval.evidence_fixed is not ENABLE ALWAYS")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE changes_approval ENABLE ALWAYS TRIGGER evidence_fixed")


def test_verification_does_not_mind_what_is_written_meanwhile(ledger, where, monkeypatch):
    check = tree.check

    def while_writing(cursor, places):
        note("meanwhile")
        connection.close()  # the thread's own
        return check(cursor, places)

    monkeypatch.setattr(tree, "check", while_writing)
    report = verify(where=where)

    assert (report.ok, report.entries) == (True, 9)


def test_whoever_waits_hears_how_far_it_is(where, monkeypatch):
    """However quick it is: the first look comes before anything is done."""
    monkeypatch.setattr("portal.ledger.verification.TELL_EVERY", 0)
    note()
    heard = []

    assert verify(where=where, tell=lambda *told: heard.append(told)).ok

    assert len(heard) > 1
