"""Inclusion and consistency proofs of the ledger's tree (RFC 9162 sections 2.1.3 and 2.1.4, the same as RFC 6962). Pure.

``Levels`` keeps the roots of all complete subtrees in packed bytes, 64 bytes a leaf: a proof then takes microseconds
whatever the size of the tree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from portal.ledger.chain import EMPTY_ROOT, LENGTH, Frontier, node_hash, root


@dataclass(frozen=True)
class Levels:
    """A whole tree. ``rows[level]`` holds the roots of its complete subtrees of 2^level leaves, one behind the other."""

    size: int
    rows: tuple[bytes, ...]

    @classmethod
    def of(cls, leaves: bytes) -> "Levels":
        """From leaf hashes, 32 bytes each, one behind the other."""
        rows = [leaves]
        while len(rows[-1]) >= 2 * LENGTH:
            below = rows[-1]
            ends = range(2 * LENGTH, len(below) + 1, 2 * LENGTH)
            rows.append(b"".join([sha256(b"\1" + below[end - 2 * LENGTH : end]).digest() for end in ends]))
        return cls(len(leaves) // LENGTH, tuple(rows))

    def head(self, size: int | None = None) -> bytes:
        """Root over the first ``size`` leaves; over all, when not given."""
        wanted = self.size if size is None else size
        return self._root(0, wanted) if wanted else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Audit path of leaf ``index`` in the tree over the first ``size`` leaves. Raises ``ValueError``."""
        wanted = self._size(size)
        if not 0 <= index < wanted:
            raise ValueError(f"there is no leaf {index} in a tree of {wanted}")
        path: list[bytes] = []
        start, end = 0, wanted
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._root(middle, end))
                end = middle
            else:
                path.append(self._root(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """Proof that the tree over ``second`` leaves continues that over ``first``. Raises ``ValueError``."""
        wanted = self._size(second)
        if not 0 < first <= wanted:
            raise ValueError(f"no proof from {first} to {wanted} leaves")
        path: list[bytes] = []
        start, end = 0, wanted
        while first != end:
            middle = start + _split(end - start)
            if first <= middle:
                path.append(self._root(middle, end))
                end = middle
            else:
                path.append(self._root(start, middle))
                start = middle
        return [*([self._root(start, end)] if start else []), *path[::-1]]

    def _size(self, size: int | None) -> int:
        wanted = self.size if size is None else size
        if wanted > self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {wanted}")
        return wanted

    def _root(self, start: int, end: int) -> bytes:
        """Root over the leaves from ``start`` to below ``end``; ``start`` is where the tree is cut (so it is aligned)."""
        count = end - start
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self._node(level, start >> level)
        middle = start + _split(count)
        return node_hash(self._root(start, middle), self._root(middle, end))

    def _node(self, level: int, index: int) -> bytes:
        return self.rows[level][index * LENGTH : (index + 1) * LENGTH]


def continuation(before: Frontier, new: Sequence[bytes]) -> list[bytes]:
    """The consistency proof from ``before`` to the tree that ``new`` leaf hashes extend it to.

    Needs no old leaf: what it takes of the old tree are open nodes. Raises ``ValueError`` for an empty tree, from which
    nothing is to be proved.
    """
    if not before.size:
        raise ValueError("no proof from an empty tree")
    first, path = before.size, []
    start, end = 0, before.size + len(new)
    open_nodes = list(before.nodes)
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(root(new[middle - first : end - first]))
            end = middle
        else:
            path.append(open_nodes.pop())
            start = middle
    return [*(open_nodes if start else []), *path[::-1]]


def is_included(*, index: int, leaf: bytes, size: int, head: bytes, proof: Iterable[bytes]) -> bool:
    """True when the proof shows ``leaf`` at ``index`` of the tree with this size and head (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, computed = index, size - 1, leaf
    for node in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            computed = node_hash(node, computed)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, node)
        place, last = place >> 1, last >> 1
    return last == 0 and computed == head


def is_consistent(*, first: int, second: int, first_head: bytes, second_head: bytes, proof: Sequence[bytes]) -> bool:
    """True when the proof shows that the second tree continues the first (RFC 9162 section 2.1.4.2)."""
    if first == second:
        return first_head == second_head and not proof
    if not 0 < first < second or not proof:
        return False
    path = [first_head, *proof] if first & (first - 1) == 0 else list(proof)
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, node)
        place, last = place >> 1, last >> 1
    return old == first_head and new == second_head and last == 0


def _split(size: int) -> int:
    """The largest power of two below ``size`` (at least 2 leaves)."""
    return 1 << ((size - 1).bit_length() - 1)
