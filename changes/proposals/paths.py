"""Compares changed paths with the patterns of the policy's parameters (``portal.policy.parameters`` says how they read). Pure."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from itertools import islice

NOTHING = r"(?!)"
"""An expression that nothing fits."""


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
    expression = _any_of(wanted)
    fitting = [path for path in paths if expression.search(f"/{path.lower()}")]
    return [(path, pattern) for path in fitting for pattern in islice((one for one in wanted if matches(path, one)), 1)]


def any_match(path: str, patterns: Iterable[str]) -> bool:
    """Whether the path fits one of the patterns."""
    return _any_of(tuple(patterns)).search(f"/{path.lower()}") is not None


@lru_cache(maxsize=1024)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """All of them as one expression, to be looked for in a path in lower case behind a slash. Most paths fit none of a dozen."""
    return re.compile("|".join(map(_expression, patterns)) or NOTHING)


def _expression(pattern: str) -> str:
    """What ``matches`` says, in this form."""
    pattern = pattern.lower()
    if pattern.endswith("/"):
        return f"/{re.escape(pattern)}"
    return rf"\A/{translate(pattern)}" if "/" in pattern else rf"/(?=[^/]*\Z){translate(pattern)}"
