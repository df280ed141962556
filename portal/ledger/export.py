"""The ledger as files that anybody can verify without the portal: entries, checkpoints, public keys, the verifier itself."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.ledger import keys, tools
from portal.ledger.anchors import anchors
from portal.ledger.places import Places
from portal.ledger.segment import FIELDS, SEALED, Chosen, segment
from portal.ledger.snapshot import moment, rows

# As CSV whose quote and delimiter no JSON text can contain, a line comes out exactly as it is.
ENTRIES = f"""
COPY (
    SELECT {FIELDS} FROM {SEALED} ORDER BY s.seq
) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')
"""  # noqa: S608 - texts of ours
CHECKPOINTS = "SELECT size, note FROM portal_ledgercheckpoint ORDER BY size"
VERIFIER = Path(tools.__file__).with_name("verify.py")


@dataclass(frozen=True)
class Exported:
    """What was written."""

    entries: int
    checkpoints: int


def export(*, folder: Path, where: Places) -> Exported:
    """Write all sealed entries and every checkpoint, those of the anchors too, into ``folder`` (made when missing).

    Files: ``entries.jsonl``, ``checkpoints/``, ``outside/<anchor>/``, ``keys.txt`` and the verifier, which needs only
    Python and ``cryptography``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with moment() as (cursor, _):
        entries = _write_entries(cursor, folder / "entries.jsonl")
        notes = [(int(size), str(note)) for size, note in rows(cursor, CHECKPOINTS)]
    _write_notes(folder / "checkpoints", (note for _, note in notes))
    for anchor in anchors(where):
        _write_notes(folder / "outside" / anchor.name, anchor.notes())
    (folder / "keys.txt").write_text("".join(f"{key.text()}\n" for key in keys.public_keys(where=where)))
    shutil.copyfile(VERIFIER, folder / "verify.py")
    return Exported(entries, len(notes))


def export_segment(*, folder: Path, chosen: Chosen, where: Places) -> Exported:
    """Write the chosen entries with their proofs into ``folder`` (made when missing). Raises ``NothingSealed``.

    Files: ``segment.jsonl``, ``checkpoint.note``, ``history.jsonl``, ``keys.txt`` and the verifier.
    """
    with segment(chosen=chosen, where=where) as found:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "segment.jsonl").open("w", encoding="utf-8") as file:
            entries = sum(1 for line in found.lines if file.write(line + "\n"))
        (folder / "checkpoint.note").write_text(found.checkpoint)
        (folder / "history.jsonl").write_text("".join(f"{line}\n" for line in found.history))
        (folder / "keys.txt").write_text("".join(f"{key}\n" for key in found.keys))
    shutil.copyfile(VERIFIER, folder / "verify.py")
    return Exported(entries, 1 + len(found.history))


def _write_entries(cursor: Any, path: Path) -> int:
    entries = 0
    with path.open("wb") as file, cursor.copy(ENTRIES) as copy:
        for piece in copy:
            entries += bytes(piece).count(b"\n")
            file.write(piece)
    return entries


def _write_notes(folder: Path, notes: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, note in enumerate(notes, start=1):
        (folder / f"{number:08d}.note").write_text(note)
