"""The attacks of docs/ledger.md, row by row, as a superuser on a real database: what shows inside, and what only shows outside.

``inside`` is what the database and its own checkpoints tell; ``outside`` what the anchors add. What both miss is the stated window.
"""

from contextlib import nullcontext

import pytest
from django.db import connection, transaction

from portal.ledger import guards, keys
from portal.ledger.chain import Frontier
from portal.ledger.export import export
from portal.ledger.models import LedgerSealed
from portal.ledger.notes import Head
from portal.ledger.tools import verify as tool
from portal.ledger.verification import verify
from tests.database import lifted
from tests.portal.ledger.conftest import ORIGIN, REHASH, tamper
from tests.portal.ledger.test_verification import CUT

pytestmark = pytest.mark.django_db(transaction=True)
MIDDLE = "stream = 'notes' AND stream_seq = 2"
WINDOW = (
    "DELETE FROM portal_ledgerbody WHERE payload LIKE '%unsealed%'",
    "DELETE FROM portal_ledgerleaf l WHERE NOT EXISTS (SELECT FROM portal_ledgersealed s WHERE s.leaf_id = l.id)",
)
FORGED = (
    "INSERT INTO portal_ledgerleaf "
    "(event_id, stream, stream_seq, kind, actor, payload_digest, rows, recorded_at, xid, prev_hash, hash) "
    "SELECT gen_random_uuid(), 'forged', 1, 'approval.given', 'user:1', sha256('x{}'), '{}', '2025-03-02', '3', '', ''",
    "INSERT INTO portal_ledgerbody SELECT id, 'x', '{}' FROM portal_ledgerleaf WHERE stream = 'forged'",
    "UPDATE portal_ledgerleaf SET hash = portal_ledger_hash(event_id, stream, stream_seq, kind, actor, recorded_at, "
    "payload_digest, rows, prev_hash) WHERE stream = 'forged'",
)
# Name of the row in docs/ledger.md -> statements, where it shows first (inside), who else tells (outside).
ATTACKS = {
    "edit one text": (["UPDATE portal_ledgerbody SET payload = replace(payload, 'three', 'tree')"], "entry 3", False),
    "edit one entry": ([f"UPDATE portal_ledgerleaf SET actor = 'user:666' WHERE {MIDDLE}"], "entry 3", False),
    "backdate": ([f"UPDATE portal_ledgerleaf SET recorded_at = recorded_at - interval '1 year' WHERE {MIDDLE}"], "entry 3", False),
    "delete in the middle": (
        ["DELETE FROM portal_ledgerbody WHERE payload LIKE '%three%'", f"DELETE FROM portal_ledgerleaf WHERE {MIDDLE}"],
        "entry 3",
        False,
    ),
    "change places": (
        [
            "UPDATE portal_ledgersealed SET seq = seq + 1000 WHERE seq IN (2, 3)",
            "UPDATE portal_ledgersealed SET seq = CASE seq WHEN 1002 THEN 3 ELSE 2 END WHERE seq > 1000",
        ],
        "checkpoint 5",
        True,
    ),
    "slip in an old entry": (FORGED, "unsealed entry", False),
    "edit and hash everything anew": (
        ["UPDATE portal_ledgerbody SET payload = replace(payload, 'three', 'tree')", REHASH],
        "checkpoint 5",
        True,
    ),
    "roll the database back": (CUT, None, True),
    "edit a domain table": (["UPDATE changes_change SET state = 'approved'"], "changes_change:", False),
    "delete from a domain table": (
        ["DELETE FROM changes_searchtext", "DELETE FROM changes_revision", "DELETE FROM changes_change"],
        "changes_change:",
        False,
    ),
    "take the text away and leave a redaction by one": (
        [
            f"DELETE FROM portal_ledgerbody WHERE leaf_id = (SELECT id FROM portal_ledgerleaf WHERE {MIDDLE})",
            "SELECT portal_ledger_append('redaction:1', 'redaction.confirmed', 'user:1', (SELECT json_build_object('hash', "
            "encode(hash, 'hex'), 'proposed_by', 1, 'confirmed_by', 1)::text "
            f"FROM portal_ledgerleaf WHERE {MIDDLE}), '{{}}', false)",
        ],
        "entry 3",
        False,
    ),
    "cut what no checkpoint covers": (WINDOW, None, False),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_found_where_it_is_said_to_be(name, ledger, where):
    statements, inside, outside = ATTACKS[name]
    assert verify(where=where).ok
    with transaction.atomic() if statements is CUT else nullcontext():
        tamper(*statements)

    places = [problem.place for problem in verify(where=where, full=True).problems]

    within = [place for place in places if "outside" not in place]
    assert within[0].startswith(inside) if inside else within == [], places
    assert any("outside" in place for place in places) == outside, places


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
