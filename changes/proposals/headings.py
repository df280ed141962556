"""Lifts the parts of a proposal out of a pull request's description, and the changes that it names. Pure.

One pass over the lines, so that five megabytes take no longer than their length asks for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

NAMES: dict[str, tuple[str, ...]] = {
    "why": (
        "why", "motivation", "context", "background", "reason", "rationale", "problem", "purpose", "goal", "description",
        "summary", "why this change", "why is this needed", "motivation and context", "related issue", "related issues",
    ),
    "what": (
        "what", "change", "changes", "what changed", "whats changed", "what changes", "what is changed", "what this does",
        "what does this do", "what does this pr do", "proposed changes", "solution", "implementation", "approach", "scope",
    ),
    "tested": (
        "tested", "testing", "tests", "test", "how tested", "how was it tested", "how was this tested", "how to test",
        "how has this been tested", "test plan", "testing done", "testing instructions", "verification", "qa", "how i tested",
    ),
    "rollback": (
        "rollback", "roll back", "rollback plan", "roll back plan", "how to roll back", "how to undo", "undo", "revert",
        "revert plan", "reverting", "how to revert", "backout", "backout plan", "back out plan", "recovery", "recovery plan",
    ),
    "target_release": (
        "target release", "rollback target", "roll back to", "rollback to", "go back to", "release to go back to",
        "release to roll back to", "previous release", "back to",
    ),
    "data_loss": (
        "data loss", "expected data loss", "what data is lost", "data lost", "lost data", "loss of data", "what is lost",
    ),
    "snapshot": (
        "snapshot", "snapshots", "database snapshot", "db snapshot", "backup", "database backup", "restore", "restore plan",
    ),
}  # fmt: skip
"""What people call each part, in lower case and without punctuation."""
SECTION_OF = {name: section for section, names in NAMES.items() for name in names}
NOTHING = frozenset(
    {"", "n/a", "na", "none", "nothing", "tbd", "todo", "to do", "-", "--", "...", "…", "_no response_", "no response"}
)
"""What templates and hurried people leave where an answer belongs."""
ANSWERS = {"data_loss": frozenset({"none", "nothing"})}
"""Which of them are an answer nevertheless."""

HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
BOLD = re.compile(r" {0,3}(?:\*\*|__)([^*_]{1,80})(?:\*\*|__)[ \t]*(:?)(.*)")
LABEL = re.compile(r" {0,3}([A-Za-z][A-Za-z' ]{1,40}):(?:[ \t]+(\S.*)|[ \t]*)$")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
COMMENT, COMMENT_END = "<!--", "-->"
REFERENCE = re.compile(r"(?<![A-Za-z0-9])CHG-([0-9]{1,9})(?![0-9])", re.IGNORECASE)
NAMED = "chg-"
LONGEST_NAME = 200
BELOW_HEADINGS = 7
"""The level of a bold line or a label: below the six of headings."""


@dataclass(frozen=True)
class Lifted:
    """The parts of a description; each empty when it says nothing about it."""

    why: str = ""
    what: str = ""
    tested: str = ""
    rollback: str = ""
    target_release: str = ""
    snapshot: str = ""
    data_loss: str = ""


def lift(body: str) -> Lifted:
    """The parts of a description, by their headings: ``## Why``, ``**How tested**``, ``Rollback: …``.

    What stands before the first of them or under other headings belongs to ``why``. A deeper heading stays within its
    part. Comments of templates are left out, and so is a part that says no more than "n/a".
    """
    parts: dict[str, list[str]] = {section: [] for section in NAMES}
    section, level = "why", 0
    for line, is_code in _lines(body):
        found = None if is_code else _heading(line)
        if found is None:
            parts[section].append(line)
        elif found.section:
            section, level = found.section, found.level
            parts[section] += [*_gap(parts[section]), *filter(None, [found.rest])]
        else:
            section, level = ("why", 0) if found.level <= level else (section, level)
            parts[section].append(line)
    return Lifted(**{name: _said(lines, ANSWERS.get(name, frozenset())) for name, lines in parts.items()})


@dataclass(frozen=True)
class _Heading:
    level: int
    section: str
    """Empty when the name is none of ours."""
    rest: str
    """What stands behind it on the same line."""


def _gap(lines: list[str]) -> list[str]:
    """What keeps a further piece of a part from running into the piece before it."""
    return [""] if lines and lines[-1].strip() else []


def _heading(line: str) -> _Heading | None:
    """The heading in a line. Bold lines and labels are headings only under our own names."""
    found = HEADING.match(line)
    if found:
        name = found[2].rstrip().rstrip("#")
        return _Heading(len(found[1]), SECTION_OF.get(_plain(name), ""), "")
    found = BOLD.match(line)
    if found and (found[1].rstrip().endswith(":") or found[2] or not found[3].strip()):
        return _named(found[1], found[3])
    found = LABEL.match(line)
    return _named(found[1], found[2] or "") if found else None


def _named(name: str, rest: str) -> _Heading | None:
    section = SECTION_OF.get(_plain(name))
    return _Heading(BELOW_HEADINGS, section, rest.strip()) if section else None


def _plain(name: str) -> str:
    """A name as ``NAMES`` writes it: letters and single spaces."""
    letters = "".join(
        letter if letter.isalpha() else " " for letter in name[:LONGEST_NAME].lower().replace("'", "").replace("’", "")
    )
    return " ".join(letters.split())


def _said(lines: list[str], answers: frozenset[str]) -> str:
    text = "\n".join(lines).strip()
    return "" if len(text) <= LONGEST_NAME and text.lower().strip(" .*_") in NOTHING - answers else text


def _lines(body: str) -> Iterator[tuple[str, bool]]:
    """The lines without comments and NUL characters, and whether each is part of a code block."""
    fence = ""
    for line in _without_comments(body):
        mark = FENCE.match(line)
        if fence:
            yield line, True
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        else:
            opens = mark is not None and "`" not in mark[2]
            yield line, opens
            fence = mark[1] if mark and opens else ""


def _without_comments(body: str) -> Iterator[str]:
    """The lines of a text without its HTML comments. One that is never closed is no comment, nor is one in a code span."""
    lines = body.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last_end = max((index for index, line in enumerate(lines) if COMMENT_END in line), default=-1)
    inside = False
    for index, line in enumerate(lines):
        if not inside and COMMENT not in line:
            yield line
            continue
        kept, inside = _cut(line, inside=inside, ends_later=last_end > index)
        if kept.strip() or not line.strip():
            yield kept


def _cut(line: str, *, inside: bool, ends_later: bool) -> tuple[str, bool]:
    """One line without the comments in it, and whether a comment goes on behind it."""
    kept: list[str] = []
    at, ticks, last_end = 0, 0, line.rfind(COMMENT_END)
    while True:
        if inside:
            end = line.find(COMMENT_END, at)
            if end < 0:
                return "".join(kept), True
            at, inside = end + len(COMMENT_END), False
        start = line.find(COMMENT, at)
        if start < 0:
            return "".join([*kept, line[at:]]), False
        ticks += line.count("`", at, start)
        kept.append(line[at:start])
        inside = ticks % 2 == 0 and (ends_later or last_end > start)
        kept.append("" if inside else COMMENT)
        at = start + len(COMMENT)


def references(*texts: str) -> tuple[int, ...]:
    """The numbers of the changes that the texts name (``CHG-1042``, in any case), once each, in their order."""
    naming = [text for text in texts if NAMED in text.lower()]  # the expression alone takes long over a long text
    found = (int(number) for text in naming for line in _without_comments(text) for number in REFERENCE.findall(line))
    return tuple(dict.fromkeys(found))
