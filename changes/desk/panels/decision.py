"""The panel on what the architecture meeting decided about a change, newest first, and what ended it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet

from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.meetings.models import Decision

Row = dict[str, Any]


def _decisions(here: OuterRef) -> QuerySet[Decision]:
    return Decision.objects.filter(change_id=here).order_by("-at", "-id")


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Nothing before the first decision: until then the gate says what is missing."""
    rows = [_row(row, asked) for row in asked.lists["decisions"]]
    return {"rows": rows} if rows else None


def _row(row: Row, asked: Asked) -> Row:
    expires_at = _moment(row["expires_at"]) if row["expires_at"] else None
    over = expires_at is not None and expires_at <= asked.at and asked.change.merged_at is None
    other = bool(row["digest"]) and row["digest"] != asked.revision.binds
    return {
        **row,
        "at": _moment(row["at"]),
        "expires_at": expires_at if asked.change.merged_at is None else None,
        "ended": row["lapse__reason"] or ("its time is over" if over else "it is about an earlier text" if other else ""),
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


PANEL = Panel(
    name="decision",
    place="aside",
    template="changes/meetings/panel.html",
    build=build,
    lists={
        "decisions": Listing(
            _decisions,
            ("id", "number", "outcome", "reason", "by__name", "at", "meeting__number", "digest", "expires_at", "lapse__reason"),
        ),
    },
)
