"""Compares changed paths with the patterns of the policy's parameters (``portal.policy.parameters`` says how they read). Pure."""

from collections.abc import Iterable
from fnmatch import fnmatchcase


def matches(path: str, pattern: str) -> bool:
    """Whether one path, as Git writes it, fits one pattern. Case does not matter."""
    path, pattern = path.lower(), pattern.lower()
    if pattern.endswith("/"):
        return path.startswith(pattern) or f"/{pattern}" in path
    if "/" in pattern:
        return fnmatchcase(path, pattern)
    return fnmatchcase(path.rpartition("/")[2], pattern)


def first_match(paths: Iterable[str], patterns: Iterable[str]) -> tuple[str, str] | None:
    """The first path that fits one of the patterns, with that pattern; None when none does."""
    return next(iter(all_matches(paths, patterns)), None)


def all_matches(paths: Iterable[str], patterns: Iterable[str]) -> list[tuple[str, str]]:
    """Every path that fits one of the patterns, with the first that it fits."""
    wanted = tuple(patterns)
    found = ((path, next((pattern for pattern in wanted if matches(path, pattern)), None)) for path in paths)
    return [(path, pattern) for path, pattern in found if pattern is not None]


def any_match(path: str, patterns: Iterable[str]) -> bool:
    """Whether the path fits one of the patterns."""
    return any(matches(path, pattern) for pattern in patterns)
