"""Two texts of a proposal beside one another, section by section, prepared for the template. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from changes.proposals.sections import SECTIONS
from changes.proposals.word_diff import Piece, compare

AROUND = 240
"""Characters of unchanged text that stay visible on each side of a change."""


@dataclass(frozen=True)
class Shown:
    """A piece as it is drawn: ``skipped`` are the unchanged characters that were left out behind its text."""

    kind: str
    text: str
    skipped: int = 0


@dataclass(frozen=True)
class SectionDiff:
    """One section that differs. ``pieces`` are both texts in one row."""

    name: str
    label: str
    pieces: list[Shown]

    @property
    def before(self) -> list[Shown]:
        """The earlier text, with what was removed."""
        return [piece for piece in self.pieces if piece.kind != "added"]

    @property
    def after(self) -> list[Shown]:
        """The later text, with what was added."""
        return [piece for piece in self.pieces if piece.kind != "removed"]


def differing(
    before: Mapping[str, str], after: Mapping[str, str], *, whole: bool = False, labels: Mapping[str, str] = SECTIONS
) -> list[SectionDiff]:
    """The sections that differ, in the order of their ``labels``. Long unchanged stretches are left out unless ``whole``."""
    return [
        SectionDiff(name, label, list(_shown(compare(before[name], after[name]), whole=whole)))
        for name, label in labels.items()
        if before[name] != after[name]
    ]


def _shown(pieces: list[Piece], *, whole: bool) -> Iterator[Shown]:
    last = len(pieces) - 1
    for place, piece in enumerate(pieces):
        head = AROUND if place else 0
        tail = AROUND if place < last else 0
        skipped = len(piece.text) - head - tail
        if whole or piece.kind != "same" or skipped <= AROUND:
            yield Shown(piece.kind, piece.text)
            continue
        yield Shown("same", piece.text[:head], skipped)
        yield Shown("same", piece.text[len(piece.text) - tail :] if tail else "")
