"""What audits ask of those who open them: somebody who comes later, and whom another person proposed. For the inbox."""

from collections.abc import Iterator
from datetime import datetime

from audits.engagements.additions import waiting_for_second
from portal.access.may import may_at
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox


@inbox.provider
def admission_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Proposals that this person may confirm."""
    found = list(waiting_for_second(user, at=at))
    if not found or not may_at(user, P.ENGAGEMENT_MAKE, at=at):
        return
    for row in found:
        yield inbox.Item(
            title="Confirm who comes into an audit",
            about=f"{row.person.name}, {row.engagement.name}",
            why=f"{row.proposed_by.name} proposed it; another person confirms it.",
            due_at=row.expires_at,
            href=f"/audits/{row.engagement_id}/",
            act="Look",
            tone="info",
            icon="users",
        )
