#!/usr/bin/env python3
"""Verifies an exported Countersign ledger offline. Needs Python 3.11 and the package `cryptography`, nothing else.

    python verify.py EXPORT [--keys FILE] [--checkpoints FILE_OR_FOLDER ...] [--processes N]

EXPORT is a folder written by `manage.py ledger export`. Give with --checkpoints what you kept yourself: a handed-over
checkpoints.txt, a clone of the Git anchor. Give with --keys the public key that you were given beforehand; a key that
comes with the export proves only that the export fits itself.

Checked: every entry's hash and the digest of its text; that entries are numbered without a gap and every stream is whole
and in order; the Merkle tree (RFC 6962) at the size of every checkpoint, which shows that each continues the one before;
every signature (Ed25519, https://c2sp.org/signed-note).

Exit code 0: all is well. 1: something is broken; the first broken place is named. 2: the input cannot be used.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTE = re.compile(r"^([^\n]+)\n(\d+)\n([A-Za-z0-9+/]+=*)\n\n((?:— \S+ [A-Za-z0-9+/]+=*\n)+)", re.MULTILINE)
SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+=*)")
EMPTY = hashlib.sha256().digest()


class Broken(Exception):
    """The ledger is not what it was. The message names the first place."""


class Unusable(Exception):
    """The input is no export, or lacks a part."""


@dataclass
class Part:
    """What one piece of the entries file says: leaf hashes in order, and both ends of every stream in it."""

    first: int
    hashes: list[bytes] = field(default_factory=list)
    starts: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)
    """Stream -> (entry, number in the stream, hash of the entry before it)."""
    ends: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Stream -> (number in the stream, hash)."""
    broken: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A signed head of the tree."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: str
    source: str


def sized(part: bytes) -> bytes:
    """A field behind its length in four bytes."""
    return len(part).to_bytes(4, "big") + part


def entry_hash(entry: dict[str, Any]) -> bytes:
    """SHA-256 over 0x00 and the fields, each behind its length in four bytes."""
    return hashlib.sha256(
        b"\0"
        + sized(bytes.fromhex(entry["event_id"].replace("-", "")))
        + sized(entry["stream"].encode())
        + b"\0\0\0\x08"
        + entry["stream_seq"].to_bytes(8, "big", signed=True)
        + sized(entry["kind"].encode())
        + sized(entry["actor"].encode())
        + sized(bytes.fromhex(entry["recorded_at"]))
        + sized(bytes.fromhex(entry["payload_digest"]))
        + sized("\n".join(entry["rows"]).encode())
        + sized(bytes.fromhex(entry["prev_hash"]))
    ).digest()


def read_part(path: str, start: int, end: int, first: int) -> Part:
    """Check the entries between two byte positions; ``first`` is the number that the first of them must have."""
    part = Part(first)
    with open(path, "rb") as file:
        file.seek(start)
        try:
            while start < end:
                line = file.readline()
                start += len(line)
                read_entry(part, json.loads(str(line, "utf-8")))
        except Broken as problem:
            part.broken = str(problem)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as problem:
            part.broken = f"entry {first + len(part.hashes)}: cannot be read ({problem!r})"
    return part


def read_entry(part: Part, entry: dict[str, Any]) -> None:
    """Check one entry and take it into the part."""
    seq, stream, number = part.first + len(part.hashes), entry["stream"], entry["stream_seq"]
    place = f"entry {seq} ({stream}, number {number})"
    if entry["seq"] != seq:
        raise Broken(f"entry {seq}: is missing or out of order; the file has {entry['seq']} there")
    if entry["payload"] is None or entry["salt"] is None:
        raise Broken(f"{place}: its text is gone")
    digest = hashlib.sha256(bytes.fromhex(entry["salt"]) + entry["payload"].encode()).hexdigest()
    if digest != entry["payload_digest"]:
        raise Broken(f"{place}: its text was changed")
    computed = entry_hash(entry)
    if computed.hex() != entry["hash"]:
        raise Broken(f"{place}: its fields were changed")
    before = part.ends.get(stream)
    if before is None:
        part.starts[stream] = (seq, number, bytes.fromhex(entry["prev_hash"]))
    elif before != (number - 1, bytes.fromhex(entry["prev_hash"])):
        raise Broken(f"{place}: does not follow on the entry before it")
    part.ends[stream] = (number, computed)
    part.hashes.append(computed)


def joined(parts: list[Part]) -> list[bytes]:
    """All leaf hashes, when the streams go on from part to part."""
    hashes: list[bytes] = []
    ends: dict[str, tuple[int, bytes]] = {}
    for part in parts:
        for stream, (seq, number, previous) in part.starts.items():
            if ends.get(stream, (0, b"")) != (number - 1, previous):
                raise Broken(f"entry {seq} ({stream}, number {number}): does not follow on the entry before it")
        if part.broken:
            raise Broken(part.broken)
        ends.update(part.ends)
        hashes += part.hashes
    return hashes


def read_entries(path: Path, processes: int) -> list[bytes]:
    """Check the entries file with several processes; returns the leaf hashes in order."""
    if not path.is_file():
        raise Unusable(f"{path} is missing")
    bounds, first = [0], [0]
    with path.open("rb") as file:
        size, lines = path.stat().st_size, 0
        for number in range(1, processes):
            file.seek(bounds[-1])
            wanted = size * number // processes
            while file.tell() < wanted:
                piece = file.read(min(1 << 20, wanted - file.tell()))
                lines += piece.count(b"\n")
            lines += bool(file.readline())
            bounds.append(file.tell())
            first.append(lines)
    pieces = list(zip(bounds, [*bounds[1:], size], first, strict=True))
    if processes == 1:
        return joined([read_part(str(path), *pieces[0])])
    with ProcessPoolExecutor(processes) as pool:
        return joined(list(pool.map(read_part, *zip(*[(str(path), *piece) for piece in pieces], strict=True))))


class Tree:
    """A Merkle tree that grows to the right and keeps only the roots of its complete subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self.open: dict[int, bytes] = {}

    def grow(self, leaves: list[bytes]) -> None:
        """Add leaf hashes."""
        row, level = list(leaves), 0
        while row:
            if level in self.open:
                row.insert(0, self.open.pop(level))
            if len(row) % 2:
                self.open[level] = row.pop()
            row = [hashlib.sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
            level += 1
        self.size += len(leaves)

    def root(self) -> bytes:
        """The head."""
        head = b""
        for level in sorted(self.open):
            head = hashlib.sha256(b"\1" + self.open[level] + head).digest() if head else self.open[level]
        return head or EMPTY


def read_keys(path: Path) -> dict[tuple[str, bytes], Ed25519PublicKey]:
    """(name, key id) -> key, from lines ``name+id+base64``."""
    if not path.is_file():
        raise Unusable(f"{path} is missing")
    found = {}
    for line in path.read_text().split():
        name, _, encoded = line.split("+", 2)
        raw = base64.b64decode(encoded)
        key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        found[(name, key_id)] = Ed25519PublicKey.from_public_bytes(raw[1:])
    if not found:
        raise Unusable(f"{path} holds no key")
    return found


def read_checkpoints(places: list[Path]) -> list[Checkpoint]:
    """Every note in these files and folders, smallest first."""
    found: list[Checkpoint] = []
    for place in places:
        if not place.exists():
            raise Unusable(f"{place} is missing")
        files = sorted(path for path in place.rglob("*") if path.suffix in {".note", ".txt"}) if place.is_dir() else [place]
        for path in files:
            notes = list(NOTE.finditer(path.read_text()))
            if not notes:
                raise Broken(f"{path}: holds no checkpoint")
            for note in notes:
                root = base64.b64decode(note[3])
                text = f"{note[1]}\n{note[2]}\n{note[3]}\n"
                found.append(Checkpoint(note[1], int(note[2]), root, text, note[4], str(path)))
    return sorted(found, key=lambda checkpoint: checkpoint.size)


def check_signature(checkpoint: Checkpoint, keys: dict[tuple[str, bytes], Ed25519PublicKey]) -> None:
    """One of the known keys of this log must have signed it."""
    for name, encoded in SIGNATURE.findall(checkpoint.signatures):
        blob = base64.b64decode(encoded)
        key = keys.get((name, blob[:4]))
        if key is not None and name == checkpoint.origin:
            try:
                key.verify(blob[4:], checkpoint.text.encode())
            except InvalidSignature:
                continue
            return
    raise Broken(f"checkpoint {checkpoint.size} ({checkpoint.source}): no valid signature of a known key")


def check_tree(hashes: list[bytes], checkpoints: list[Checkpoint]) -> None:
    """The entries must give the root of every checkpoint."""
    tree = Tree()
    for checkpoint in checkpoints:
        place = f"checkpoint {checkpoint.size} ({checkpoint.source})"
        if checkpoint.size > len(hashes):
            raise Broken(f"{place}: the ledger shrank, the export has only {len(hashes)} entries")
        tree.grow(hashes[tree.size : checkpoint.size])
        if tree.root() != checkpoint.root:
            raise Broken(f"{place}: the root differs, entries below it were rewritten")


def verify(export: Path, keys_file: Path, extra: list[Path], processes: int) -> str:
    """Check everything; returns a sentence about what was checked. Raises ``Broken`` or ``Unusable``."""
    started = time.perf_counter()
    keys = read_keys(keys_file)
    folders = [export / name for name in ("checkpoints", "outside") if (export / name).is_dir()]
    checkpoints = read_checkpoints([*folders, *extra])
    hashes = read_entries(export / "entries.jsonl", processes)
    for checkpoint in checkpoints:
        check_signature(checkpoint, keys)
    check_tree(hashes, checkpoints)
    covered = checkpoints[-1].size if checkpoints else 0
    if covered < len(hashes):
        raise Broken(f"entry {covered}: no checkpoint covers it")
    seconds = time.perf_counter() - started
    return f"{len(hashes)} entries and {len(checkpoints)} checkpoints verify ({len(hashes) / seconds:,.0f} entries/s)."


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("--keys", type=Path)
    parser.add_argument("--checkpoints", type=Path, action="append", default=[])
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    try:
        print(verify(given.export, given.keys or given.export / "keys.txt", given.checkpoints, max(1, given.processes)))
    except Broken as problem:
        print(f"BROKEN  {problem}")
        return 1
    except (Unusable, OSError, ValueError) as problem:
        print(f"UNUSABLE  {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":  # pragma: no cover - tried as a program of its own in test_export
    sys.exit(main(sys.argv[1:]))
