"""How far a verification is. The checks write it down from their threads, whoever shows it reads. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

STEPS = {
    "hashes": "The hash of every entry",
    "texts": "The text of every entry",
    "streams": "The order in every stream",
    "numbers": "Numbers without a gap, nothing backdated",
    "tree": "The tree, every checkpoint, every place outside",
    "rows": "Every row of evidence against the last entry about it",
    "guards": "Triggers, functions, owners and rights against the code",
}
"""The steps and what they check, in the order in which pages show them."""


@dataclass(frozen=True)
class Span:
    """Ids of entries: above ``low``, up to ``high``."""

    low: int
    high: int


@dataclass
class Progress:
    """``entries`` there are, with ids up to ``last``; ``checked`` says for each step how many of them are done.

    ``chunk`` is how many ids one query looks at; 0 for all at once, which is fastest and shows nothing in between.
    """

    entries: int
    last: int
    chunk: int = 0
    checked: dict[str, int] = field(default_factory=dict)

    def spans(self, step: str) -> Iterator[Span]:
        """The spans to look at, one after the other; each counts as done when the next one is asked for."""
        size = self.chunk or max(self.last, 1)
        for low in range(0, max(self.last, 1), size):
            yield Span(low, min(low + size, self.last))
            self.checked[step] = min(self.entries, round(self.entries * (low + size) / max(self.last, 1)))
        self.finish(step)

    def finish(self, step: str) -> None:
        """The step has looked at everything."""
        self.checked[step] = self.entries


def share_of(*, checked: dict[str, int], entries: int) -> float:
    """Part of the work that is done, 0 to 1, each step counted alike."""
    whole = len(STEPS) * max(entries, 1)
    return sum(max(checked[step], 1) if checked[step] >= entries else checked[step] for step in checked) / whole
