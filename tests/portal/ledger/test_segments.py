"""A segment of the ledger proves that its entries stand in the whole, without the rest of it."""

import json
import shutil
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.ledger import keys, proofs, segment
from portal.ledger.export import Exported, export_segment
from portal.ledger.models import LedgerCheckpoint
from portal.ledger.notes import Head
from portal.ledger.segment import Chosen, NothingSealed
from portal.ledger.tools import verify as tool
from tests.portal.ledger.conftest import ORIGIN, note, tamper

pytestmark = pytest.mark.django_db(transaction=True)
LINE = "a line break that JSON leaves alone: \u2028, and \u0085"


@pytest.fixture
def exported(where, sealed, tmp_path):
    """Three days with a checkpoint each; the segment has one stream and one entry of another."""
    for day in range(3):
        note(f"before {day}")
        note(LINE, stream="change:1001")
        sealed()
        tamper(f"UPDATE portal_ledgercheckpoint SET sealed_at = '2026-03-0{day + 1}T12:00Z' WHERE size = {2 * day + 2}")
    note("unsealed", stream="change:1001")
    folder = tmp_path / "segment"
    chosen = Chosen(streams=["change:1001"], numbers=[2])
    assert export_segment(folder=folder, chosen=chosen, where=where) == Exported(entries=4, checkpoints=3)
    return folder


def run(capsys, folder, *arguments):
    code = tool.main([str(folder), *map(str, arguments)])
    said = capsys.readouterr()
    return code, (said.out + said.err).strip()


def change(folder, name, number, **values):
    lines = (folder / name).read_text().split("\n")
    lines[number] = json.dumps(json.loads(lines[number]) | values)
    (folder / name).write_text("\n".join(lines))


def test_a_segment_verifies_far_from_the_portal(exported, where, capsys, tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", str(exported / "verify.py"), str(exported)], capture_output=True, text=True, check=False
    )
    sentence = "4 entries stand in the tree of checkpoint 6; it continues 2 earlier ones."
    assert (done.returncode, done.stdout.split("\n")[0]) == (0, sentence)

    code, said = run(capsys, exported, "--checkpoints", where.anchors / "checkpoints.txt")
    assert (code, said.split("\n")[1]) == (0, "0 of 3 kept checkpoints have a size that nothing here has.")
    entries = [json.loads(line) for line in (exported / "segment.jsonl").read_text().split("\n")[:-1]]
    assert [(entry["seq"], entry["stream"]) for entry in entries] == [
        (1, "change:1001"),
        (2, "notes"),
        (3, "change:1001"),
        (5, "change:1001"),
    ]
    assert LINE in json.loads(entries[0]["payload"])["fact"]["text"]
    head = LedgerCheckpoint.objects.get(size=6)
    for entry in entries:
        path = [bytes.fromhex(node) for node in entry["proof"]]
        leaf = bytes.fromhex(entry["hash"])
        assert proofs.is_included(index=entry["seq"], leaf=leaf, size=6, head=bytes(head.root), proof=path)


def test_damage_of_a_segment_is_named(exported, where, capsys, tmp_path):
    whole = tmp_path / "whole"
    shutil.copytree(exported, whole)
    good = json.loads((whole / "segment.jsonl").read_text().split("\n")[1])
    other = json.loads((whole / "segment.jsonl").read_text().split("\n")[0])
    early, later = (json.loads(line) for line in (whole / "history.jsonl").read_text().split("\n")[:-1])
    kept = where.anchors / "checkpoints.txt"
    outside = "entry 2 (notes, number 2): does not stand in the tree of checkpoint 6"
    cases = [
        ("segment.jsonl", {"kind": "note.edited"}, "entry 2 (notes, number 2): its fields were changed"),
        ("segment.jsonl", {"payload": "{}"}, "entry 2 (notes, number 2): its text was changed"),
        ("segment.jsonl", {"payload": None}, "entry 2 (notes, number 2): its text is gone"),
        ("segment.jsonl", {"proof": other["proof"]}, outside),
        ("segment.jsonl", {"proof": good["proof"][:-1]}, "line 2 of segment.jsonl: cannot be read"),
        ("segment.jsonl", {"proof": [*good["proof"], *good["proof"]]}, "line 2 of segment.jsonl: cannot be read"),
        ("segment.jsonl", {"seq": 3}, "entry 3 (notes, number 2): does not stand in the tree of checkpoint 6"),
        ("segment.jsonl", {"seq": 10}, "entry 10 (notes, number 2): does not stand in the tree of checkpoint 6"),
        ("segment.jsonl", {"rows": 7}, "line 2 of segment.jsonl: cannot be read"),
        (
            "history.jsonl",
            {"proof": ["00" * 32, *later["proof"][1:]]},
            "checkpoint 4 (history.jsonl): checkpoint 6 does not continue it",
        ),
        ("history.jsonl", {"note": early["note"].replace("\n2\n", "\n0\n")}, "checkpoint 0 (history.jsonl): checkpoint 6"),
        ("history.jsonl", {"note": "nothing"}, "line 2 of history.jsonl: cannot be read"),
        ("history.jsonl", {"note": early["note"].replace("\n2\n", "\n7\n")}, "checkpoint 7 (history.jsonl): checkpoint 6"),
    ]
    for name, values, sentence in cases:
        shutil.rmtree(exported)
        shutil.copytree(whole, exported)
        change(exported, name, 1, **values)
        code, said = run(capsys, exported, "--checkpoints", kept)
        assert (code, said.startswith(f"BROKEN  {sentence}")) == (1, True), (sentence, said)
    shutil.rmtree(exported)
    shutil.copytree(whole, exported)
    forged = tmp_path / "forged.txt"
    forged.write_text((whole / "checkpoint.note").read_text().replace("\n6\n", "\n5\n"))
    assert run(capsys, exported, "--checkpoints", forged)[1].startswith("BROKEN  checkpoint 5")


def test_a_kept_checkpoint_tells_when_the_whole_segment_was_forged(exported, where, tmp_path, capsys):
    """What somebody kept is older than the forgery, which fits itself and has the right key."""
    signer = keys.load(where=where)
    kept = tmp_path / "kept.txt"
    kept.write_text(signer.sign(Head(ORIGIN, 4, b"x" * 32)))

    code, said = run(capsys, exported, "--checkpoints", kept)

    assert (code, said) == (1, f"BROKEN  checkpoint 4 ({kept}): the root differs, entries below it were rewritten")
    kept.write_text(signer.sign(Head(ORIGIN, 5, b"x" * 32)))
    assert "1 of 1 kept checkpoints have a size that nothing here has." in run(capsys, exported, "--checkpoints", kept)[1]


def test_a_segment_is_exported_by_command_and_large_ones_page_by_page(exported, where, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(segment, "FETCHED", 1)
    call_command("ledger", "export", str(tmp_path / "out"), "--stream", "change:1001", "--stream", "nothing")

    assert capsys.readouterr().out.startswith("3 entries and 3 checkpoints in ")
    assert run(capsys, tmp_path / "out")[0] == 0


def test_a_segment_stands_against_the_checkpoint_of_a_size_with_the_earlier_ones_that_were_asked_for(exported, where):
    tamper("UPDATE portal_ledgercheckpoint SET sealed_at = '2026-03-02T11:00Z' WHERE size = 2")
    heads = {size: bytes(root) for size, root in LedgerCheckpoint.objects.values_list("size", "root")}

    def made(size, *checkpoints):
        chosen = Chosen(streams=["change:1001"], checkpoints=checkpoints)
        with connection.cursor() as cursor:
            found = segment.segment_on(cursor, chosen=chosen, where=where, size=size)
            numbers = [json.loads(line)["seq"] for line in found.lines]
        assert found.root == heads[found.size]
        return found.size, [int(json.loads(line)["note"].split("\n")[1]) for line in found.history], numbers

    assert made(None) == (6, [4], [1, 3, 5])
    assert made(6, 2, 9) == (6, [2, 4], [1, 3, 5])
    assert made(4) == (4, [2], [1, 3])
    with pytest.raises(NothingSealed):
        made(5)


def test_nothing_sealed_is_no_segment(where, tmp_path):
    note()
    with pytest.raises(NothingSealed):
        export_segment(folder=tmp_path / "out", chosen=Chosen(), where=where)
    with pytest.raises(CommandError, match="nothing is sealed"):
        call_command("ledger", "export", str(tmp_path / "out"), "--stream", "notes")
