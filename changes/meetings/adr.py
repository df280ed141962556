"""A decision as a record in Git: an architecture decision record in markdown (MADR 4.0, https://adr.github.io/madr/). Pure.

The same decision gives the same bytes, so that writing it twice changes nothing.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

LONGEST_NAME = 60
STATUS = {"approved": "accepted", "conditional": "accepted", "rejected": "rejected", "deferred": "proposed"}
"""MADR's words for what a meeting decides."""
OUTCOMES = {
    "approved": "Approved",
    "conditional": "Approved with conditions",
    "rejected": "Rejected",
    "deferred": "Deferred to another meeting",
}


@dataclass(frozen=True)
class Condition:
    """What was set: what, by whom, before what, until when."""

    text: str
    owner: str
    before: str
    due_at: str


@dataclass(frozen=True)
class DecisionFacts:
    """What a record of a decision is made of. Times are UTC; ``where`` is the meeting, or that it was a written vote."""

    number: int
    title: str
    outcome: str
    reason: str
    where: str
    by: str
    at: datetime
    link: str = ""
    context: str = ""
    digest: str = ""
    expires_at: datetime | None = None
    supersedes: int | None = None
    ended: str = ""
    """Why it counts no more; empty while it does."""
    replaced_by: int | None = None
    conditions: tuple[Condition, ...] = ()
    votes: dict[str, list[str]] = field(default_factory=dict)
    quorum: str = ""


def name_of(number: int, title: str) -> str:
    """The name of the file: ``0007-split-the-queue.md``. Only letters, digits and hyphens of ASCII."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_NAME].strip("-")
    return f"{number:04d}-{words or 'decision'}.md"


def markdown(facts: DecisionFacts) -> str:
    """The whole record, with its front matter."""
    parts = [
        _front(facts),
        f"# {_line(facts.title)}",
        f"## Context and Problem Statement\n\n{facts.context.strip() or _line(facts.title)}",
        f"## Decision Outcome\n\n{OUTCOMES[facts.outcome]}, because: {_line(facts.reason)}",
        _conditions(facts),
        _confirmation(facts),
        _more(facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(facts: DecisionFacts) -> str:
    makers = sorted({name for names in facts.votes.values() for name in names} | {facts.by})
    lines = ["---", f"status: {_quoted(_status(facts))}", f"date: {facts.at:%Y-%m-%d}"]
    return "\n".join([*lines, f"decision-makers: [{', '.join(map(_quoted, makers))}]", "---"])


def _status(facts: DecisionFacts) -> str:
    if facts.replaced_by is not None:
        return f"superseded by decision {facts.replaced_by:04d}"
    return "deprecated" if facts.ended else STATUS[facts.outcome]


def _conditions(facts: DecisionFacts) -> str:
    if not facts.conditions:
        return ""
    rows = [f"- {_line(each.text)} ({each.owner}, {each.before}, until {each.due_at[:10]})" for each in facts.conditions]
    return "### Consequences\n\nConditions:\n\n" + "\n".join(rows)


def _confirmation(facts: DecisionFacts) -> str:
    said = f"Decided by {facts.where} on {facts.at:%Y-%m-%d %H:%M} UTC, recorded by {facts.by}. {facts.quorum}".strip()
    votes = "\n".join(f"- {word}: {', '.join(names) or 'nobody'}" for word, names in facts.votes.items())
    return "\n\n".join(filter(None, ("### Confirmation", said, votes)))


def _more(facts: DecisionFacts) -> str:
    lines = [f"Decision {facts.number}."]
    lines += [f"The text that was decided on has the SHA-256 `{facts.digest}`."] if facts.digest else []
    lines += [f"It holds until {facts.expires_at:%Y-%m-%d}."] if facts.expires_at else []
    lines += [f"It takes the place of decision {facts.supersedes:04d}."] if facts.supersedes is not None else []
    lines += [f"It counts no more: {_line(facts.ended)}"] if facts.ended else []
    lines += [facts.link] if facts.link else []
    return "## More Information\n\n" + "\n\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """A double-quoted scalar of YAML 1.2 (§7.3.1)."""
    escaped = _line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
