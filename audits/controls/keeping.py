"""All rows of a run as lines, deflated a piece at a time: kept in a file while the controls are read, then with the run."""

import zlib
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from audits.controls.models import ControlRows, ControlRun

PIECE = 1 << 20
"""Bytes of lines in one piece, before they are deflated."""
IN_MEMORY = 8_000_000
"""Bytes that are kept in memory before they go to a file."""
LEVEL = 1
"""Of deflate, as in packs: what is larger by a sixth is done in two thirds of the time."""


class Shelf:
    """Takes the lines of one control after the other. Use it as a context manager."""

    def __init__(self) -> None:
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed in __exit__)
        self._waiting: list[str] = []
        self._size = 0
        self._pieces: list[tuple[str, int, int]] = []

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(self, *problem: object) -> None:
        self._file.close()

    def add(self, control: str, line: str) -> None:
        """One more line of this control."""
        self._waiting.append(line)
        self._size += len(line)
        if self._size >= PIECE:
            self.close(control)

    def close(self, control: str) -> None:
        """The lines that wait become a piece of this control; nothing when none wait."""
        if not self._waiting:
            return
        content = zlib.compress("".join(f"{line}\n" for line in self._waiting).encode(), LEVEL)
        position = sum(name == control for name, *_ in self._pieces)
        self._pieces.append((control, position, len(content)))
        self._file.write(content)
        self._waiting, self._size = [], 0

    def keep_with(self, run: ControlRun) -> None:
        """Write all pieces, within the caller's transaction."""
        self._file.seek(0)
        for control, position, size in self._pieces:
            ControlRows.objects.create(run=run, control=control, position=position, content=self._file.read(size))


def lines_of(run: ControlRun, control: str) -> Iterator[str]:
    """The lines of one control, as they were hashed; nothing where they are not kept any more."""
    position = 0
    while (
        piece := ControlRows.objects.filter(run=run, control=control, position=position).values_list("content", flat=True).first()
    ):
        yield from zlib.decompress(bytes(piece)).decode().split("\n")[:-1]
        position += 1
