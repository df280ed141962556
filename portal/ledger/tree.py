"""Checks of the tree: every checkpoint, in the database and outside, against the sealed entries as they are now."""

import json
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portal.ledger import keys, notes
from portal.ledger.anchors import AnchorProblem, anchors
from portal.ledger.chain import LENGTH, Frontier
from portal.ledger.notes import BadNote, Head, PublicKey
from portal.ledger.places import Places
from portal.ledger.report import Problem
from portal.ledger.snapshot import rows

CHECKPOINTS = "SELECT size, root, note, frontier FROM portal_ledgercheckpoint ORDER BY size"
# A hash of another length is no hash at all: anything that is not it will do, so that the root differs. As binary, for the text of
# 32 million bytes is twice as long, and writing and reading it takes a tenth of a second.
LEAVES = """
COPY (
    SELECT max(seq), string_agg(CASE WHEN octet_length(hash) = 32 THEN hash ELSE sha256(hash) END, ''::bytea ORDER BY seq)
    FROM (SELECT seq, hash FROM portal_ledgersealed WHERE seq > %(after)s ORDER BY seq LIMIT %(many)s) sealed
) TO STDOUT (FORMAT binary)
"""
ROW = struct.Struct(">19x h i q i")
"""What stands before the hashes: the header of the format, the number of columns, and their lengths with the number between."""
RECOVERIES = """
SELECT s.seq, l.id, b.payload FROM portal_ledgerleaf l JOIN portal_ledgerbody b ON b.leaf_id = l.id
LEFT JOIN portal_ledgersealed s ON s.leaf_id = l.id
WHERE l.stream = 'recovery' AND l.kind = 'recovery.adopted' ORDER BY l.stream_seq
"""
MANY = 1_000_000


@dataclass(frozen=True)
class Outside:
    """Heads that were found outside the database, by who keeps them; and what could not be read."""

    heads: tuple[tuple[str, Head], ...]
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]


def outside(where: Places, last_size: int) -> Outside:
    """Every checkpoint that the anchors and the sealer's memory keep. ``last_size`` is the database's last."""
    known = keys.public_keys(where=where)
    heads: list[tuple[str, Head]] = []
    problems: list[Problem] = []
    remarks: list[str] = []
    for keeper, texts in _kept(where, remarks):
        for note in texts:
            try:
                heads.append((keeper, notes.opened(note, known)))
            except BadNote as problem:
                problems.append(Problem(f"outside ({keeper})", str(problem)))
        if max((head.size for name, head in heads if name == keeper), default=0) < last_size:
            remarks.append(f"{keeper} does not have checkpoint {last_size} yet")
    return Outside(tuple(heads), tuple(problems), tuple(remarks))


def _kept(where: Places, remarks: list[str]) -> Iterator[tuple[str, list[str]]]:
    for anchor in anchors(where):
        try:
            yield anchor.name, list(anchor.notes())
        except (AnchorProblem, OSError, UnicodeDecodeError) as problem:
            remarks.append(f"{anchor.name} could not be read: {problem}")
    yield "the sealer's memory", [where.state.read_text()] if where.state.exists() else []


def check(cursor: Any, where: Places) -> tuple[list[Problem], list[str], int]:
    """Problems, remarks and the number of checkpoints in the database."""
    stored = rows(cursor, CHECKPOINTS)
    covered = stored[-1][0] if stored else 0
    found = outside(where, covered)
    sizes = sorted({size for size, *_ in stored} | {head.size for _, head in found.heads})
    leaves = leaf_hashes(cursor)
    grown = _frontiers(leaves, sizes)
    known = keys.public_keys(where=where)
    lost, unreadable = given_up(cursor)
    heads = [(keeper, head) for keeper, head in found.heads if head not in lost]
    problems = [
        *_stored(stored, grown, known),
        *_against_outside(heads, {size for size, *_ in stored}, grown, len(leaves)),
        *found.problems,
        *unreadable,
    ]
    if len(leaves) > covered:
        problems.append(Problem(f"entry {covered}", "has a number that no checkpoint covers", covered))
    by = Counter(lost[head] for _, head in {*found.heads} - {*heads})
    told = [f"{entry}: {many} checkpoints outside were lost by the restore that it names" for entry, many in sorted(by.items())]
    return problems, [*found.remarks, *told], len(stored)


def packed_hashes(cursor: Any) -> Iterator[bytes]:
    """The sealed hashes in the order of their numbers, 32 bytes each; in few big values, for a row costs more than its hash."""
    last = -1
    while True:
        with cursor.copy(LEAVES, {"after": last, "many": MANY}) as copy:
            piece = b"".join(copy)
        if len(piece) < ROW.size + LENGTH:
            return
        _, _, last, size = ROW.unpack_from(piece)
        yield piece[ROW.size : ROW.size + size]


def leaf_hashes(cursor: Any) -> list[bytes]:
    """The same, one by one."""
    return [packed[start : start + LENGTH] for packed in packed_hashes(cursor) for start in range(0, len(packed), LENGTH)]


def given_up(cursor: Any) -> tuple[dict[Head, str], list[Problem]]:
    """Heads of what restores lost, each with the entry that says so (``recovery.py``); and entries that cannot be read."""
    found: dict[Head, str] = {}
    problems: list[Problem] = []
    for seq, leaf, payload in rows(cursor, RECOVERIES):
        entry = f"unsealed entry {leaf}" if seq is None else f"entry {seq}"
        try:
            heads = _named(json.loads(payload)["fact"])
        except (ValueError, TypeError, KeyError, AttributeError):
            problems.append(Problem(entry, "a recovery that cannot be read", seq))
        else:
            found |= dict.fromkeys(heads, entry)
    return found, problems


def _named(fact: Any) -> list[Head]:
    """The heads that a recovery names; none where it was not signed by two different people."""
    if len({one["actor"] for one in fact["signed_by"]}) < 2:
        return []
    lines = [line.split(" ", 2) for line in fact["lost"]]
    return [Head(origin, int(size), bytes.fromhex(root)) for size, root, origin in lines]


def _frontiers(leaves: Sequence[bytes], sizes: Sequence[int]) -> dict[int, Frontier]:
    """The tree at each of these sizes, as far as there are leaves."""
    grown: dict[int, Frontier] = {}
    frontier = Frontier()
    for size in sizes:
        if size <= len(leaves):
            frontier = frontier.extended(leaves[frontier.size : size])
            grown[size] = frontier
    return grown


def _stored(stored: Sequence[Any], grown: dict[int, Frontier], known: Sequence[PublicKey]) -> Iterator[Problem]:
    for size, root, note, frontier in stored:
        place = f"checkpoint {size}"
        tree = grown.get(size)
        if tree is None or tree.root() != bytes(root) or tree.packed() != bytes(frontier):
            yield Problem(place, "the entries below it do not give its root: one was changed, moved or removed")
            continue
        try:
            head = notes.opened(note, known)
        except BadNote as problem:
            yield Problem(place, str(problem))
            continue
        if (head.size, head.root) != (size, bytes(root)):
            yield Problem(place, "the signed note says something else")


def _against_outside(
    heads: Sequence[tuple[str, Head]], stored: set[int], grown: dict[int, Frontier], size: int
) -> Iterator[Problem]:
    for keeper, head in sorted(heads, key=lambda kept: kept[1].size):
        place = f"checkpoint {head.size} outside ({keeper})"
        if head.size > size:
            yield Problem(place, f"the ledger shrank: it has only {size} sealed entries now")
        elif grown[head.size].root() != head.root:
            yield Problem(place, "the root differs: entries below it were rewritten")
        elif head.size not in stored:
            yield Problem(place, "the database does not have this checkpoint any more")
