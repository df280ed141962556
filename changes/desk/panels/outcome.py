"""The panel on how a change went: the one question, reviews, follow-ups, and what undid it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import OuterRef

from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.outcomes.models import FollowUp, RecordedRollback
from changes.outcomes.queries import told_once
from changes.proposals.models import ReviewAfter, Undoing
from portal.access.may import may
from portal.access.permissions import P

POST, RETRO = ReviewAfter.Kind.POST_IMPLEMENTATION, ReviewAfter.Kind.RETROSPECTIVE
OUTCOMES = {"went_well": ("met", "It went well"), "partly": ("waiting", "Partly"), "failed": ("failed", "It failed")}


def _reviews(here: OuterRef) -> Any:
    return ReviewAfter.objects.filter(change_id=here).order_by("id")


def _follow_ups(here: OuterRef) -> Any:
    return FollowUp.objects.filter(review__change_id=here).order_by("due_on", "id")


def _undoings(here: OuterRef) -> Any:
    return told_once(Undoing.objects.filter(change_id=here)).order_by("-started_at", "-id")


def _recorded(here: OuterRef) -> Any:
    return RecordedRollback.objects.filter(change_id=here).order_by("-at", "-id")


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Nothing before the merge to production, unless something is on record."""
    lists, change = asked.lists, asked.change
    reviews = [{**row, "look": OUTCOMES.get(row["outcome"], ("not_started", row["outcome"]))} for row in lists["reviews_after"]]
    undoings = [_undoing(row) for row in lists["undoings"]]
    recorded = lists["recorded_rollbacks"]
    if change.merged_at is None and not (reviews or undoings or recorded):
        return None
    written = {row["kind"] for row in reviews}
    may_review = may(asked.reader, P.CHANGE_REVIEW_AFTER)
    mine = change.requester_id == asked.reader.pk
    acts = not asked.auditor and change.merged_at is not None
    return {
        "reviews": [{**row, "title": ReviewAfter.Kind(row["kind"]).label, "at": _moment(row["at"])} for row in reviews],
        "follow_ups": [_follow_up(row, asked) for row in lists["follow_ups"]],
        "undoings": undoings,
        "recorded": [{**row, "at": _moment(row["at"])} for row in recorded],
        "ask": acts and POST not in written and (mine or may_review),
        "ask_retro": acts and change.category == "emergency" and RETRO not in written and may_review and not mine,
        "may_roll_back": acts and may(asked.reader, P.DRILL_RECORD) and change.state in ("merged", "released", "closed"),
        "post": str(POST),
        "retro": str(RETRO),
    }


def _follow_up(row: dict[str, Any], asked: Asked) -> dict[str, Any]:
    closes = row["owner_id"] == asked.reader.pk or may(asked.reader, P.CHANGE_CLASSIFY)
    return {
        **row,
        "due_on": datetime.fromisoformat(row["due_on"]).date(),
        "done_at": _moment(row["done_at"]) if row["done_at"] else None,
        "may_close": not asked.auditor and not row["done_at"] and closes,
    }


def _undoing(row: dict[str, Any]) -> dict[str, Any]:
    began = _moment(row["started_at"])
    ended = _moment(row["finished_at"]) if row["finished_at"] else None
    if row["kind"] == Undoing.Kind.RELEASE:
        version = row["release__version"] or row["release__vendor_id"]
        by = f"{row['release__app'] or row['release__environment']} {version}"
    else:
        by = f"{row['pull_request__repository__name']}#{row['pull_request__number']}"
    return {
        "words": "A release went back" if row["kind"] == Undoing.Kind.RELEASE else "It was reverted",
        "by": by,
        "began": began,
        "ended": ended,
        "took": ended - began if ended else None,
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


PANEL = Panel(
    name="outcome",
    place="aside",
    template="changes/outcomes/panel.html",
    build=build,
    lists={
        "reviews_after": Listing(_reviews, ("id", "kind", "outcome", "impact", "note", "by__name", "at")),
        "follow_ups": Listing(
            _follow_ups, ("id", "text", "owner_id", "owner__name", "due_on", "done_at", "done_by__name", "done_note")
        ),
        "undoings": Listing(
            _undoings,
            (
                *("id", "kind", "started_at", "finished_at", "release__app", "release__version", "release__vendor_id"),
                *("release__environment", "pull_request__number", "pull_request__repository__name"),
            ),
        ),
        "recorded_rollbacks": Listing(_recorded, ("id", "target", "snapshot", "data_loss", "note", "by__name", "at")),
    },
)
