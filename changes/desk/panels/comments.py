"""The panel of comments: what people wrote, in its corrected form, and who hears of the change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import OuterRef

from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.talk.forms import CommentForm
from changes.talk.models import Comment, Following
from changes.talk.policy import LOCKS_AFTER
from portal.access.may import may
from portal.access.permissions import P

MOST = 200


def _comments(here: OuterRef) -> Any:
    return Comment.objects.filter(change_id=here).order_by("id")


def _followings(here: OuterRef) -> Any:
    return Following.objects.filter(change_id=here)


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Shown to everybody; who may comment gets the form."""
    may_comment = not asked.auditor and may(asked.reader, P.CHANGE_COMMENT)
    comments = threads(asked.lists["comments"], reader=asked.reader.pk, at=asked.at)
    if not comments and not may_comment:
        return None
    own = {row["person_id"]: row["wanted"] for row in asked.lists["followings"]}.get(asked.reader.pk)
    takes_part = asked.change.requester_id == asked.reader.pk or any(row["by_id"] == asked.reader.pk for row in comments)
    return {
        "comments": comments[-MOST:],
        "may_comment": may_comment,
        "form": asked.forms.get("comment") or CommentForm(),
        "follows": own if own is not None else takes_part,
    }


def threads(rows: list[dict[str, Any]], *, reader: int, at: datetime) -> list[dict[str, Any]]:
    """Each comment in its last form, with the forms before it. Pure."""
    first: dict[int, dict[str, Any]] = {}
    for row in rows:
        said = datetime.fromisoformat(row["at"])
        if row["corrects_id"] is None:
            open_until = said + LOCKS_AFTER
            own = row["by_id"] == reader and at <= open_until
            first[row["id"]] = {**row, "at": said, "before": [], "may_correct": own, "locks_at": open_until}
        elif row["corrects_id"] in first:
            kept = first[row["corrects_id"]]
            kept["before"].append(kept["text"])
            kept["text"] = row["text"]
    return list(first.values())


PANEL = Panel(
    name="comments",
    place="main",
    template="changes/talk/panel.html",
    build=build,
    lists={
        "comments": Listing(_comments, ("id", "by_id", "by__name", "text", "corrects_id", "at")),
        "followings": Listing(_followings, ("person_id", "wanted"), personal=True),
    },
)
