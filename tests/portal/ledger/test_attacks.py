"""The attacks of docs/ledger.md, as a superuser on a real database: where each row is tried, and what is tried nowhere else."""

from pathlib import Path

import pytest
from django.db import connection

from portal.ledger import guards, keys
from portal.ledger.chain import Frontier
from portal.ledger.export import export
from portal.ledger.models import LedgerSealed
from portal.ledger.notes import Head
from portal.ledger.tools import verify as tool
from portal.ledger.verification import verify
from tests.database import lifted
from tests.portal.ledger.conftest import ORIGIN, REHASH, tamper

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
TRIED = {
    "edit or backdate an entry, edit a text": "test_verification.py::test_an_edited_or_backdated_field_is_found",
    "delete in the middle, change places": "test_verification.py::test_entries_that_changed_places_are_found",
    "leave an entry out of the tree": "test_verification.py::test_an_entry_that_was_left_out_of_the_tree_is_found",
    "slip in an entry with an old time": "test_verification.py::test_an_entry_backdated_by_hand_is_found_once_it_is_sealed",
    "edit and hash everything anew": "test_verification.py::test_everything_hashed_anew_is_found_by_the_signed_root",
    "the same with a stolen key and forged checkpoints": (
        "test_attacks.py::test_a_stolen_key_and_forged_checkpoints_are_told_by_the_anchors_alone_and_offline_too"
    ),
    "cut the end, or restore an old copy": "test_verification.py::test_a_database_that_was_rolled_back_is_found_outside",
    "edit, delete or slip in a row of a domain table": ("test_projection.py::test_an_edited_or_removed_row_of_the_domain_is_found"),
    "take a text away, with a redaction that one person signed": (
        "test_attacks.py::test_a_text_that_one_person_alone_redacted_is_gone_for_both_verifiers"
    ),
    "switch guards off, replace functions or triggers, give rights or tables away, hang triggers, rules or policies on evidence": (
        "test_fingerprint.py::test_every_change_of_the_schema_shows_as_a_deviation_and_another_digest"
    ),
    "cut what no checkpoint covers yet": "test_verification.py::test_a_cut_behind_the_last_checkpoint_is_the_window_that_stays",
    "invent events from now on": "",
    "steal the key and rewrite every anchor": "",
}
"""Row -> the test; none where the page says that nothing finds it, or that it is no matter of the ledger."""
MIDDLE = "stream = 'notes' AND stream_seq = 2"
ONE_ALONE = (
    f"DELETE FROM portal_ledgerbody WHERE leaf_id = (SELECT id FROM portal_ledgerleaf WHERE {MIDDLE})",
    "SELECT portal_ledger_append('redaction:1', 'redaction.confirmed', 'user:1', (SELECT json_build_object('hash', "
    "encode(hash, 'hex'), 'proposed_by', 1, 'confirmed_by', 1)::text "
    f"FROM portal_ledgerleaf WHERE {MIDDLE}), '{{}}', false)",
)


def test_a_text_that_one_person_alone_redacted_is_gone_for_both_verifiers(ledger, where, sealed, tmp_path, capsys):
    tamper(*ONE_ALONE)
    sealed()

    assert verify(where=where).problems[0].place == "entry 3 (notes, number 2)"
    export(folder=tmp_path / "out", where=where)
    assert tool.main([str(tmp_path / "out"), "--processes", "1"]) == 1
    assert capsys.readouterr().out == "BROKEN  entry 3 (notes, number 2): its text is gone\n"


def test_every_row_of_the_page_has_its_test():
    """docs/ledger.md, "Verifying": each attack by whoever rules the database, and where it is tried."""
    page = (ROOT / "docs" / "ledger.md").read_text().split("| attack by whoever")[1].split("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in page.splitlines()[2:]]
    assert rows == list(TRIED)
    for where_tried in TRIED.values():
        name, _, test = where_tried.partition("::")
        assert not test or f"def {test}(" in (ROOT / "tests" / "portal" / "ledger" / name).read_text(), where_tried


def test_a_stolen_key_and_forged_checkpoints_are_told_by_the_anchors_alone_and_offline_too(ledger, where, tmp_path, capsys):
    """The worst: all hashed anew, all checkpoints signed anew with the true key, and the sealer's memory as well."""
    kept = tmp_path / "given to the auditor.txt"
    kept.write_text((where.anchors / "checkpoints.txt").read_text())
    tamper("UPDATE portal_ledgerbody SET payload = replace(payload, 'three', 'tree')", REHASH)
    signer = keys.load(where=where)
    leaves = [bytes(leaf) for leaf in LedgerSealed.objects.order_by("seq").values_list("hash", flat=True)]
    with lifted(connection, "portal_ledgercheckpoint"), connection.cursor() as cursor:
        for size in (2, 5, 7):
            frontier = Frontier().extended(leaves[:size])
            text = signer.sign(Head(ORIGIN, size, frontier.root()))
            cursor.execute(
                "UPDATE portal_ledgercheckpoint SET root = %s, frontier = %s, note = %s WHERE size = %s",
                [frontier.root(), frontier.packed(), text, size],
            )
    keys.remember(where=where, note=text)

    assert {problem.place for problem in verify(where=where, full=True).problems} == {
        *(f"checkpoint {size} outside ({keeper})" for size in (5, 7) for keeper in ("files", "git")),
    }
    export(folder=tmp_path / "out", where=where)
    for folder in ("files", "git"):  # the attacker hands out an export that fits itself
        for path in (tmp_path / "out" / "outside" / folder).iterdir():
            path.unlink()
        (tmp_path / "out" / "outside" / folder).rmdir()
    assert tool.main([str(tmp_path / "out"), "--processes", "1"]) == 0
    assert tool.main([str(tmp_path / "out"), "--processes", "1", "--checkpoints", str(kept)]) == 1
    assert "checkpoint 5 (" in capsys.readouterr().out


def test_replaced_guards_and_given_rights_are_found_and_repaired(where):
    """Trigger, function, grants: each kind of change once; all of them stand in test_fingerprint."""
    statements = (
        "ALTER TABLE changes_approval DISABLE TRIGGER evidence_fixed",
        "CREATE OR REPLACE FUNCTION portal_evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "GRANT DELETE ON changes_verdict TO countersign_app",
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    try:
        sentences = [problem.sentence for problem in verify(where=where).problems]
        assert sentences == [
            "trigger changes_approval.evidence_fixed is not ENABLE ALWAYS",
            "function portal_evidence_refuse differs from the code",
            "somebody gave a right on changes_verdict: countersign_app DELETE",
        ]
    finally:
        guards.install(connection)
    assert verify(where=where).ok
