"""A turn of the sealer, and the kinds of entries that it seals at once."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest

from portal.ledger import proofs, sealer, sealing
from portal.ledger.keys import KeyProblem
from portal.ledger.kinds import is_urgent
from portal.ledger.models import LedgerCheck, LedgerCheckpoint
from tests.portal.ledger.conftest import AT, note

ROOT = Path(__file__).resolve().parents[3]
committed = pytest.mark.django_db(transaction=True)


@committed
def test_a_turn_whose_key_others_may_read_is_refused_written_down_and_made_up_for(where):
    note()
    sealing.turn(at=AT, where=where)
    where.key.chmod(0o644)
    note()
    with pytest.raises(KeyProblem, match="others may read the signing key"):
        sealing.turn(at=AT + timedelta(minutes=1), where=where)
    where.key.chmod(0o600)
    sealing.turn(at=AT + timedelta(minutes=2), where=where)

    assert list(LedgerCheckpoint.objects.order_by("size").values_list("size", flat=True)) == [1, 2]
    assert "others may read the signing key" in LedgerCheck.objects.get(what="seal").problems[0]["sentence"]


@committed
def test_nothing_is_signed_that_does_not_continue_what_was_signed(where, sealed, monkeypatch):
    note()
    sealed()
    monkeypatch.setattr(sealer, "continuation", lambda before, new: proofs.continuation(before, new)[:-1])
    note()
    with pytest.raises(sealer.SealingStopped, match="the tree of 2 entries does not continue that of 1"):
        sealed()
    assert LedgerCheckpoint.objects.count() == 1


# Families of kinds that wait for the next checkpoint, a minute at most: what vendors told, what people talked about, chores.
WAITS = {
    *(
        "access",
        "access_review",
        "asset",
        "auditor",
        "comment",
        "completeness",
        "controls",
        "course",
        "deliveries",
        "delivery",
        "drift",
    ),
    *("edit", "effect", "follow_up", "gate", "inventory", "list", "noise", "people", "person", "point", "quiz", "read_log"),
    *("release", "repository", "rollback", "second_factor", "source", "training", "vendor_log", "window", "vote"),
    *("job", "keys", "outage", "pack", "population", "sample"),
    *("account", "agenda", "feed", "invitation", "scim_token", "series", "setup", "sign_in", "token"),
    # Findings and openings; their decisions are of other kinds.
    *("change", "exception"),
}
DECISIONS = {"approval", "verdict", "role", "decision", "emergency", "waiver", "policy", "redaction", "recovery", "engagement"}


def written_kinds():
    """Every kind in code: what stands behind ``kind=`` in a call of ``append`` or ``Draft``, and first in ``_tell``."""
    for path in sorted([*ROOT.glob("portal/**/*.py"), *ROOT.glob("changes/**/*.py"), *ROOT.glob("audits/**/*.py")]):
        if {"standins", "demo", "bench"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                given = [word.value for word in node.keywords if word.arg == "kind"] if name in {"append", "Draft", "_tell"} else []
                given += node.args[:1] if name == "_tell" else []
                for value in given:
                    text = value.values[0] if isinstance(value, ast.JoinedStr) else value
                    if isinstance(text, ast.Constant) and isinstance(text.value, str) and "." in text.value:
                        yield text.value


def test_every_kind_in_code_is_sealed_at_once_or_may_wait():
    kinds = set(written_kinds())
    families = {kind.partition(".")[0] for kind in kinds}

    assert families >= {"approval", "role", "verdict", "redaction", "recovery", "waiver", "decision"}
    undecided = {kind for kind in kinds if not is_urgent(kind) and kind.partition(".")[0] not in WAITS}
    assert undecided == set(), "say in kinds.py or here whether these may wait for the next checkpoint"
    assert [kind for kind in kinds if kind.partition(".")[0] in DECISIONS and not is_urgent(kind)] == []
    for kind in ("approval.given", "change.approve", "exception.accepted", "change.emergency_declared", "staging.signed_off"):
        assert is_urgent(kind)
