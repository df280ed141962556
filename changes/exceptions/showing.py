"""What an exception rests on, as lines that a person reads: names in words, commits apart from text. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NAMES = {
    "head": "Head commit",
    "merge": "Merge commit",
    "before": "Commit before",
    "after": "Commit after",
    "actor": "By",
    "pusher": "Pushed by",
    "detail": "What was changed",
}
"""Words for codes that do not read well by themselves."""
LEFT_OUT = frozenset({"release_id", "merged_by_uid", "queued_by_uid", "author_uid", "pusher_uid", "actor_uid"})
"""Numbers of the portal's own rows and of accounts, which say nothing to a person."""
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class Line:
    """A name with its values; those that are commits are shown short and can be copied."""

    name: str
    values: tuple[str, ...]
    commit: bool = False


def lines_of(evidence: Mapping[str, Any]) -> list[Line]:
    """The lines for the evidence of one exception, empty values left out."""
    return [
        Line(NAMES.get(code) or code.replace("_", " ").capitalize(), values, commit=all(map(COMMIT.fullmatch, values)))
        for code, value in evidence.items()
        if code not in LEFT_OUT and (values := tuple(_texts(value)))
    ]


def _texts(value: Any) -> Iterator[str]:
    """Each value inside as text: a commit with its message, the reasons of a weakened rule, anything else as it is."""
    if isinstance(value, Mapping):
        yield from _texts(value["reasons"]) if value.get("reasons") else _pairs(value)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value not in (None, ""):
        yield str(value)


def _pairs(value: Mapping[str, Any]) -> Iterator[str]:
    if value.get("sha"):
        subject = str(value.get("message") or "").partition("\n")[0]
        yield f"{str(value['sha'])[:7]} {subject}".strip()
        return
    for name, inner in value.items():
        for text in _texts(inner):
            yield f"{name.replace('_', ' ')}: {text}"
