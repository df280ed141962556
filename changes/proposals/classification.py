"""Category, size and kind of a change, by the rules of the policy version, each with its reasons in sentences. Pure.

The rules are data (``portal.policy.parameters``): labels, title and branch say whether it is an emergency; paths say
the kind; changed lines, paths and the requester say whether it is large (P-01, P-05, P-07, P-18). What a person asked
for can raise a class and never lowers it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from changes.proposals.paths import any_match, first_match
from portal.policy.parameters import DEFAULT, Parameters

STANDARD, EMERGENCY = "standard", "emergency"
NORMAL, LARGE = "normal", "large"
APPLICATION = "application"
NOT_READ = "The paths have not been read yet."
Reasons = list[str]


@dataclass(frozen=True)
class Classification:
    """What a change is, and why."""

    category: str
    size: str
    kind: str
    category_reasons: Reasons
    size_reasons: Reasons
    kind_reasons: Reasons


def classify(
    *,
    titles: Iterable[str],
    labels: Iterable[str],
    paths: Sequence[str] | None,
    changed_lines: int | None,
    asked: Mapping[str, Any],
    parameters: Parameters,
    branches: Iterable[str] = (),
    lines_by_path: Mapping[str, int] | None = None,
) -> Classification:
    """Classify a change from what its pull requests and its requester say.

    ``paths`` and ``changed_lines`` (added plus removed) are None while they are not known; ``lines_by_path`` is the
    better count where it was read. ``asked`` is what a person chose: ``category``, ``size`` and ``kind``, each optional.
    """
    category, category_reasons = _category(tuple(titles), tuple(labels), tuple(branches), asked, parameters)
    size, size_reasons = _size(paths, changed_lines, lines_by_path, asked, parameters)
    kind, kind_reasons = _kind(paths, asked, parameters)
    return Classification(category, size, kind, category_reasons, size_reasons, kind_reasons)


def _category(
    titles: tuple[str, ...], labels: tuple[str, ...], branches: tuple[str, ...], asked: Mapping[str, Any], parameters: Parameters
) -> tuple[str, Reasons]:
    label, prefix = parameters.emergency_label, parameters.emergency_title_prefix
    branch = first_match(branches, parameters.emergency_branches)
    said = {
        f"It carries the label “{label}”.": bool(label) and label.lower() in {name.strip().lower() for name in labels},
        f"Its title begins with {prefix}.": any(_begins_with(title, prefix) for title in titles),
        f"Its branch fits “{branch[1]}”." if branch else "": branch is not None,
        "It was declared an emergency.": asked.get("category") == EMERGENCY,
    }
    reasons = [sentence for sentence, true in said.items() if true]
    if reasons:
        return EMERGENCY, reasons
    return STANDARD, ["Neither a label, its title, its branch nor a person says that it is an emergency."]


def _begins_with(title: str, prefix: str) -> bool:
    """``EMERGENCY fix``, ``[Emergency] fix`` and ``Emergency: fix``, but not ``Emergency contacts page``."""
    if not prefix:
        return False
    word = re.escape(prefix)
    return bool(re.match(rf"\W*{word}\b", title) or re.match(rf"\s*(?:\[{word}\]|\({word}\)|{word}\s*:)", title, re.IGNORECASE))


def _kind(paths: Sequence[str] | None, asked: Mapping[str, Any], parameters: Parameters) -> tuple[str, Reasons]:
    """The first kind in the order of the parameters that a path or the requester names; else application."""
    wanted = str(asked.get("kind") or "")
    for kind, patterns in parameters.kind_paths:
        found = first_match(paths or (), patterns)
        if found:
            return kind, [f"{found[0]} fits “{found[1]}”."]
        if kind == wanted:
            return kind, ["The requester says so."]
    if paths is None:
        return APPLICATION, [NOT_READ]
    return APPLICATION, ["No path belongs to another kind."]


def _size(
    paths: Sequence[str] | None,
    changed_lines: int | None,
    lines_by_path: Mapping[str, int] | None,
    asked: Mapping[str, Any],
    parameters: Parameters,
) -> tuple[str, Reasons]:
    lines, counted = _lines(paths, changed_lines, lines_by_path, parameters)
    limit = parameters.large_changed_lines
    path = first_match(paths or (), parameters.large_paths)
    loses = next((item for item in paths or () if _may_lose_data(item, parameters)), None)
    large = [
        "The requester says that it is large." if asked.get("size") == LARGE else "",
        f"{path[0]} fits “{path[1]}”, which is large by rule." if path else "",
        f"The migration {loses} may lose data by its name." if loses else "",
        f"{counted}, more than {limit}." if lines is not None and lines > limit else "",
    ]
    reasons = [sentence for sentence in large if sentence]
    if reasons:
        return LARGE, reasons
    return NORMAL, _why_normal(paths, lines, counted, parameters)


def _why_normal(paths: Sequence[str] | None, lines: int | None, counted: str, parameters: Parameters) -> Reasons:
    limit = parameters.large_changed_lines
    reasons = [f"{counted}, not more than {limit}." if lines is not None else f"{counted}."]
    if paths is None:
        return [*reasons, NOT_READ]
    reasons.append("No path is large by rule.")
    if has_migration(paths, parameters):
        reasons.append("It has a migration: the requester says if that one loses data, which makes it large.")
    return reasons


def _lines(
    paths: Sequence[str] | None, changed_lines: int | None, lines_by_path: Mapping[str, int] | None, parameters: Parameters
) -> tuple[int | None, str]:
    """The changed lines that count, and how to say them. Without a count per file the total counts, which is never less."""
    aside = (*parameters.test_paths, *parameters.lock_files)
    if lines_by_path is not None:
        lines = sum(count for path, count in lines_by_path.items() if not any_match(path, aside))
        return lines, f"{_count(lines)} outside tests and lock files"
    if paths and all(any_match(path, aside) for path in paths):
        return 0, "Only tests and lock files were changed: no line counts"
    if changed_lines is None:
        return None, "The changed lines have not been counted yet"
    mixed = any(any_match(path, aside) for path in paths or ())
    return changed_lines, f"{_count(changed_lines)}{', tests and lock files among them' if mixed else ''}"


def _count(lines: int) -> str:
    return f"{lines} changed {'line' if lines == 1 else 'lines'}"


def _is_migration(path: str, parameters: Parameters) -> bool:
    return any_match(path, parameters.migration_paths) and not path.endswith("__init__.py")


def _may_lose_data(path: str, parameters: Parameters) -> bool:
    words = set(re.findall("[a-z]+", path.rpartition("/")[2].lower()))
    return _is_migration(path, parameters) and not words.isdisjoint(parameters.destructive_words)


def has_migration(paths: Iterable[str] | None, parameters: Parameters = DEFAULT) -> bool | None:
    """Whether a database migration is among the paths, so that a snapshot has to be named (P-18). None: not read."""
    if paths is None:
        return None
    return any(_is_migration(path, parameters) for path in paths)
