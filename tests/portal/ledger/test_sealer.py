import stat
from datetime import timedelta

import pytest
from django.db import connection

from portal.ledger import keys, sealer
from portal.ledger.anchors import FileAnchor, GitAnchor
from portal.ledger.chain import root
from portal.ledger.keys import KeyProblem
from portal.ledger.models import LedgerCheckpoint, LedgerLeaf, LedgerSealed
from portal.ledger.notes import Head, opened
from portal.ledger.publishing import publish, publish_again
from portal.ledger.sealer import SealingStopped, seal
from tests.database import lifted
from tests.portal.ledger.conftest import AT, ORIGIN, connected, note

pytestmark = pytest.mark.django_db(transaction=True)


def run(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def hashes():
    return [bytes(leaf) for leaf in LedgerSealed.objects.order_by("seq").values_list("hash", flat=True)]


def test_the_first_seal_makes_the_key_numbers_everything_and_signs_it(where):
    for number in range(3):
        note(f"{number}")

    made = seal(at=AT, where=where, origin=ORIGIN)

    assert list(LedgerSealed.objects.order_by("seq").values_list("seq", "leaf__stream_seq")) == [(0, 1), (1, 2), (2, 3)]
    head = opened(made.note, keys.public_keys(where=where))
    assert head == Head(ORIGIN, 3, root(hashes())) == keys.last_signed(where=where)
    assert stat.S_IMODE(where.key.stat().st_mode) == 0o600
    assert (made.size, bytes(made.root), made.sealed_at) == (3, head.root, AT)


def test_the_tree_grows_from_seal_to_seal(where, sealed):
    for size in (1, 2, 5):
        for _ in range(size):
            note()
        made = sealed()
        assert bytes(made.root) == root(hashes())

    assert list(LedgerCheckpoint.objects.order_by("size").values_list("size", flat=True)) == [1, 3, 8]


def test_every_checkpoint_goes_to_every_anchor(where, sealed):
    note()
    first = sealed()
    note()
    second = sealed()

    for anchor in (FileAnchor(where.anchors), GitAnchor(where.git)):
        assert anchor.last() == 2
        assert {*anchor.notes()} == {first.note, second.note}


def test_nothing_is_sealed_when_nothing_waits(where, sealed):
    assert sealed() is None
    note()
    assert sealed().size == 1
    assert sealed() is None


def test_ordinary_entries_wait_a_minute_and_urgent_ones_do_not(where):
    note()
    assert seal(at=AT, where=where, origin=ORIGIN).size == 1
    note()
    assert seal(at=AT + timedelta(seconds=59), where=where, origin=ORIGIN) is None
    assert seal(at=AT + timedelta(seconds=60), where=where, origin=ORIGIN).size == 2
    note(kind="approval.given")
    assert seal(at=AT + timedelta(seconds=61), where=where, origin=ORIGIN).size == 3


@pytest.mark.parametrize(
    "kind",
    ["approval.given", "verdict.frozen", "role.granted", "change.emergency_declared", "policy.adopted", "redaction.done"],
)
def test_kinds_that_matter_are_sealed_at_once(where, kind):
    note()
    seal(at=AT, where=where, origin=ORIGIN)
    note(kind=kind)

    assert seal(at=AT, where=where, origin=ORIGIN).size == 2


def test_a_clock_that_was_set_back_does_not_hold_up_the_seal(where):
    note()
    seal(at=AT, where=where, origin=ORIGIN)
    note()

    assert seal(at=AT - timedelta(days=1), where=where, origin=ORIGIN).size == 2


def test_only_one_seals_at_a_time(where):
    note()
    with connected() as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [sealer.SEALING])
        assert seal(at=AT, where=where, origin=ORIGIN) is None

    assert seal(at=AT, where=where, origin=ORIGIN).size == 1


def test_many_are_numbered_in_pieces(where, monkeypatch):
    monkeypatch.setattr(sealer, "BATCH", 3)
    for _ in range(7):
        note()

    made = seal(at=AT, where=where, origin=ORIGIN)

    assert (made.size, bytes(made.root)) == (7, root(hashes()))


def test_a_transaction_that_commits_late_is_not_skipped_and_holds_nobody_up(where, sealed):
    with connected() as late:
        late.execute("SELECT portal_ledger_append('late', 'note.made', 'portal', '{}', '{}', false)")
        note("after, but committed before")
        assert sealed().size == 1
        note()
        assert sealed().size == 2
        late.commit()

    assert sealed().size == 3
    assert LedgerLeaf.objects.get(stream="late").sealed.seq == 2


def test_entries_of_a_restored_cluster_whose_counter_is_lower_are_sealed(where, sealed):
    note()
    sealed()
    with lifted(connection, "portal_ledgercheckpoint"):
        run("UPDATE portal_ledgercheckpoint SET floor = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8")
    note()

    made = sealed()

    assert (made.size, made.floor < 10**6 + LedgerLeaf.objects.order_by("-id")[0].xid) == (2, True)


def test_a_memory_that_lags_behind_the_database_is_brought_up_after_a_full_check(where, sealed, monkeypatch):
    monkeypatch.setattr(sealer, "CHUNK", 2)
    for _ in range(5):
        note()
    early = sealed()
    note()
    sealed()
    keys.remember(where=where, note=early.note)
    note()

    assert sealed().size == 7


def stopped(where, sealed, match):
    note()
    before = LedgerCheckpoint.objects.count()
    with pytest.raises(SealingStopped, match=match):
        sealed()
    assert LedgerCheckpoint.objects.count() == before


def test_the_sealer_stops_when_the_ledger_shrank(where, sealed):
    for _ in range(2):
        note()
        sealed()
    with lifted(connection):
        run("DELETE FROM portal_ledgercheckpoint WHERE size = 2")
        run("DELETE FROM portal_ledgersealed WHERE seq = 1")
        run("DELETE FROM portal_ledgerleaf WHERE stream_seq = 2")

    stopped(where, sealed, "the ledger shrank: 2 entries were signed, the database has 1")


def test_the_sealer_stops_when_the_ledger_is_empty_again(where, sealed):
    note()
    sealed()
    with lifted(connection):
        run("DELETE FROM portal_ledgercheckpoint; DELETE FROM portal_ledgersealed; DELETE FROM portal_ledgerleaf")

    stopped(where, sealed, "the ledger shrank: 1 entries were signed, the database has 0")


def test_the_sealer_stops_when_the_last_checkpoint_was_rewritten(where, sealed):
    note()
    sealed()
    with lifted(connection, "portal_ledgercheckpoint"):
        run("UPDATE portal_ledgercheckpoint SET root = sha256('x'), frontier = sha256('x')")

    stopped(where, sealed, "the first 1 entries are not those that were signed")


@pytest.mark.parametrize("seq", [0, 1])
def test_the_sealer_stops_when_entries_below_a_lagging_memory_were_rewritten(where, sealed, seq):
    note()
    early = sealed()
    note()
    sealed()
    keys.remember(where=where, note=early.note)
    with lifted(connection, "portal_ledgersealed"):
        run("UPDATE portal_ledgersealed SET hash = sha256('x') WHERE seq = %s", seq)

    stopped(where, sealed, "the first 1 entries are not those that were signed")


def test_the_sealer_stops_when_it_remembers_nothing_of_an_old_ledger(where, sealed):
    note()
    sealed()
    where.state.unlink()

    stopped(where, sealed, "this sealer remembers none")


def test_the_sealer_makes_no_new_key_for_an_old_ledger(where, sealed):
    note()
    sealed()
    where.key.unlink()
    note()
    with pytest.raises(KeyProblem, match="there is no signing key"):
        sealed()


def test_an_anchor_that_fails_is_caught_up_a_minute_later(where, sealed):
    where.git.parent.mkdir(parents=True)
    where.git.write_text("a file in the way")
    note()
    sealed()
    behind = where.anchors / "behind"
    failed_at = AT.fromtimestamp(behind.stat().st_mtime, tz=AT.tzinfo)
    assert "git" in behind.read_text()

    where.git.unlink()
    publish_again(at=failed_at + timedelta(seconds=59), where=where)
    assert GitAnchor(where.git).last() == 0
    publish_again(at=failed_at + timedelta(seconds=61), where=where)
    assert (GitAnchor(where.git).last(), behind.exists()) == (1, False)
    publish_again(at=failed_at + timedelta(seconds=120), where=where)


def test_a_place_to_which_another_process_has_written_meanwhile_gets_the_rest_at_once(where, sealed, monkeypatch):
    note()
    first = sealed()
    commits, others = GitAnchor._commits, [(first.size, first.note)]

    def overtaken(anchor, checkpoints, tip):
        made = list(commits(anchor, checkpoints, tip))
        while others:
            anchor.write([others.pop()])
        return made

    monkeypatch.setattr(GitAnchor, "_commits", overtaken)
    note()
    second = sealed()

    assert (GitAnchor(where.git).last(), others) == (second.size, [])
    assert not (where.anchors / "behind").exists()


def test_publishing_again_changes_nothing(where, sealed):
    note()
    sealed()

    assert publish(at=AT, where=where) == []
    assert len(list(FileAnchor(where.anchors).notes())) == 2
