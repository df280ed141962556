"""Gives new entries their numbers, extends the Merkle tree, signs its head and writes it outside. One sealer at a time.

An entry becomes visible when its transaction commits, not when it gets its id, so no id can be the mark up to which all
is sealed. The mark (``floor``) is a transaction: in one statement, with one snapshot, every visible leaf that is not
sealed gets a number, and the oldest transaction then still running becomes the next floor. What commits later has a
transaction number at or above it, so nothing is ever skipped, and nobody waits for a long transaction.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from portal.ledger import keys
from portal.ledger.chain import Frontier
from portal.ledger.keys import Signer
from portal.ledger.kinds import is_urgent
from portal.ledger.models import LedgerCheckpoint, LedgerSealed
from portal.ledger.notes import Head
from portal.ledger.places import Places
from portal.ledger.proofs import continuation, is_consistent
from portal.ledger.publishing import publish

EVERY = timedelta(seconds=60)
"""The longest that an ordinary entry waits for its checkpoint."""
SEALING = 69620
"""Key of the advisory lock of the sealer."""
BATCH = 50_000
CHUNK = 1_000

WAITING = """
SELECT l.kind FROM portal_ledgerleaf l
WHERE l.xid >= (CASE WHEN %(floor)s::xid8 > pg_snapshot_xmin(pg_current_snapshot()) THEN '0' ELSE %(floor)s END)::xid8
  AND NOT EXISTS (SELECT FROM portal_ledgersealed s WHERE s.leaf_id = l.id)
GROUP BY l.kind
"""
# A floor above every running transaction was written in another cluster, before a restore: then all leaves are looked at.
NUMBER = """
WITH moment AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS floor),
numbered AS (
    INSERT INTO portal_ledgersealed (seq, leaf_id, hash)
    SELECT %(size)s + row_number() OVER (ORDER BY l.id) - 1, l.id, l.hash
    FROM (
        SELECT l.id, l.hash FROM portal_ledgerleaf l, moment
        WHERE l.xid >= (CASE WHEN %(floor)s::xid8 > moment.floor THEN '0' ELSE %(floor)s END)::xid8
          AND NOT EXISTS (SELECT FROM portal_ledgersealed s WHERE s.leaf_id = l.id)
        ORDER BY l.id LIMIT %(batch)s
    ) l
    RETURNING seq, hash
)
SELECT (SELECT floor::text FROM moment), (SELECT coalesce(array_agg(hash ORDER BY seq), '{}') FROM numbered)
"""


class SealingStopped(Exception):
    """The database does not continue what was signed before. Nothing was signed; people must look (docs/ledger.md)."""


@dataclass(frozen=True)
class Remembered:
    """What this sealer signed last, by its own memory, and what the database has sealed since: nothing, as a rule."""

    head: Head | None
    frontier: Frontier
    since: list[bytes]


@dataclass(frozen=True)
class Tree:
    """The sealed entries, and the transaction below which none is missing."""

    frontier: Frontier
    floor: int


def seal(*, at: datetime, where: Places, origin: str, force: bool = False) -> LedgerCheckpoint | None:
    """Seal what waits, if it is due: something urgent, or a minute after the last checkpoint, or ``force``.

    Returns the new checkpoint; None when nothing was due or another process seals. ``origin`` names the log when its
    key is made now. Raises ``SealingStopped`` or ``keys.KeyProblem``; anchors that fail are tried again next time.
    """
    with transaction.atomic(durable=True):
        if not _alone():
            return None
        last = LedgerCheckpoint.objects.order_by("-size").first()
        _check_size(last, where)
        if not _is_due(last, at=at, force=force):
            return None
        signer = keys.load(where=where) if where.key.exists() or last else keys.make(where=where, origin=origin)
        made = _checkpoint(last, signer, at=at, where=where)
    keys.remember(where=where, note=made.note)
    publish(at=at, where=where)
    return made


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALING])
        return bool(cursor.fetchone()[0])


def _check_size(last: LedgerCheckpoint | None, where: Places) -> None:
    """A database that has less than was signed is found at once, not when the next entry comes."""
    signed, size = keys.last_signed(where=where), last.size if last else 0
    if signed is not None and signed.size > size:
        raise SealingStopped(f"the ledger shrank: {signed.size} entries were signed, the database has {size}")


def _is_due(last: LedgerCheckpoint | None, *, at: datetime, force: bool) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"floor": str(last.floor if last else 0)})
        kinds = [str(row[0]) for row in cursor.fetchall()]
    if not kinds:
        return False
    # A clock that was set back must not hold up the seal, hence both ends.
    rested = last is None or not timedelta(0) <= at - last.sealed_at < EVERY
    return force or rested or any(is_urgent(kind) for kind in kinds)


def _checkpoint(last: LedgerCheckpoint | None, signer: Signer, *, at: datetime, where: Places) -> LedgerCheckpoint:
    before = Frontier.unpacked(last.size, bytes(last.frontier)) if last else Frontier()
    remembered = _remembered(before, where)
    tree, new = _number(Tree(before, last.floor if last else 0))
    head = Head(signer.origin, tree.frontier.size, tree.frontier.root())
    _check_continues(remembered, new, head)
    return LedgerCheckpoint.objects.create(
        size=head.size,
        root=head.root,
        note=signer.sign(head),
        frontier=tree.frontier.packed(),
        floor=tree.floor,
        sealed_at=at,
    )


def _remembered(before: Frontier, where: Places) -> Remembered:
    """The tree that is about to grow must be, or continue, the tree that was signed last."""
    signed = keys.last_signed(where=where)
    if signed is None and before.size:
        raise SealingStopped(
            f"the database has a checkpoint of {before.size} entries, but this sealer remembers none; "
            "after looking at the anchors run `manage.py ledger adopt`"
        )
    if signed is None:
        return Remembered(None, before, [])
    same = signed.size == before.size
    frontier = before if same else frontier_at(signed.size)
    since = [] if same else list(_sealed(signed.size, before.size))
    if frontier.root() != signed.root or frontier.extended(since).root() != before.root():
        raise SealingStopped(f"the first {signed.size} entries are not those that were signed")
    return Remembered(signed, frontier, since)


def _check_continues(remembered: Remembered, new: Iterable[bytes], head: Head) -> None:
    """A consistency proof from the last signed head to the one that is about to be signed, checked as a stranger would."""
    signed = remembered.head
    if signed is None:
        return
    proof = continuation(remembered.frontier, [*remembered.since, *new])
    if not is_consistent(first=signed.size, second=head.size, first_head=signed.root, second_head=head.root, proof=proof):
        raise SealingStopped(f"the tree of {head.size} entries does not continue that of {signed.size} which was signed")


def _number(tree: Tree) -> tuple[Tree, list[bytes]]:
    """Number what waits: the tree after it, and the hashes that came to it."""
    new: list[bytes] = []
    while True:
        with connection.cursor() as cursor:
            cursor.execute(NUMBER, {"size": tree.frontier.size, "floor": str(tree.floor), "batch": BATCH})
            floor, found = cursor.fetchone()
        hashes = [bytes(leaf) for leaf in found]
        new += hashes
        tree = Tree(tree.frontier.extended(hashes), tree.floor)
        if len(hashes) < BATCH:
            return Tree(tree.frontier, int(floor)), new


def frontier_at(size: int) -> Frontier:
    """The tree over the first ``size`` sealed entries, from the rows themselves."""
    frontier = Frontier()
    chunk: list[bytes] = []
    for leaf in _sealed(0, size):
        chunk.append(leaf)
        if len(chunk) == CHUNK:
            frontier, chunk = frontier.extended(chunk), []
    return frontier.extended(chunk)


def _sealed(start: int, end: int) -> Iterator[bytes]:
    rows = LedgerSealed.objects.filter(seq__gte=start, seq__lt=end).order_by("seq").values_list("hash", flat=True)
    return (bytes(leaf) for leaf in rows.iterator(chunk_size=CHUNK))
