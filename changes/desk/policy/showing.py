"""What the pages of the policy show: clauses, parameters with their words, and what differs between two versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from changes.desk.policy.forms import typed
from changes.desk.proposing.diffs import SectionDiff, differing
from changes.policies.queries import Edition
from portal.policy.document import Section, sections
from portal.policy.plain import plain
from portal.policy.words import WORDS


@dataclass(frozen=True)
class Line:
    """One parameter: its clause, its words, its value."""

    name: str
    clause: str
    label: str
    value: str


@dataclass(frozen=True)
class Changed:
    """One parameter that differs."""

    clause: str
    label: str
    before: str
    after: str


def parameter_lines(values: Mapping[str, Any]) -> list[Line]:
    """All parameters in the order of their clauses."""
    lines = [Line(name, str(WORDS[name].clause), WORDS[name].label, typed(value)) for name, value in values.items()]
    return sorted(lines, key=lambda line: line.clause)


def changed_parameters(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Changed]:
    """The parameters that differ."""
    return [
        Changed(str(WORDS[name].clause), WORDS[name].label, typed(before[name]), typed(after[name]))
        for name in before
        if before[name] != after[name]
    ]


def changed_clauses(before: str, after: str, *, whole: bool = False) -> list[SectionDiff]:
    """The clauses whose words differ, those that are new or gone among them."""
    one, other = _by_id(before), _by_id(after)
    ids = list(dict.fromkeys([*one, *other]))
    labels = {name: f"{name} {(other.get(name) or one[name]).title}".strip() for name in ids}
    texts = tuple({name: _text(known.get(name)) for name in ids} for known in (one, other))
    return differing(texts[0], texts[1], whole=whole, labels=labels)


def compared(before: Edition, after: Edition, *, whole: bool = False) -> dict[str, Any]:
    """What differs between two versions, for the template."""
    return {
        "before": before,
        "after": after,
        "sections": changed_clauses(before.text, after.text, whole=whole),
        "changed": changed_parameters(plain(before.parameters), plain(after.parameters)),
    }


def _by_id(text: str) -> dict[str, Section]:
    return {section.id: section for section in sections(text)}


def _text(section: Section | None) -> str:
    return f"{section.title}\n\n{section.text}" if section else ""
