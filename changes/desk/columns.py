"""The columns that the list of changes can show: what each says on the page and in a file.

Number and title stand in every row. Some columns stand as words below the title, the others as cells at its right. Fifty rows
are drawn for each reader, so these functions put text together without a template; everything that came from outside is
escaped by ``visible``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.safestring import SafeString

from changes.proposals.deadlines import NEVER
from changes.proposals.models import Change
from changes.proposals.stages import Stage
from portal.ui.components.gates import gate_strip, gate_words
from portal.ui.components.status import badge, pill
from portal.ui.components.times import moment
from portal.ui.text import visible

NOTHING = SafeString("")
RISK_TONES = {"high": "bad", "medium": "warn", "low": "neutral"}
STAGES = dict(Stage.choices)


@dataclass(frozen=True)
class Column:
    """One column. ``drawn`` gives HTML for a moment of reading, ``text`` the same for a file; both empty when it says nothing.

    ``below`` puts it below the title; ``lead`` is the word in front of it there, for what would not be understood alone.
    """

    label: str
    drawn: Callable[[Change, datetime], str]
    text: Callable[[Change], str]
    below: bool = False


def requester_name(change: Change) -> str:
    """Who asked for it: the person, else the account, else the portal."""
    return change.requester.name if change.requester else change.requester_login or "Countersign"


def moment_text(at: datetime | None) -> str:
    """A moment in UTC for a file, to the second; empty when there is none."""
    return "" if at is None or at >= NEVER else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(name: str, label: str, lead: str = "") -> Column:
    def drawn(change: Change, now: datetime) -> str:
        at: datetime | None = getattr(change, name)
        return "" if at is None or at >= NEVER else f"{lead}{moment(at, now=now)}"

    return Column(label, drawn, lambda change: moment_text(getattr(change, name)), below=True)


def _badge(name: str, label: str) -> Column:
    return Column(
        label,
        lambda change, now: badge(getattr(change, name)),
        lambda change: str(getattr(change, f"get_{name}_display")()),
    )


def _marks(change: Change, now: datetime) -> str:
    """Only what is out of the ordinary: emergency, large, routine."""
    marks = badge("emergency") if change.category == "emergency" else NOTHING
    marks += badge("large") if change.size == "large" else NOTHING
    return marks + pill("Routine", "neutral", "refresh-cw") if change.routine else marks


def _marks_text(change: Change) -> str:
    marks = (("Emergency", change.category == "emergency"), ("Large", change.size == "large"), ("Routine", change.routine))
    return ", ".join(word for word, holds in marks if holds)


def _risk(change: Change, now: datetime) -> str:
    level = change.risk_level
    return pill(f"{level.capitalize()} risk", RISK_TONES.get(level, "neutral"), "") if level else NOTHING


def _risk_text(change: Change) -> str:
    return f"{change.risk_level.capitalize()}, {change.risk_points} points" if change.risk_level else ""


def _repositories(change: Change) -> str:
    return ", ".join(change.repository_names)


COLUMNS: dict[str, Column] = {
    "requester": Column("Requester", lambda change, now: visible(requester_name(change)), requester_name, below=True),
    "repository": Column("Repository", lambda change, now: visible(_repositories(change)), _repositories, below=True),
    "moved": _time("moved_at", "Moved"),
    "opened": _time("opened_at", "Opened", "opened "),
    "merged": _time("merged_at", "Merged", "merged "),
    "released": _time("released_at", "Released", "released "),
    "due": _time("due_at", "Review due", "review due "),
    "gates": Column("Gates", lambda change, now: gate_strip(change.gates), lambda change: gate_words(change.gates)),
    "marks": Column("Marks", _marks, _marks_text),
    "kind": _badge("kind", "Kind"),
    "category": _badge("category", "Category"),
    "size": _badge("size", "Size"),
    "risk": Column("Risk", _risk, _risk_text),
    "stage": Column("Stage", lambda change, now: STAGES.get(change.stage, ""), lambda change: STAGES.get(change.stage, "")),
    "state": _badge("state", "State"),
}
"""All columns in the order in which they are shown."""
USUAL = ("requester", "repository", "moved", "gates", "marks", "state")
"""What everybody sees who chose nothing."""


def columns_of(names: str) -> tuple[str, ...]:
    """The known names among names with commas between them, in the order of the table."""
    wanted = {name.strip() for name in names.split(",")}
    return tuple(name for name in COLUMNS if name in wanted)


def written(names: Iterable[str]) -> str:
    """Columns as the address holds them; a list without any says so, since an empty value means "as usual"."""
    return ",".join(names) or "none"
