#!/usr/bin/env python3
"""Verifies an exported Countersign ledger offline. Needs Python 3.11 and the package `cryptography`, nothing else.

    python verify.py EXPORT [--keys FILE] [--checkpoints FILE_OR_FOLDER ...] [--processes N]

EXPORT is a folder written by `manage.py ledger export`: the whole ledger, or a segment of it (segment.jsonl). Give with
--checkpoints what you kept yourself: a handed-over checkpoints.txt, a clone of the Git anchor. Give with --keys the public
key that you were given beforehand; one that comes with the export proves only that the export fits itself.

Checked: hash and text of every entry; numbers without a gap, streams in order; the Merkle tree (RFC 6962) at the size of every
checkpoint; every signature (Ed25519, https://c2sp.org/signed-note). Of a segment: hash and text of every entry, the proof that
it stands in the checkpoint's tree, the proofs that this continues earlier ones (RFC 9162), every signature. Texts that two
people redacted by an entry, and checkpoints that a recovery signed by two names as lost, are told and are no fault.

Exit code 0: all is well. 1: something is broken; the first broken place is named. 2: the input cannot be used.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTE = re.compile(r"^([^\n]+)\n(\d+)\n([A-Za-z0-9+/]+=*)\n\n((?:— \S+ [A-Za-z0-9+/]+=*\n)+)", re.MULTILINE)
SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+=*)")
EMPTY = hashlib.sha256().digest()
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
REDACTION, RECOVERY = "redaction.confirmed", "recovery.adopted"


class Broken(Exception):
    """The ledger is not what it was. The message names the first place."""


@dataclass
class Part:
    """What one piece of the entries says. ``starts``: stream -> (entry, number in the stream, hash of the entry before it).
    ``ends``: stream -> (number, hash). ``gone``: (place, hash) of entries without a text. ``redacted``: hash -> the entry that
    says that two people took its text away. ``lost``: checkpoint -> the recovery that names it as lost.
    """

    first: int
    hashes: list[bytes] = field(default_factory=list)
    starts: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)
    ends: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    gone: list[tuple[str, str]] = field(default_factory=list)
    redacted: dict[str, int] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
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
        except UNREADABLE as problem:
            part.broken = f"entry {first + len(part.hashes)}: cannot be read ({problem!r})"
    return part


def read_entry(part: Part, entry: dict[str, Any]) -> None:
    """Check one entry and take it into the part."""
    seq, stream, number = part.first + len(part.hashes), entry["stream"], entry["stream_seq"]
    if entry["seq"] != seq:
        raise Broken(f"entry {seq}: is missing or out of order; the file has {entry['seq']} there")
    place, before = f"entry {seq} ({stream}, number {number})", part.ends.get(stream)
    computed = check_entry(part, entry, place)
    if before is None:
        part.starts[stream] = (seq, number, bytes.fromhex(entry["prev_hash"]))
    elif before != (number - 1, bytes.fromhex(entry["prev_hash"])):
        raise Broken(f"{place}: does not follow on the entry before it")
    part.ends[stream] = (number, computed)
    part.hashes.append(computed)


def check_entry(part: Part, entry: dict[str, Any], place: str) -> bytes:
    """Check the text and the fields of one entry by themselves; returns its hash."""
    if entry["payload"] is None or entry["salt"] is None:
        part.gone.append((place, entry["hash"]))
    elif hashlib.sha256(bytes.fromhex(entry["salt"]) + entry["payload"].encode()).hexdigest() != entry["payload_digest"]:
        raise Broken(f"{place}: its text was changed")
    computed = entry_hash(entry)
    if computed.hex() != entry["hash"]:
        raise Broken(f"{place}: its fields were changed")
    if entry["kind"] in (REDACTION, RECOVERY) and entry["payload"] is not None:
        note_fact(part, entry)
    return computed


def note_fact(part: Part, entry: dict[str, Any]) -> None:
    """What a redaction or a recovery says. One that a single person signed says nothing."""
    fact = json.loads(entry["payload"])["fact"]
    if entry["kind"] == REDACTION and fact["proposed_by"] != fact["confirmed_by"]:
        part.redacted[fact["hash"]] = entry["seq"]
    if entry["kind"] == RECOVERY and len({one["actor"] for one in fact["signed_by"]}) > 1:
        names = " and ".join(one["name"] for one in fact["signed_by"])
        told = f"by the restore that entry {entry['seq']} names, signed by {names}: {fact['reason']}"
        part.lost |= dict.fromkeys(fact["lost"], told)


def told_of_redactions(part: Part) -> list[str]:
    """A sentence for each text that was redacted. One that is gone without an entry about it is broken."""
    for place, entry in part.gone:
        if entry not in part.redacted:
            raise Broken(f"{place}: its text is gone")
    return [f"{place}: its text was redacted by entry {part.redacted[entry]}." for place, entry in part.gone]


def joined(parts: list[Part]) -> Part:
    """All of it in one, when the streams go on from part to part."""
    whole = Part(0)
    ends: dict[str, tuple[int, bytes]] = {}
    for part in parts:
        for stream, (seq, number, previous) in part.starts.items():
            if ends.get(stream, (0, b"")) != (number - 1, previous):
                raise Broken(f"entry {seq} ({stream}, number {number}): does not follow on the entry before it")
        if part.broken:
            raise Broken(part.broken)
        ends.update(part.ends)
        whole.hashes += part.hashes
        whole.gone += part.gone
        whole.redacted |= part.redacted
        whole.lost |= part.lost
    return whole


def read_entries(path: Path, processes: int) -> Part:
    """Check the entries file with several processes; the leaf hashes come in order."""
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
        for _, node in sorted(self.open.items()):
            head = hashlib.sha256(b"\1" + node + head).digest() if head else node
        return head or EMPTY


def read_keys(path: Path) -> dict[tuple[str, bytes], Ed25519PublicKey]:
    """(name, key id) -> key, from lines ``name+id+base64``."""
    found = {}
    for line in path.read_text().split():
        name, _, encoded = line.split("+", 2)
        raw = base64.b64decode(encoded)
        key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        found[(name, key_id)] = Ed25519PublicKey.from_public_bytes(raw[1:])
    if not found:
        raise ValueError(f"{path} holds no key")
    return found


def read_checkpoints(places: list[Path]) -> list[Checkpoint]:
    """Every note in these files and folders, smallest first."""
    found: list[Checkpoint] = []
    for place in places:
        files = sorted(path for path in place.rglob("*") if path.suffix in {".note", ".txt"}) if place.is_dir() else [place]
        for path in files:
            notes = checkpoints_in(path.read_text(), str(path))
            if not notes:
                raise Broken(f"{path}: holds no checkpoint")
            found += notes
    return sorted(found, key=lambda checkpoint: checkpoint.size)


def checkpoints_in(text: str, source: str) -> list[Checkpoint]:
    """The notes in a text."""
    return [
        Checkpoint(note[1], int(note[2]), base64.b64decode(note[3]), f"{note[1]}\n{note[2]}\n{note[3]}\n", note[4], source)
        for note in NOTE.finditer(text)
    ]


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


def check_tree(ledger: Part, checkpoints: list[Checkpoint]) -> list[str]:
    """The entries must give the root of every checkpoint; returns a sentence about those that a restore lost."""
    tree, hashes, lost = Tree(), ledger.hashes, Counter[str]()
    for checkpoint in checkpoints:
        if named := ledger.lost.get(f"{checkpoint.size} {checkpoint.root.hex()} {checkpoint.origin}"):
            lost[named] += 1
            continue
        place = f"checkpoint {checkpoint.size} ({checkpoint.source})"
        if checkpoint.size > len(hashes):
            raise Broken(f"{place}: the ledger shrank, the export has only {len(hashes)} entries")
        tree.grow(hashes[tree.size : checkpoint.size])
        if tree.root() != checkpoint.root:
            raise Broken(f"{place}: the root differs, entries below it were rewritten")
    return [f"{many} checkpoints were lost {named}" for named, many in lost.items()]


def climb(place: int, last: int, path: list[bytes], start: bytes) -> tuple[bytes, bytes]:
    """Up a tree along a proof (RFC 9162 sections 2.1.3.2 and 2.1.4.2): the root of what lies left of the way, and of all."""
    old = new = start
    for node in path:
        if last == 0:
            raise ValueError("the proof is too long")
        if place & 1 or place == last:
            old, new = hashlib.sha256(b"\1" + node + old).digest(), hashlib.sha256(b"\1" + node + new).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = hashlib.sha256(b"\1" + new + node).digest()
        place, last = place >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return old, new


def continued(first: Checkpoint, second: Checkpoint, proof: list[bytes]) -> bool:
    """Whether the proof shows that the second tree continues the first, which is smaller and not empty."""
    path = [first.root, *proof] if first.size & (first.size - 1) == 0 else list(proof)
    place, last = first.size - 1, second.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    return climb(place, last, path[1:], path[0]) == (first.root, second.root)


def proved(path: Path, check: Callable[[dict[str, Any]], str]) -> None:
    """Each line of a file of proofs, as JSON, through ``check``, which says what is not proved."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], start=1):
        try:
            wrong = check(json.loads(line))
        except UNREADABLE as problem:
            raise Broken(f"line {number} of {path.name}: cannot be read ({problem!r})") from problem
        if wrong:
            raise Broken(wrong)


def verify_segment(export: Path, keys_file: Path, extra: list[Path]) -> list[str]:
    """Check a segment; returns sentences about what was checked."""
    keys, kept, last = read_keys(keys_file), read_checkpoints(extra), read_checkpoints([export / "checkpoint.note"])[0]
    segment, heads = Part(0), [last]

    def stands(entry: dict[str, Any]) -> str:
        place = f"entry {entry['seq']} ({entry['stream']}, number {entry['stream_seq']})"
        segment.hashes.append(check_entry(segment, entry, place))
        path = [bytes.fromhex(node) for node in entry["proof"]]
        fits = 0 <= entry["seq"] < last.size and climb(entry["seq"], last.size - 1, path, segment.hashes[-1])[1] == last.root
        return "" if fits else f"{place}: does not stand in the tree of checkpoint {last.size}"

    def goes_on(earlier: dict[str, Any]) -> str:
        heads.append(checkpoints_in(earlier["note"], "history.jsonl")[0])
        fits = 0 < heads[-1].size < last.size and continued(heads[-1], last, [bytes.fromhex(node) for node in earlier["proof"]])
        return "" if fits else f"checkpoint {heads[-1].size} (history.jsonl): checkpoint {last.size} does not continue it"

    proved(export / "segment.jsonl", stands)
    proved(export / "history.jsonl", goes_on)
    for one in (*heads, *kept):
        check_signature(one, keys)
    roots = {one.size: one.root for one in heads}
    for one in kept:
        if roots.get(one.size, one.root) != one.root:
            raise Broken(f"checkpoint {one.size} ({one.source}): the root differs, entries below it were rewritten")
    said = f"{len(segment.hashes)} entries stand in the tree of checkpoint {last.size}; it continues {len(heads) - 1} earlier ones."
    apart = f"{sum(one.size not in roots for one in kept)} of {len(kept)} kept checkpoints have a size that nothing here has."
    return [said, apart, *told_of_redactions(segment)]


def verify(export: Path, keys_file: Path, extra: list[Path], processes: int) -> list[str]:
    """Check everything; returns sentences about what was checked. Raises ``Broken``, ``OSError`` or ``ValueError``."""
    if (export / "segment.jsonl").is_file():
        return verify_segment(export, keys_file, extra)
    started, keys = time.perf_counter(), read_keys(keys_file)
    folders = [export / name for name in ("checkpoints", "outside") if (export / name).is_dir()]
    checkpoints = read_checkpoints([*folders, *extra])
    ledger = read_entries(export / "entries.jsonl", processes)
    for checkpoint in checkpoints:
        check_signature(checkpoint, keys)
    told = [*told_of_redactions(ledger), *check_tree(ledger, checkpoints)]
    count, covered = len(ledger.hashes), checkpoints[-1].size if checkpoints else 0
    if covered < count:
        raise Broken(f"entry {covered}: no checkpoint covers it")
    speed = f"{count / (time.perf_counter() - started):,.0f} entries/s"
    return [f"{count} entries and {len(checkpoints)} checkpoints verify ({speed}).", *told]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("--keys", type=Path)
    parser.add_argument("--checkpoints", type=Path, action="append", default=[])
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    keys = given.keys or given.export / "keys.txt"
    try:
        print("\n".join(verify(given.export, keys, given.checkpoints, max(1, given.processes))))
    except Broken as problem:
        print(f"BROKEN  {problem}")
        return 1
    except (OSError, ValueError) as problem:
        print(
            f"UNUSABLE  {f'{problem.filename} is missing' if isinstance(problem, FileNotFoundError) else problem}", file=sys.stderr
        )
        return 2
    return 0


if __name__ == "__main__":  # pragma: no cover - tried as a program of its own in test_export
    sys.exit(main(sys.argv[1:]))
