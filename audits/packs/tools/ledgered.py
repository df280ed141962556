"""The ledger in a pack: entries with their proofs, the checkpoint over them, checkpoints that were kept outside."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audits.packs.tools.reading import Broken, Keys, Pack, Unusable, is_signed, loads, sha

HEAD = re.compile(r"([^\n]+)\n(\d+)\n([A-Za-z0-9+/]+=*)\n\n((?:— \S+ [A-Za-z0-9+/]+=*\n)+)")


@dataclass
class Ledger:
    """The entries in the pack: by covered row the newest text of it, and how many there are."""

    rows: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    """None where the text of the newest entry about a row was redacted."""
    size: int = 0
    entries: int = 0
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By stream the number and the hash of its last entry so far."""
    gone: dict[str, str] = field(default_factory=dict)
    """Hash of an entry without text -> its place."""
    redacted: set[str] = field(default_factory=set)
    """Hashes of entries whose text two people had removed, as an entry about it says."""
    seen: set[str] = field(default_factory=set)
    """The rows of which the pack has a record."""
    known: dict[int, bytes] = field(default_factory=dict)
    """Size -> root of every checkpoint in the pack."""
    unread: int = 0
    """Records that were not compared, since the text about them was redacted."""


def sized(part: bytes) -> bytes:
    """A field behind its length in four bytes."""
    return len(part).to_bytes(4, "big") + part


def entry_hash(entry: dict[str, Any]) -> bytes:
    """SHA-256 over 0x00 and the fields, each behind its length in four bytes."""
    fields = (
        bytes.fromhex(entry["event_id"].replace("-", "")),
        entry["stream"].encode(),
        entry["stream_seq"].to_bytes(8, "big", signed=True),
        entry["kind"].encode(),
        entry["actor"].encode(),
        bytes.fromhex(entry["recorded_at"]),
        bytes.fromhex(entry["payload_digest"]),
        "\n".join(entry["rows"]).encode(),
        bytes.fromhex(entry["prev_hash"]),
    )
    return hashlib.sha256(b"\0" + b"".join(map(sized, fields))).digest()


def root_from(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes | None:
    """The root to which an audit path leads (RFC 9162 section 2.1.3.2); None when it does not fit the size."""
    place, last, head = index, size - 1, leaf
    for node in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            head = hashlib.sha256(b"\1" + node + head).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            head = hashlib.sha256(b"\1" + head + node).digest()
        place, last = place >> 1, last >> 1
    return head if last == 0 else None


def roots_from(first: int, second: int, old: bytes, proof: list[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots to which a consistency proof leads (RFC 9162 section 2.1.4.2); None when it does not fit the sizes."""
    if not 0 < first < second:
        return None
    path = [old, *proof] if first & (first - 1) == 0 else list(proof)
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not path:
        return None
    before = after = path[0]
    for node in path[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            before = hashlib.sha256(b"\1" + node + before).digest()
            after = hashlib.sha256(b"\1" + node + after).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = hashlib.sha256(b"\1" + after + node).digest()
        place, last = place >> 1, last >> 1
    return (before, after) if last == 0 else None


def head_of(text: str, place: str, keys: Keys) -> tuple[int, bytes]:
    """Size and root of a signed checkpoint."""
    note = HEAD.fullmatch(text)
    if note is None:
        raise Broken(f"{place}: is no checkpoint")
    said = text[: note.end(3) + 1]
    lines = re.findall(r"— (\S+) ([A-Za-z0-9+/]+=*)", note[4])
    if not any(name == note[1] and is_signed(said, name, blob, keys) for name, blob in lines):
        raise Broken(f"{place}: no valid signature of a known key")
    return int(note[2]), base64.b64decode(note[3])


def check_ledger(pack: Pack, keys: Keys, kept: list[Path]) -> Ledger:
    """Every entry in the pack, the checkpoint over them, and the checkpoints that were kept outside."""
    size, root = head_of(pack.content("ledger/checkpoint.note").decode(), "ledger/checkpoint.note", keys)
    ledger = Ledger(size=size)
    for number, entry in enumerate(pack.values("ledger/entries.jsonl"), start=1):
        place = f"ledger/entries.jsonl, line {number} (entry {entry['seq']} of the ledger)"
        check_entry(entry, place, size, root)
        check_follows(ledger, entry, place)
        take_in(ledger, entry, place)
    for leaf, place in ledger.gone.items():
        if leaf not in ledger.redacted:
            raise Broken(f"{place}: its text is gone, and no entry of two people says that it was redacted")
    known = ledger.known = {size: root}
    for number, older in enumerate(pack.values("ledger/checkpoints.jsonl"), start=1):
        place = f"ledger/checkpoints.jsonl, line {number}"
        first, old = head_of(older["note"], place, keys)
        known[first] = old
        proof = [bytes.fromhex(node) for node in older["proof"]]
        if (first, old) != (size, root) and roots_from(first, size, old, proof) != (old, root):
            raise Broken(f"{place}: the ledger of the pack does not continue checkpoint {first}")
    check_kept(known, kept, keys)
    return ledger


def check_follows(ledger: Ledger, entry: dict[str, Any], place: str) -> None:
    """Each stream is there from its first entry on, without a gap: number and hash of the one before."""
    if ledger.ends.get(entry["stream"], (0, "")) != (entry["stream_seq"] - 1, entry["prev_hash"]):
        raise Broken(f"{place}: does not follow on the entry before it in its stream")
    ledger.ends[entry["stream"]] = (entry["stream_seq"], entry["hash"])


def take_in(ledger: Ledger, entry: dict[str, Any], place: str) -> None:
    """What an entry says about its rows, and about a redaction. One that a single person signed explains nothing."""
    ledger.entries += 1
    if entry["payload"] is None:
        ledger.gone[entry["hash"]] = place
        ledger.rows.update(dict.fromkeys(entry["rows"]))
        return
    said = loads(entry["payload"], place)
    ledger.rows.update(said["rows"])
    if entry["kind"] == "redaction.confirmed" and said["fact"]["proposed_by"] != said["fact"]["confirmed_by"]:
        ledger.redacted.add(said["fact"]["hash"])


def check_entry(entry: dict[str, Any], place: str, size: int, root: bytes) -> None:
    """Text, hash and place of one entry. A text that two people had removed leaves its digest."""
    if entry["payload"] is not None:
        digest = sha(bytes.fromhex(entry["salt"]) + entry["payload"].encode())
        if digest != entry["payload_digest"]:
            raise Broken(f"{place}: its text was changed")
    leaf = entry_hash(entry)
    if leaf.hex() != entry["hash"]:
        raise Broken(f"{place}: its fields were changed")
    if root_from(entry["seq"], size, leaf, [bytes.fromhex(node) for node in entry["proof"]]) != root:
        raise Broken(f"{place}: it does not stand in the ledger at that number")


def check_kept(known: dict[int, bytes], kept: list[Path], keys: Keys) -> None:
    """What was kept outside must say the same about the sizes that both know; at least one of them must be known."""
    common = 0
    for file in kept_files(kept):
        for note in HEAD.finditer(file.read_text()):
            size, root = head_of(note[0], str(file), keys)
            if size in known and known[size] != root:
                raise Broken(f"checkpoint {size} ({file}): the ledger of the pack is another one")
            common += size in known
    if kept and not common:
        raise Unusable("none of the checkpoints that you kept stands in this pack; ask for one that was signed since")


def kept_files(kept: list[Path]) -> Iterator[Path]:
    """The files with notes at these places."""
    for place in kept:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.suffix in {".note", ".txt"})
        else:
            yield place


def check_record(ledger: Ledger, record: dict[str, Any], place: str) -> None:
    """A record against the ledger's text of its row: what both name must be the same."""
    if record["row"] not in ledger.rows:
        raise Broken(f"{place}: no entry of the ledger covers {record['row']}")
    ledger.seen.add(record["row"])
    row = ledger.rows[record["row"]]
    if row is None:
        ledger.unread += 1
        return
    for name in record.keys() & row.keys():
        if not same(record[name], row[name]):
            raise Broken(f"{place}: {name} is not what the ledger says")


def same(ours: Any, theirs: Any) -> bool:
    """Equal; times when they are the same moment; what is nested, or long, in the way in which the ledger keeps it."""
    if ours == theirs:
        return True
    if isinstance(theirs, str) and not isinstance(ours, str):
        return theirs in (printed(ours), f"sha256:{sha(printed(ours).encode())}")
    if isinstance(theirs, str) and theirs.startswith("sha256:"):
        return theirs == f"sha256:{sha(ours.encode())}"
    try:
        return moment(ours) == moment(theirs)
    except (TypeError, ValueError):
        return False


def printed(value: Any) -> str:
    """JSON as PostgreSQL prints its type jsonb: keys by length, then by bytes; a space behind colon and comma."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{printed(key)}: {printed(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(printed, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def moment(text: str) -> datetime:
    """A time, in UTC where it does not say."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
