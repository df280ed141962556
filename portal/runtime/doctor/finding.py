"""What a check says."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. Only `BAD` makes the command fail."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True)
class Finding:
    """One sentence about the state, and what to do about it."""

    level: Level
    text: str
    mend: str = ""


def good(text: str) -> Finding:
    return Finding(level=Level.GOOD, text=text)


def note(text: str, *, mend: str) -> Finding:
    return Finding(level=Level.NOTE, text=text, mend=mend)


def bad(text: str, *, mend: str) -> Finding:
    return Finding(level=Level.BAD, text=text, mend=mend)
