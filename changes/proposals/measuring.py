"""What the pull requests of a change touch, put together for the rules: paths, new files, lines, what migrations say. Pure.

A file is what ``changes.delivery.models.PullRequest.files`` keeps: {"path", "status", "lines", "added"}.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from changes.proposals.paths import any_match
from portal.policy.parameters import DEFAULT, Parameters

ADDED = "added"


@dataclass(frozen=True)
class Touched:
    """``paths`` and ``total`` (added plus removed lines) are None while they are not known.

    ``lines`` counts by file where that was read for every file; ``new`` are the files that did not exist before;
    ``said`` holds, by migration, the new lines that were read.
    """

    paths: tuple[str, ...] | None = None
    total: int | None = None
    lines: Mapping[str, int] | None = None
    new: frozenset[str] = frozenset()
    said: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class Piece:
    """One pull request: its paths, lines, files, and how many files it has by its own word; None where it is not known."""

    paths: Sequence[str] | None
    total: int | None
    files: Sequence[Mapping[str, Any]] | None
    count: int | None = None

    @property
    def whole(self) -> bool:
        """Whether every file was listed: forges end such lists at some length."""
        return self.files is not None and (self.count is None or len(self.files) >= self.count)


def touched(pieces: Iterable[Piece]) -> Touched:
    """The pieces of one change as one."""
    known = list(pieces)
    paths = [path for piece in known for path in piece.paths or ()]
    totals = [piece.total for piece in known if piece.total is not None]
    files = [file for piece in known for file in piece.files or ()]
    return Touched(
        paths=tuple(paths) if any(piece.paths is not None for piece in known) else None,
        total=sum(totals) if totals else None,
        lines=_lines(files) if known and all(piece.whole for piece in known) else None,
        new=frozenset(str(file["path"]) for file in files if file.get("status") == ADDED),
        said={str(file["path"]): file["added"] for file in files if file.get("added") is not None},
    )


def _lines(files: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for file in files:
        found[str(file["path"])] = found.get(str(file["path"]), 0) + int(file.get("lines") or 0)
    return found


def is_migration(path: str, parameters: Parameters = DEFAULT) -> bool:
    """Whether a file is a database migration."""
    return _fits(path, tuple(parameters.migration_paths))


@lru_cache(maxsize=4096)
def _fits(path: str, patterns: tuple[str, ...]) -> bool:
    """The same files are touched again and again."""
    return any_match(path, patterns) and not path.endswith("__init__.py")
