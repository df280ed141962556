"""How far a verification is. The checks write it down from their threads, whoever shows it reads. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

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


@dataclass
class Progress:
    """``entries`` there are; ``checked`` says for each step how many of them are done."""

    entries: int
    checked: dict[str, int] = field(default_factory=dict)
    _one: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(self, steps: Iterable[str], many: int) -> None:
        """These steps have looked at so many entries more. Several threads may say so at once."""
        with self._one:
            for step in steps:
                self.checked[step] = min(self.checked.get(step, 0) + many, self.entries)

    def finish(self, step: str) -> None:
        """The step has looked at everything."""
        with self._one:
            self.checked[step] = self.entries


def share_of(*, checked: dict[str, int], entries: int) -> float:
    """Part of the work that is done, 0 to 1, each step counted alike."""
    whole = len(STEPS) * max(entries, 1)
    return sum(max(checked[step], 1) if checked[step] >= entries else checked[step] for step in checked) / whole
