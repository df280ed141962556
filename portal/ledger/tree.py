"""Checks of the tree: every checkpoint, in the database and outside, against the sealed entries as they are now."""

import struct
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
# A hash of another length is no hash at all: anything that is not it will do, so that the root differs.
LEAVES = """
COPY (
    SELECT CASE WHEN octet_length(hash) = 32 THEN hash ELSE sha256(hash) END FROM portal_ledgersealed ORDER BY seq
) TO STDOUT (FORMAT binary)
"""
HEADER = 19
ROW = struct.Struct(f">hi{LENGTH}s")


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
    found = outside(where, stored[-1][0] if stored else 0)
    sizes = sorted({size for size, *_ in stored} | {head.size for _, head in found.heads})
    leaves = _leaves(cursor)
    grown = _frontiers(leaves, sizes)
    known = keys.public_keys(where=where)
    problems = [
        *_stored(stored, grown, known),
        *_against_outside(found, {size for size, *_ in stored}, grown, len(leaves)),
        *found.problems,
    ]
    if len(leaves) > (stored[-1][0] if stored else 0):
        problems.append(Problem(f"entry {stored[-1][0] if stored else 0}", "has a number that no checkpoint covers"))
    return problems, list(found.remarks), len(stored)


def _leaves(cursor: Any) -> list[bytes]:
    with cursor.copy(LEAVES) as copy:
        raw = b"".join(copy)
    return [leaf for _, _, leaf in ROW.iter_unpack(memoryview(raw)[HEADER:-2])]


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


def _against_outside(found: Outside, stored: set[int], grown: dict[int, Frontier], size: int) -> Iterator[Problem]:
    for keeper, head in sorted(found.heads, key=lambda kept: kept[1].size):
        place = f"checkpoint {head.size} outside ({keeper})"
        if head.size > size:
            yield Problem(place, f"the ledger shrank: it has only {size} sealed entries now")
        elif grown[head.size].root() != head.root:
            yield Problem(place, "the root differs: entries below it were rewritten")
        elif head.size not in stored:
            yield Problem(place, "the database does not have this checkpoint any more")
