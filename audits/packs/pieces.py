"""The file in the database: written as pieces of 1 MiB while it grows, read again from any byte."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from audits.packs.models import Pack, PackPiece

PIECE = 1 << 20


class PieceWriter:
    """Takes bytes and hands them on in pieces of exactly 1 MiB; the last one is what is left at ``close``.

    ``keep`` is called with the position and the bytes of each piece; what it raises stops the writing.
    """

    def __init__(self, keep: Callable[[int, bytes], None]) -> None:
        self._keep = keep
        self._buffer = bytearray()
        self._digest = sha256()
        self.pieces = 0
        self.size = 0

    def write(self, data: bytes, /) -> int:
        """Append."""
        self._digest.update(data)
        self._buffer += data
        self.size += len(data)
        while len(self._buffer) >= PIECE:
            self._hand_on(PIECE)
        return len(data)

    def flush(self) -> None:
        """Pieces are handed on when they are full."""

    def close(self) -> None:
        """Hand on what is left."""
        if self._buffer:
            self._hand_on(PIECE)

    @property
    def digest(self) -> str:
        """SHA-256 of everything so far."""
        return self._digest.hexdigest()

    def _hand_on(self, many: int) -> None:
        piece = bytes(self._buffer[:many])
        del self._buffer[:many]
        self._keep(self.pieces, piece)
        self.pieces += 1


def bytes_of(pack: Pack, *, first: int, last: int) -> Iterator[bytes]:
    """The bytes from ``first`` to ``last``, both included, a piece at a time. Raises ``LookupError`` when one is gone."""
    for position in range(first // PIECE, last // PIECE + 1):
        row = PackPiece.objects.filter(pack=pack, attempt=pack.attempt, position=position).values_list("content", flat=True).first()
        if row is None:
            raise LookupError(f"{pack} lost piece {position}")
        start = max(first - position * PIECE, 0)
        yield bytes(row)[start : last - position * PIECE + 1]
