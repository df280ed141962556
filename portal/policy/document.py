"""The policy as a document: numbered clauses in markdown with anchors; one file with front matter to keep it in Git. Pure.

The front matter is TOML between lines of ``+++``; parameters stand in a table, values as in ``plain``.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.policy.clauses import SENTENCES, Clause

HEADING = re.compile(r"^##\s+(P-\d{2})\b[ :.]*(.*)$", re.MULTILINE)
FENCE = "+++"
LONGEST = 500_000
"""Characters of a policy; more is another kind of document."""


class WrongDocument(ValueError):
    """The file is no policy. The message says where and what to do."""


@dataclass(frozen=True)
class Section:
    """One clause: its id, its title, and its text in markdown."""

    id: str
    title: str
    text: str

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        return self.id.lower()


@dataclass(frozen=True)
class Document:
    """A policy with what goes with it."""

    text: str
    parameters: Mapping[str, Any]
    summary: str
    material: bool


def built_in() -> str:
    """The first version: every clause in its chapter's order, in our own words."""
    lines = ["# Configuration management policy", ""]
    for clause, (chapter, sentence) in SENTENCES.items():
        lines += [f"## {clause.value} {chapter}", "", sentence, ""]
    return "\n".join(lines)


def sections(text: str) -> list[Section]:
    """The clauses of a text in their order, what stands before the first one left out."""
    found = list(HEADING.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    return [Section(match[1], match[2].strip(), text[match.end() : end].strip()) for match, end in zip(found, ends, strict=True)]


def check(text: str) -> None:
    """Every clause stands in the text once, with words. Raises ``WrongDocument`` that names the first that does not."""
    if len(text) > LONGEST:
        raise WrongDocument(f"The policy has {len(text):,} characters; at most {LONGEST:,} are kept.")
    found = sections(text)
    ids = [section.id for section in found]
    known = {clause.value for clause in Clause}
    for section in found:
        if section.id not in known:
            raise WrongDocument(f"There is no clause {section.id}. Clauses are P-01 to P-31.")
        if ids.count(section.id) > 1:
            raise WrongDocument(f"{section.id} stands in the text twice. Put both into one.")
        if not section.text:
            raise WrongDocument(f"{section.id} has no words below its heading.")
    missing = sorted(known - set(ids))
    if missing:
        raise WrongDocument(f"{missing[0]} is missing. Write a heading such as “## {missing[0]} Title” with its words below.")


def exported(*, text: str, parameters: Mapping[str, Any], number: int, effective: str, summary: str, material: bool) -> str:
    """One markdown file with everything, for a Git repository."""
    head = [f"version = {number}", f"effective = {json.dumps(effective)}", f"summary = {json.dumps(summary, ensure_ascii=False)}"]
    head += [f"material = {json.dumps(material)}", "", "[parameters]"]
    head += [f"{name} = {_toml(value)}" for name, value in parameters.items()]
    return "\n".join([FENCE, *head, FENCE, "", text.strip(), ""])


def imported(raw: str) -> Document:
    """The policy in a file; front matter may be left out. Raises ``WrongDocument``."""
    if len(raw) > 2 * LONGEST:
        raise WrongDocument("The file is too long to be a policy.")
    text = raw.replace("\r\n", "\n").lstrip("\ufeff").lstrip()
    head: dict[str, Any] = {}
    if text.startswith(FENCE):
        before, fence, rest = text[len(FENCE) :].partition(f"\n{FENCE}")
        if not fence:
            raise WrongDocument(f"The front matter does not end: a second line {FENCE} is missing.")
        head, text = _head(before), rest.lstrip("\n")
    check(text)
    parameters = head.get("parameters", {})
    if not isinstance(parameters, dict):
        raise WrongDocument("[parameters] in the front matter is a table of names and values.")
    return Document(text.strip() + "\n", parameters, str(head.get("summary", "")), bool(head.get("material", True)))


def _head(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise WrongDocument(f"The front matter is no TOML: {problem}") from problem


def _toml(value: Any) -> str:
    """A JSON value as TOML: the two agree but for objects, which stand inline, and for nothing, which TOML does not have."""
    if isinstance(value, Mapping):
        pairs = (f"{name} = {_toml(item)}" for name, item in value.items() if item is not None)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_listed(value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _listed(values: Iterable[Any]) -> Iterable[str]:
    return (_toml(value) for value in values)
