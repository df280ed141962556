"""What differs between two texts, word by word. Pure.

Lines are compared first and words only where lines differ. Common beginnings and ends are set aside; where much is left,
the words (or lines) that occur once in both texts anchor the rest, which takes time n log n ("patience", by Bram Cohen).
What lies between the anchors goes to ``difflib`` as long as the budget of comparisons lasts; after it, a stretch counts as
replaced. So a text of megabytes, whatever stands in it, takes a second or two and not an hour.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "removed", "added"]

TOKEN = re.compile(r"\w+(?:['’]\w+)*|\s+|[^\w\s]")
BUDGET = 400_000
"""Pairs of equal tokens, blanks aside, that ``difflib`` may look at in one comparison."""
MOST_PAIRS = 50_000
"""The same for one stretch: prose of a thousand words has a third of it, "a b a b …" far more and takes minutes."""
LONGEST_STRETCH = 2_500
"""Tokens of one side above which a stretch is anchored and not given to ``difflib`` whole."""
Span = tuple[int, int, int, int]
"""Stretches that differ: from, to in the one; from, to in the other."""


@dataclass(frozen=True)
class Piece:
    """A stretch of text that both have, or only the earlier (removed) or the later one (added)."""

    kind: Kind
    text: str


def tokens(text: str) -> list[str]:
    """Words, runs of white space and single signs, which put together are the text again."""
    return TOKEN.findall(text)


def words(text: str) -> list[str]:
    """The words alone, without signs and white space."""
    return [token for token in tokens(text) if token[0].isalnum() or token[0] == "_"]


def compare(before: str, after: str) -> list[Piece]:
    """The two texts as one row of pieces. Neighbours are of different kinds; a removal stands before what replaced it."""
    lines, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    budget = _Budget(BUDGET)
    pieces: list[Piece] = []
    at = 0
    for start, end, other_start, other_end in _spans(lines, other, budget):
        pieces.append(Piece("same", "".join(lines[at:start])))
        pieces += _by_words("".join(lines[start:end]), "".join(other[other_start:other_end]), budget)
        at = end
    pieces.append(Piece("same", "".join(lines[at:])))
    return list(_merged(pieces))


def changed(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    """What was replaced by what, in order; one side is empty for what was only added or only removed."""
    found: list[tuple[str, str]] = []
    removed = ""
    for piece in pieces:
        if piece.kind == "added":
            found.append((removed, piece.text))
        elif removed:
            found.append((removed, ""))
        removed = piece.text if piece.kind == "removed" else ""
    return [*found, (removed, "")] if removed else found


def _by_words(before: str, after: str, budget: "_Budget") -> Iterator[Piece]:
    own, other = tokens(before), tokens(after)
    at = 0
    for start, end, other_start, other_end in _joined(_spans(own, other, budget), own):
        yield Piece("same", "".join(own[at:start]))
        yield Piece("removed", "".join(own[start:end]))
        yield Piece("added", "".join(other[other_start:other_end]))
        at = end
    yield Piece("same", "".join(own[at:]))


def _joined(spans: list[Span], own: list[str]) -> Iterator[Span]:
    """Spans with only blanks between them are one: "the old queue" → "two new queues" reads better than word for word."""
    held: Span | None = None
    for span in spans:
        if held and "".join(own[held[1] : span[0]]).strip(" ") == "" and min(held[1] - held[0], span[1] - span[0]):
            held = (held[0], span[1], held[2], span[3])
            continue
        if held:
            yield held
        held = span
    if held:
        yield held


def _merged(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces without empty ones, neighbours of one kind as one."""
    held: Piece | None = None
    for piece in (piece for piece in pieces if piece.text):
        if held and held.kind == piece.kind:
            held = Piece(held.kind, held.text + piece.text)
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held


@dataclass
class _Budget:
    left: int

    def allows(self, one: Sequence[str], other: Sequence[str]) -> bool:
        """Whether ``difflib`` may compare the two; what it costs is taken off."""
        if max(len(one), len(other)) > LONGEST_STRETCH:
            return False
        counts = Counter(token for token in other if not token.isspace())
        cost = sum(counts[token] for token in one) + len(one) + len(other)
        if cost > min(self.left, MOST_PAIRS):
            return False
        self.left -= cost
        return True


def _spans(one: Sequence[str], other: Sequence[str], budget: _Budget) -> list[Span]:
    """The stretches in which two rows of tokens differ, in order."""
    begins = _common(one, other)
    ends = _common(one[begins:][::-1], other[begins:][::-1])
    first, second = one[begins : len(one) - ends], other[begins : len(other) - ends]
    found: list[Span] = []
    for span in _between_anchors(first, second):
        found += _closely(first, second, span, budget)
    return [tuple(edge + begins for edge in span) for span in found]  # type: ignore[misc]  # four edges stay four


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many tokens the two begin with together."""
    length = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return length


def _between_anchors(one: Sequence[str], other: Sequence[str]) -> Iterator[Span]:
    """What lies before, between and after the tokens that occur once in both and in the same order."""
    if max(len(one), len(other)) <= LONGEST_STRETCH:
        anchors: list[tuple[int, int]] = []
    else:
        anchors = _in_order(_once_in_both(one, other))
    at = beside = 0
    for mine, theirs in [*anchors, (len(one), len(other))]:
        if at < mine or beside < theirs:
            yield at, mine, beside, theirs
        at, beside = mine + 1, theirs + 1


def _once_in_both(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    counts, others = Counter(one), Counter(other)
    places = {token: place for place, token in enumerate(other) if others[token] == 1}
    return [(place, places[token]) for place, token in enumerate(one) if counts[token] == 1 and token in places]


def _in_order(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest row of pairs that rises on both sides (patience sorting)."""
    tops: list[int] = []
    piles: list[tuple[int, int]] = []
    before: list[tuple[int, int] | None] = []
    for index, (_, theirs) in enumerate(pairs):
        pile = bisect_left(tops, theirs)
        before.append(piles[pile - 1] if pile else None)
        if pile == len(tops):
            tops.append(theirs)
            piles.append((index, theirs))
        else:
            tops[pile], piles[pile] = theirs, (index, theirs)
    row: list[tuple[int, int]] = []
    held = piles[-1] if piles else None
    while held:
        row.append(pairs[held[0]])
        held = before[held[0]]
    return row[::-1]


def _closely(one: Sequence[str], other: Sequence[str], span: Span, budget: _Budget) -> Iterator[Span]:
    """The differences within one stretch; the whole of it when looking closer would take too long."""
    start, end, other_start, other_end = span
    mine, theirs = one[start:end], other[other_start:other_end]
    if not mine or not theirs or not budget.allows(mine, theirs):
        yield span
        return
    for kind, left, right, low, high in SequenceMatcher(str.isspace, mine, theirs, autojunk=False).get_opcodes():
        if kind != "equal":
            yield start + left, start + right, other_start + low, other_start + high
