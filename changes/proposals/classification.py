"""Category, size and kind of a change, by the rules of the policy version, each with its reasons in sentences. Pure.

The rules are data (``portal.policy.parameters``): labels, title and branch say whether it is an emergency; paths say
the kind; changed lines, paths, labels and answers say whether it is large (P-01, P-05, P-07, P-18). What the requester
asked for can raise a class and never lowers it; what a person chose later (``Choice``) raises it at once, and lowers it
as long as the rules see nothing more than they saw then.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from changes.proposals.largeness import LARGE, NOT_READ, Cause, causes_of_size, why_normal
from changes.proposals.measuring import Touched, is_migration
from changes.proposals.paths import all_matches, first_match
from portal.policy.parameters import DEFAULT, Parameters

STANDARD, EMERGENCY = "standard", "emergency"
NORMAL = "normal"
APPLICATION = "application"
CATEGORY, SIZE, KIND = "category", "size", "kind"
NAMES = (CATEGORY, SIZE, KIND)
Reasons = list[str]


@dataclass(frozen=True)
class Choice:
    """What a person chose for one class: ``causes`` are what the rules saw when it was lowered."""

    value: str
    lowers: bool
    by: str
    at: datetime
    reason: str = ""
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Classed:
    """One class: its value, why, and what tells the reasons apart."""

    value: str
    reasons: Reasons
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Classification:
    """What a change is, and why. ``by_rule`` is what the rules alone say."""

    category: str
    size: str
    kind: str
    category_reasons: Reasons
    size_reasons: Reasons
    kind_reasons: Reasons
    by_rule: Mapping[str, Classed] = field(default_factory=dict)


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
    new_paths: Iterable[str] = (),
    migrations: Mapping[str, Sequence[str]] | None = None,
    choices: Mapping[str, Choice] | None = None,
) -> Classification:
    """Classify a change from what its pull requests and its requester say.

    ``paths`` and ``changed_lines`` (added plus removed) are None while they are not known; ``lines_by_path`` is the
    better count where it was read, ``new_paths`` are files that did not exist before, ``migrations`` the new lines of
    migrations that were read. ``asked`` is what the requester chose: ``category``, ``size``, ``kind`` and ``answers``
    (question: answer), each optional. ``choices`` are people's later words, by the name of the class.
    """
    known = tuple(labels)
    touched = Touched(
        paths=None if paths is None else tuple(paths),
        total=changed_lines,
        lines=lines_by_path,
        new=frozenset(new_paths),
        said=migrations,
    )
    by_rule = {
        CATEGORY: _category(tuple(titles), known, tuple(branches), asked, parameters),
        SIZE: _size(touched, known, asked, parameters),
        KIND: _kind(paths, asked, parameters),
    }
    found = {name: chosen(name, classed, (choices or {}).get(name), parameters) for name, classed in by_rule.items()}
    category, size, kind = found[CATEGORY], found[SIZE], found[KIND]
    reasons = (category.reasons, size.reasons, kind.reasons)
    return Classification(category.value, size.value, kind.value, *reasons, by_rule=by_rule)


def rank_of(name: str, value: str, parameters: Parameters = DEFAULT) -> int:
    """How high a class is: emergency over standard, large over normal, and kinds by the harm that they can do."""
    if name == KIND:
        kinds = [APPLICATION, *(kind for kind, _ in reversed(parameters.kind_paths))]
        return kinds.index(value) if value in kinds else -1
    return int(value in (EMERGENCY, LARGE))


def chosen(name: str, by_rule: Classed, choice: Choice | None, parameters: Parameters) -> Classed:
    """The class after a person's word: a floor when it raises, and a ceiling when it lowers and nothing new has come."""
    if choice is None:
        return by_rule
    higher = rank_of(name, choice.value, parameters) - rank_of(name, by_rule.value, parameters)
    why = f": {choice.reason.strip().rstrip('.')}" if choice.reason.strip() else ""
    if not choice.lowers:
        words = [f"{choice.by} raised it to {_words(choice.value)}{why}."] if higher >= 0 else []
        return Classed(choice.value if higher > 0 else by_rule.value, [*words, *by_rule.reasons], by_rule.causes)
    if higher >= 0:
        return by_rule
    fresh = set(by_rule.causes) - set(choice.causes)
    if fresh:
        words = [f"{choice.by} had lowered it to {_words(choice.value)}, which holds no longer: there is more than was seen then."]
        return Classed(by_rule.value, [*words, *by_rule.reasons], by_rule.causes)
    words = [f"{choice.by} lowered it to {_words(choice.value)}{why}.", f"By rule it would be {_words(by_rule.value)}:"]
    return Classed(choice.value, [*words, *by_rule.reasons], by_rule.causes)


def _words(value: str) -> str:
    return {"access": "DNS and access", EMERGENCY: "an emergency"}.get(value, value)


def _category(
    titles: tuple[str, ...], labels: tuple[str, ...], branches: tuple[str, ...], asked: Mapping[str, Any], parameters: Parameters
) -> Classed:
    label, prefix = parameters.emergency_label, parameters.emergency_title_prefix
    branch = first_match(branches, parameters.emergency_branches)
    carries = bool(label) and label.lower() in {name.strip().lower() for name in labels}
    said = (
        (carries, Cause("label", f"It carries the label “{label}”.")),
        (any(_begins_with(title, prefix) for title in titles), Cause("title", f"Its title begins with {prefix}.")),
        (branch is not None, Cause("branch", f"Its branch fits “{branch[1] if branch else ''}”.")),
        (asked.get(CATEGORY) == EMERGENCY, Cause("asked", "It was declared an emergency.")),
    )
    causes = [cause for true, cause in said if true]
    if causes:
        return _classed(EMERGENCY, causes)
    return Classed(STANDARD, ["Neither a label, its title, its branch nor a person says that it is an emergency."])


def _classed(value: str, causes: Sequence[Cause]) -> Classed:
    """One reason for each kind of cause: a hundred files of one folder need no hundred sentences."""
    first = {cause.key.partition(":")[0]: cause.sentence for cause in reversed(causes)}
    sentences = [cause.sentence for cause in causes if first[cause.key.partition(":")[0]] == cause.sentence]
    return Classed(value, list(dict.fromkeys(sentences)), tuple(dict.fromkeys(cause.key for cause in causes)))


def _begins_with(title: str, prefix: str) -> bool:
    """``EMERGENCY fix``, ``[Emergency] fix`` and ``Emergency: fix``, but not ``Emergency contacts page``."""
    if not prefix:
        return False
    word = re.escape(prefix)
    return bool(re.match(rf"\W*{word}\b", title) or re.match(rf"\s*(?:\[{word}\]|\({word}\)|{word}\s*:)", title, re.IGNORECASE))


def _kind(paths: Sequence[str] | None, asked: Mapping[str, Any], parameters: Parameters) -> Classed:
    """The first kind in the order of the parameters that a path or the requester names; else application."""
    wanted = str(asked.get(KIND) or "")
    causes = [
        Cause(f"{kind}:{path}", f"{path} fits “{pattern}”.")
        for kind, patterns in parameters.kind_paths
        for path, pattern in all_matches(paths or (), patterns)
    ]
    seen = tuple(cause.key for cause in causes)
    for kind, _ in parameters.kind_paths:
        sentence = next((cause.sentence for cause in causes if cause.key.startswith(f"{kind}:")), "")
        if sentence or kind == wanted:
            return Classed(kind, [sentence or "The requester says so."], (*seen, *(() if sentence else ("asked",))))
    return Classed(APPLICATION, [NOT_READ if paths is None else "No path belongs to another kind."], seen)


def _size(touched: Touched, labels: tuple[str, ...], asked: Mapping[str, Any], parameters: Parameters) -> Classed:
    causes = causes_of_size(touched, labels=labels, asked=asked, parameters=parameters)
    return _classed(LARGE, causes) if causes else Classed(NORMAL, why_normal(touched, parameters))


def has_migration(paths: Iterable[str] | None, parameters: Parameters = DEFAULT) -> bool | None:
    """Whether a database migration is among the paths, so that a snapshot has to be named (P-18). None: not read."""
    if paths is None:
        return None
    return any(is_migration(path, parameters) for path in paths)
