"""One line of a timeline, and the lines that deploys make."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from changes.delivery.deploy_review_models import DeploymentReview
from changes.delivery.models import Release

REVIEWED = {
    "requested": ("circle-help", "neutral", "asked for a review of"),
    "approved": ("circle-check", "ok", "approved"),
    "rejected": ("circle-x", "bad", "rejected"),
}
"""Icon, tone and words of each word on a deploy at the forge."""


@dataclass(frozen=True)
class Happening:
    """One line: when, who, what, and its picture."""

    id: str
    at: datetime
    who: str
    text: str
    icon: str
    tone: str = "neutral"
    sub: str = ""
    unconfirmed: bool = False


def from_releases(rows: list[Release]) -> Iterator[Happening]:
    """What went out, and what became of it."""
    for row in rows:
        back = " (a rollback)" if row.rolls_back_id else ""
        bad = row.state == Release.State.FAILED
        yield Happening(
            id=f"d-{row.pk}",
            at=row.succeeded_at or row.failed_at or row.created_at,
            who=row.actor or "Somebody",
            text=f"released {row.commit_sha[:7]} to {row.environment}{back}",
            icon="rocket" if not back else "undo-2",
            tone="bad" if bad else "ok" if row.succeeded_at else "info",
            sub=f"{row.app} v{row.version}. {Release.State(row.state).label}" if row.app else Release.State(row.state).label,
            unconfirmed=row.confirmed_at is None,
        )


def from_reviews(rows: Iterable[DeploymentReview]) -> Iterator[Happening]:
    """Who let a deploy into its environment at the forge, or kept it out."""
    for row in rows:
        icon, tone, verb = REVIEWED[row.state]
        asked = f"Asked: {', '.join(row.reviewers)}" if row.reviewers and row.state == DeploymentReview.State.REQUESTED else ""
        yield Happening(
            id=f"v-{row.pk}",
            at=row.at,
            who=row.login or "Somebody",
            text=f"{verb} the deploy of {row.commit_sha[:7]} to {row.environment} at the forge",
            icon=icon,
            tone=tone,
            sub=row.comment or asked,
            unconfirmed=row.confirmed_at is None and row.state != DeploymentReview.State.REQUESTED,
        )
