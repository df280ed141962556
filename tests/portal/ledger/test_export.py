"""What leaves the portal can be verified without it, by a program that shares nothing with it but the vectors."""

import ast
import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.ledger import keys
from portal.ledger.export import VERIFIER, Exported, export
from portal.ledger.models import LedgerCheck, LedgerCheckpoint, LedgerLeaf
from portal.ledger.tools import verify as tool
from tests.database import lifted
from tests.portal.ledger.conftest import note

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = 'tab\t, quote ", backslash \\, ü, 😀, line\nbreak'


@pytest.fixture
def exported(where, sealed, opened, tmp_path):
    opened(1001)
    note(TEXT, stream="change:1001")
    sealed()
    for number in range(5):
        note(str(number))
    sealed()
    note("not sealed")
    folder = tmp_path / "export"
    assert export(folder=folder, where=where) == Exported(entries=7, checkpoints=2)
    return folder


@pytest.fixture
def verify(capsys):
    """Run the verifier in this process: its exit code and what it said."""

    def run(folder, *arguments):
        code = tool.main([str(folder), *map(str, arguments)])
        said = capsys.readouterr()
        return code, (said.out + said.err).strip()

    return run


def verify_as_a_stranger(folder):
    """Run the exported copy as a stranger would: another folder, an environment without anything of ours."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py"), str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": "/usr/bin", "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def entries(folder):
    return [json.loads(line) for line in (folder / "entries.jsonl").read_text().splitlines()]


def write(folder, changed):
    (folder / "entries.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in changed))


def test_the_verifier_imports_only_the_standard_library_and_cryptography():
    nodes = list(ast.walk(ast.parse(VERIFIER.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]

    assert {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) == {"cryptography"}


def leave_one_out(changed):
    """As if it had never been: everything behind it moves up."""
    changed.pop(3)
    for entry in changed[3:]:
        entry["seq"] -= 1


def test_an_export_verifies_far_from_the_portal(exported):
    code, said = verify_as_a_stranger(exported)

    assert (code, said.split(" (")[0]) == (0, "7 entries and 8 checkpoints verify")


@pytest.mark.parametrize("processes", [1, 2, 20])
def test_an_export_verifies(exported, verify, processes):
    code, said = verify(exported, "--processes", processes)

    assert (code, said.split(" (")[0]) == (0, "7 entries and 8 checkpoints verify")


def test_the_text_of_an_entry_comes_out_as_it_was_written(exported):
    payload = json.loads(entries(exported)[1]["payload"])

    assert payload["fact"]["text"] == TEXT


def test_an_empty_ledger_can_be_exported_and_verified(where, tmp_path, verify):
    keys.make(where=where, origin="log")
    assert export(folder=tmp_path / "export", where=where) == Exported(0, 0)

    assert verify(tmp_path / "export")[0] == 0


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (lambda e: e[4].update(kind="note.edited"), "entry 4 (notes, number 3): its fields were changed"),
        (lambda e: e[4].update(recorded_at="0000000000000000"), "entry 4 (notes, number 3): its fields were changed"),
        (lambda e: e[4].update(payload="{}"), "entry 4 (notes, number 3): its text was changed"),
        (lambda e: e[4].update(payload=None), "entry 4 (notes, number 3): its text is gone"),
        (lambda e: e.pop(4), "entry 4: is missing or out of order; the file has 5 there"),
        (lambda e: e.insert(4, e.pop(5)), "entry 4: is missing or out of order; the file has 5 there"),
        (lambda e: e.pop(), "checkpoint 7"),
        (lambda e: e[4].pop("kind"), "entry 4: cannot be read (KeyError('kind'))"),
        (
            lambda e: [e.pop(3), [entry.update(seq=entry["seq"] - 1) for entry in e[3:]]],
            "entry 3 (notes, number 3): does not follow",
        ),
    ],
)
def test_damage_is_named(exported, damage, place, processes, verify):
    changed = entries(exported)
    damage(changed)
    write(exported, changed)

    code, said = verify(exported, "--processes", processes)

    assert (code, said.startswith(f"BROKEN  {place}")) == (1, True), said


def rewritten(folder):
    """All entries hashed anew after one was edited: consistent in itself."""
    ends = {}
    changed = entries(folder)
    for entry in changed:
        if entry["stream"] == "notes":
            entry["actor"] = "user:666"
        entry["prev_hash"] = ends.get(entry["stream"], "")
        entry["hash"] = ends[entry["stream"]] = tool.entry_hash(entry).hex()
    write(folder, changed)


def test_a_ledger_hashed_anew_does_not_fit_its_checkpoints(exported, verify):
    rewritten(exported)

    code, said = verify(exported)

    assert (code, "checkpoint 7" in said, "the root differs" in said) == (1, True, True)


def test_checkpoints_that_one_kept_oneself_tell_when_those_of_the_export_were_replaced(exported, where, verify):
    kept = exported.with_name("kept.txt")
    shutil.copyfile(where.anchors / "checkpoints.txt", kept)
    changed = entries(exported)[:2]
    write(exported, changed)
    for note_file in [*(exported / "outside").rglob("*.note"), *(exported / "checkpoints").glob("*.note")]:
        if "\n7\n" in note_file.read_text():
            note_file.unlink()

    assert verify(exported)[0] == 0
    code, said = verify(exported, "--checkpoints", kept)
    assert (code, said) == (1, f"BROKEN  checkpoint 7 ({kept}): the ledger shrank, the export has only 2 entries")


def test_a_note_with_another_signature_is_refused(exported, verify):
    note_file = exported / "checkpoints" / "00000001.note"
    note_file.write_text(note_file.read_text().replace("\n2\n", "\n1\n"))

    code, said = verify(exported)

    assert (code, "no valid signature of a known key" in said) == (1, True)


def test_a_key_that_was_given_beforehand_decides(exported, where, settings, tmp_path, verify):
    where.key.unlink()
    where.public_keys.unlink()
    keys.make(where=where, origin="countersign.example/ledger")

    code, said = verify(exported, "--keys", where.public_keys)

    assert (code, "no valid signature of a known key" in said) == (1, True)


@pytest.mark.parametrize("missing", ["entries.jsonl", "keys.txt"])
def test_an_export_without_a_part_cannot_be_used(exported, missing, verify):
    (exported / missing).unlink()

    assert verify(exported) == (2, f"UNUSABLE  {exported / missing} is missing")


def test_entries_that_no_checkpoint_covers_are_named(exported, verify):
    for folder in ("checkpoints", "outside"):
        shutil.rmtree(exported / folder)

    assert verify(exported) == (1, "BROKEN  entry 0: no checkpoint covers it")


def command(*arguments, capsys):
    call_command("ledger", *map(str, arguments))
    return capsys.readouterr().out.strip()


def test_the_command_does_all_of_it(where, tmp_path, capsys, settings):
    settings.BASE_URL = "https://changes.northwind.example"
    assert command("init", capsys=capsys).startswith("changes.northwind.example/ledger+")
    assert command("seal", capsys=capsys) == "Nothing waits."
    note()
    assert command("seal", capsys=capsys) == "Sealed: checkpoint 1."
    assert command("verify", "--record", capsys=capsys).startswith("The ledger verifies: 1 entries, 1 checkpoints")
    assert LedgerCheck.objects.get().ok
    assert command("export", tmp_path / "out", capsys=capsys).startswith("1 entries and 1 checkpoints in ")
    where.state.unlink()
    assert "Nothing was changed" in command("adopt", capsys=capsys)


def test_init_can_name_the_log_and_keeps_a_key_that_is_there(where, capsys):
    first = command("init", "--origin", "northwind/log", capsys=capsys)

    assert first.startswith("northwind/log+")
    assert command("init", capsys=capsys) == first


def test_the_command_names_what_is_broken_and_fails(where, capsys):
    note()
    call_command("ledger", "seal")
    (where.anchors / "checkpoints.txt").unlink()
    for path in where.anchors.glob("sizes/*/*"):
        path.unlink()
    with lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE portal_ledgerleaf SET actor = 'user:666'")
    with pytest.raises(CommandError, match=r"First: entry 0 \(notes, number 1\)"):
        call_command("ledger", "verify", "--full")

    said = capsys.readouterr().out
    assert "REMARK  files does not have checkpoint 1 yet" in said
    assert "BROKEN  entry 0 (notes, number 1): its fields were changed" in said


def test_the_command_says_why_nothing_was_sealed_or_adopted(where):
    with pytest.raises(CommandError, match="Not adopted: there is no checkpoint to adopt"):
        call_command("ledger", "adopt")
    note()
    call_command("ledger", "seal")
    where.state.unlink()
    note()
    with pytest.raises(CommandError, match=r"Nothing was sealed: .* remembers none"):
        call_command("ledger", "seal")
    assert (LedgerLeaf.objects.count(), LedgerCheckpoint.objects.count()) == (2, 1)


def test_the_command_fails_when_an_anchor_cannot_be_written(where):
    where.anchors.mkdir(parents=True)
    Path(where.git).write_text("in the way")
    note()
    with pytest.raises(CommandError, match="Not everywhere written outside: git"):
        call_command("ledger", "seal")


def test_a_tree_that_stops_in_the_middle_of_the_file_is_read_to_its_end(exported, verify):
    (exported / "entries.jsonl").write_text("")

    code, said = verify(exported)
    assert (code, "the ledger shrank, the export has only 0 entries" in said) == (1, True)


def test_a_stream_that_breaks_between_two_processes_is_named(exported, verify):
    changed = entries(exported)
    changed[4]["prev_hash"] = "00" * 32
    changed[4]["hash"] = tool.entry_hash(changed[4]).hex()
    write(exported, changed)

    for processes in (1, 7):
        code, said = verify(exported, "--processes", processes)
        assert (code, said) == (1, "BROKEN  entry 4 (notes, number 3): does not follow on the entry before it")


def test_a_file_of_checkpoints_that_holds_none_is_named(exported, verify, tmp_path):
    (tmp_path / "empty.txt").write_text("nothing")

    assert verify(exported, "--checkpoints", tmp_path / "empty.txt") == (
        1,
        f"BROKEN  {tmp_path / 'empty.txt'}: holds no checkpoint",
    )
    missing = tmp_path / "missing"
    assert verify(exported, "--checkpoints", missing) == (2, f"UNUSABLE  {missing} is missing")


def test_a_file_of_keys_that_holds_none_cannot_be_used(exported, verify):
    (exported / "keys.txt").write_text("")

    assert verify(exported) == (2, f"UNUSABLE  {exported / 'keys.txt'} holds no key")


def test_a_forged_signature_of_a_known_key_is_refused(exported, verify):
    note_file = exported / "checkpoints" / "00000001.note"
    lines = note_file.read_text().splitlines()
    name, blob = lines[-1].split()[1:]
    forged = base64.b64encode(base64.b64decode(blob)[:4] + bytes(64)).decode()
    note_file.write_text("\n".join([*lines[:-1], f"— {name} {forged}"]) + "\n")

    code, said = verify(exported)
    assert (code, "no valid signature of a known key" in said) == (1, True)
