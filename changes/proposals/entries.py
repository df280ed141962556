"""What the ledger says about a change that is opened, linked and classed: one place for each entry, whether the step is taken for
one change or for many at once. Pure: nothing is written here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changes.proposals.models import Category, Change, LinkedPullRequest, Revision
from changes.proposals.moving import stream_of
from portal.ledger.actions import Draft

CLASSES = ("category", "size", "kind")


def opened(change: Change, revision: Revision, *, actor: str) -> Draft:
    """A change was opened with its first text."""
    fact = {"title": change.title, "opened_by": change.opened_by, "at": revision.at.isoformat(), "digest": revision.digest}
    return Draft(stream_of(change), "change.opened", actor, fact, [change, revision])


def linked(link: LinkedPullRequest, *, actor: str) -> Draft:
    """A pull request was joined to a change."""
    fact = {"pull_request": str(link.pull_request), "role": str(link.role), "reason": link.reason, "at": link.at.isoformat()}
    return Draft(stream_of(link.change), "change.linked", actor, fact, [link])


def fresh_classes(change: Change, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the computed classes that the change does not have yet."""
    return {name: values[name] for name in CLASSES if values[name] != getattr(change, name)}


def classified(change: Change, fresh: Mapping[str, Any], *, actor: str, at: datetime) -> Draft:
    """A change was classed anew: ``fresh`` are the classes that differ from before."""
    kind = "change.emergency_declared" if fresh.get("category") == Category.EMERGENCY else "change.classified"
    return Draft(stream_of(change), kind, actor, {**fresh, "reasons": change.reasons, "at": at.isoformat()}, [change])
