"""Hashes of entries and the Merkle tree over them (RFC 6962 section 2.1, the same as RFC 9162). Pure.

The tree's leaf *data* are the fields of an entry, each behind its length in four bytes. What the database calls an
entry's hash is RFC 6962's leaf hash of that: SHA-256(0x00 || data).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

EMPTY_ROOT = sha256().digest()
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts microseconds from here."""
LENGTH = 32


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962 hash of a leaf's data."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def payload_digest(salt: bytes, payload: str) -> bytes:
    """What a leaf keeps of its body."""
    return sha256(salt + payload.encode()).digest()


@dataclass(frozen=True)
class Fields:
    """The hashed fields of an entry."""

    event_id: UUID
    stream: str
    stream_seq: int
    kind: str
    actor: str
    recorded_at: datetime
    payload_digest: bytes
    rows: Sequence[str]
    prev_hash: bytes


def entry_hash(fields: Fields) -> bytes:
    """The entry's hash, as ``portal_ledger_hash`` computes it in the database."""
    microseconds = (fields.recorded_at - EPOCH) // timedelta(microseconds=1)
    parts = (
        fields.event_id.bytes,
        fields.stream.encode(),
        fields.stream_seq.to_bytes(8, "big", signed=True),
        fields.kind.encode(),
        fields.actor.encode(),
        microseconds.to_bytes(8, "big", signed=True),
        fields.payload_digest,
        "\n".join(fields.rows).encode(),
        fields.prev_hash,
    )
    return leaf_hash(b"".join(len(part).to_bytes(4, "big") + part for part in parts))


@dataclass(frozen=True)
class Frontier:
    """A tree of ``size`` leaves, reduced to the roots of its complete subtrees, smallest first: enough to grow it.

    There is one node for each bit that is set in ``size``.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.nodes) != self.size.bit_count() or any(len(node) != LENGTH for node in self.nodes):
            raise ValueError(f"a tree of {self.size} leaves does not have these {len(self.nodes)} open nodes")

    def extended(self, hashes: Sequence[bytes]) -> "Frontier":
        """The tree after these leaf hashes were added on the right."""
        old = iter(self.nodes)
        nodes: list[bytes] = []
        level, row = 0, list(hashes)
        while row or self.size >> level:
            if self.size >> level & 1:
                row.insert(0, next(old))
            if len(row) % 2:
                nodes.append(row.pop())
            pairs = iter(row)
            row = [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            level += 1
        return Frontier(self.size + len(hashes), tuple(nodes))

    def root(self) -> bytes:
        """The tree's head."""
        if not self.nodes:
            return EMPTY_ROOT
        head, *others = self.nodes
        for node in others:
            head = node_hash(node, head)
        return head

    def packed(self) -> bytes:
        """For storage: all nodes in one row of bytes."""
        return b"".join(self.nodes)

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> "Frontier":
        """From storage. Raises ``ValueError`` when the bytes do not fit the size."""
        return cls(size, tuple(packed[start : start + LENGTH] for start in range(0, len(packed), LENGTH)))


def root(hashes: Sequence[bytes]) -> bytes:
    """Head of the tree over these leaf hashes."""
    return Frontier().extended(hashes).root()
