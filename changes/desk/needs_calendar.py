"""What freezes and the deploy gate ask of people: the second word on an override, and on a gate that shall let doubts pass."""

from collections.abc import Iterator
from datetime import datetime

from changes.calendar.queries import waiting_overrides
from changes.gates import modes
from changes.proposals.models import Change
from portal.access.may import may
from portal.access.models import Identity, User
from portal.access.permissions import P
from portal.home import inbox

MOST = 50


@inbox.provider
def needs_of(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Everything of that kind that this person can answer now."""
    if may(user, P.FREEZE_OVERRIDE):
        yield from _overrides(user, at)
    if may(user, P.WAIVER_DECIDE):
        yield from _openings(user, at)


def _overrides(user: User, at: datetime) -> Iterator[inbox.Item]:
    uids = Identity.objects.filter(user=user, provider="github", ended_at=None).values_list("uid", flat=True)
    own = Change.objects.filter(links__pull_request__author_uid__in=[int(uid) for uid in uids if uid.isdecimal()])
    rows = waiting_overrides(at=at).exclude(proposed_by=user).exclude(change__requester=user)
    for row in rows.exclude(change__in=own)[:MOST]:
        yield inbox.Item(
            title="Confirm or refuse an override",
            about=f"{row.change.title}, in the freeze {row.freeze.name}",
            why=f"{row.proposed_by.name} asks for it, and a second person who took no part in the change decides.",
            due_at=row.expires_at,
            href=f"/changes/{row.change.number}/#schedule",
            act="Decide",
            tone="warn",
            icon="snowflake",
            key=str(row.change),
        )


def _openings(user: User, at: datetime) -> Iterator[inbox.Item]:
    for row in modes.waiting(at=at).exclude(by=user)[:MOST]:
        yield inbox.Item(
            title="Decide on an open deploy gate",
            about=f"{row.repository.name} to {row.environment}: {row.reason}",
            why=f"{row.by.name} asks to let doubts pass there for a time; two people decide that.",
            due_at=row.at + modes.CONFIRM_WITHIN,
            href="/deploys/gate/",
            act="Decide",
            tone="bad",
            icon="door-open",
            key=row.repository.name,
        )
