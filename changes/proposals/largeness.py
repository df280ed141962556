"""Whether a change is large, and why (P-01): by the rules of the policy version, its lines, and its requester. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from changes.proposals.measuring import Touched, is_migration
from changes.proposals.paths import all_matches, any_match
from portal.policy.classes import DESTRUCTIVE, LargeRule
from portal.policy.parameters import Parameters

LARGE = "large"
NOT_READ = "The paths have not been read yet."
LONGEST = 120
"""Characters of a line of code that a reason quotes."""


@dataclass(frozen=True)
class Cause:
    """One thing for which a change is classed as it is: what tells it from others, and a sentence."""

    key: str
    sentence: str


def causes_of_size(touched: Touched, *, labels: Iterable[str], asked: Mapping[str, Any], parameters: Parameters) -> list[Cause]:
    """Everything for which the change is large; empty when nothing makes it so. The first of each kind comes first."""
    carried = {label.strip().lower(): label for label in labels}
    answers: Mapping[str, Any] = asked.get("answers") or {}
    found = [Cause("asked", "The requester says that it is large.")] if asked.get("size") == LARGE else []
    for rule in parameters.large_rules:
        found += [*_by_files(rule, touched), *_by_word(rule, carried, answers)]
    return [*found, *_by_migrations(touched, parameters), *_by_lines(touched, parameters)]


def _by_files(rule: LargeRule, touched: Touched) -> list[Cause]:
    any_of = [
        Cause(f"{rule.code}:{path}", f"{path} fits “{pattern}”: {rule.words} makes a change large.")
        for path, pattern in all_matches(touched.paths or (), rule.paths)
    ]
    new = [
        Cause(f"{rule.code}:{path}", f"{path} is new and fits “{pattern}”: {rule.words} makes a change large.")
        for path, pattern in all_matches(sorted(touched.new), rule.added)
    ]
    return [*any_of, *new]


def _by_word(rule: LargeRule, labels: Mapping[str, str], answers: Mapping[str, Any]) -> list[Cause]:
    """By a label, or by what the requester answered."""
    said = [
        Cause(f"{rule.code}:label:{label}", f"The label “{labels[label]}” stands for {rule.words}, which makes a change large.")
        for label in rule.labels
        if label in labels
    ]
    if rule.answer is not None and answers.get(rule.answer[0]) == rule.answer[1]:
        said.append(Cause(f"{rule.code}:answer", f"The requester answered that it is {rule.words}, which makes a change large."))
    return said


def _by_migrations(touched: Touched, parameters: Parameters) -> list[Cause]:
    found = []
    for path in dict.fromkeys(touched.paths or ()):
        if not is_migration(path, parameters):
            continue
        lines = (touched.said or {}).get(path)
        if lines is None and _destructive_name(path, parameters):
            found.append(Cause(f"{DESTRUCTIVE}:{path}", f"The migration {path} may lose data by its name."))
        statement = losing_line(path, lines or (), parameters)
        if statement:
            found.append(Cause(f"{DESTRUCTIVE}:{path}", f"The migration {path} loses data: “{statement}”."))
    return found


def _destructive_name(path: str, parameters: Parameters) -> bool:
    words = "".join(sign if sign.isalpha() else " " for sign in path.rpartition("/")[2].lower()).split()
    return not set(words).isdisjoint(parameters.destructive_words)


def losing_line(path: str, lines: Sequence[str], parameters: Parameters) -> str:
    """The first new line of a migration that loses data on the way forward; empty when none does."""
    if path.lower().endswith((".down.sql", "/down.sql")):
        return ""
    for line in lines:
        plain = " ".join(line.lower().split())
        if plain.startswith(parameters.way_back):
            return ""
        if any(statement in f"{plain} " for statement in parameters.destructive_statements):
            return line.strip()[:LONGEST]
    return ""


def _by_lines(touched: Touched, parameters: Parameters) -> list[Cause]:
    """Each doubling of the limit is a cause of its own, so that a class lowered at 900 lines does not hold at 9,000."""
    lines, counted = counted_lines(touched, parameters)
    limit = parameters.large_changed_lines
    if lines is None or lines <= limit:
        return []
    doublings = (lines // max(1, limit)).bit_length()
    return [Cause(f"lines:{doublings}", f"{counted}, more than {limit}.")]


def counted_lines(touched: Touched, parameters: Parameters) -> tuple[int | None, str]:
    """The changed lines that count, and how to say them. Without a count per file the total counts, which is never less."""
    aside = (*parameters.test_paths, *parameters.lock_files)
    if touched.lines is not None:
        lines = sum(count for path, count in touched.lines.items() if not any_match(path, aside))
        return lines, f"{_count(lines)} outside tests and lock files"
    if touched.paths and all(any_match(path, aside) for path in touched.paths):
        return 0, "Only tests and lock files were changed: no line counts"
    if touched.total is None:
        return None, "The changed lines have not been counted yet"
    mixed = any(any_match(path, aside) for path in touched.paths or ())
    return touched.total, f"{_count(touched.total)}{', tests and lock files among them' if mixed else ''}"


def _count(lines: int) -> str:
    return f"{lines} changed {'line' if lines == 1 else 'lines'}"


def why_normal(touched: Touched, parameters: Parameters) -> list[str]:
    """Why a change is not large, in sentences."""
    lines, counted = counted_lines(touched, parameters)
    reasons = [f"{counted}, not more than {parameters.large_changed_lines}." if lines is not None else f"{counted}."]
    if touched.paths is None:
        return [*reasons, NOT_READ]
    reasons.append("No path is large by rule.")
    migrations = [path for path in dict.fromkeys(touched.paths) if is_migration(path, parameters)]
    if not migrations:
        return reasons
    if all((touched.said or {}).get(path) is not None for path in migrations):
        return [*reasons, "Its migrations were read, and no new line of them loses data."]
    return [*reasons, "It has a migration: the requester says if that one loses data, which makes it large."]
