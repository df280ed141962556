"""Rows of the change list, prepared as flat values: drawing fifty rows costs more than asking for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from changes.proposals.models import Change
from portal.ui.components.gates import gate_strip
from portal.ui.components.status import badge
from portal.ui.components.times import moment


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    href: str
    number: str
    title: str
    who: str
    where: str
    strip: SafeString
    state: SafeString
    marks: SafeString
    moved: SafeString


def list_rows(changes: Iterable[Change], *, at: datetime) -> list[Row]:
    """The rows for ``changes`` (with requester loaded), their times relative to ``at``."""
    return [
        Row(
            href=f"/changes/{change.number}/",
            number=f"CHG-{change.number}",
            title=change.title,
            who=change.requester.name if change.requester else change.requester_login or "Countersign",
            where=", ".join(change.repository_names),
            strip=gate_strip(change.gates),
            state=badge(change.state),
            marks=_marks(change),
            moved=moment(change.moved_at, now=at),
        )
        for change in changes
    ]


def _marks(change: Change) -> SafeString:
    """Only what is out of the ordinary: emergency and large."""
    marks = badge("emergency") if change.category == "emergency" else SafeString("")
    return marks + badge("large") if change.size == "large" else marks
