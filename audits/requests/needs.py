"""What requests ask of people: answers of their owners, and a look of those who asked. For the inbox."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from audits.requests.lifecycle import State
from audits.requests.models import Request
from audits.requests.queries import waiting
from portal.access.models import User
from portal.home import inbox

MOST = 50


@inbox.provider
def request_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Questions to this person, and answers to theirs."""
    for row in waiting(at=at).filter(Q(state=State.OPEN), owner=user)[:MOST]:
        yield inbox.Item(
            title="Answer an audit's request",
            about=row.subject,
            why=f"{row.asked_by.name} asked you, for {row.engagement.name}.",
            due_at=row.due_at,
            href=address_of(row),
            act="Answer",
            tone="bad" if row.due_at <= at else "info",
            icon="message-square-text",
        )
    for row in waiting(at=at).filter(Q(state=State.ANSWERED), asked_by=user)[:MOST]:
        yield inbox.Item(
            title="Read the answer to your request",
            about=row.subject,
            why=f"{row.owner.name} answered. You close it, or ask on.",
            due_at=None,
            href=address_of(row),
            act="Read",
            tone="neutral",
            icon="message-square-text",
        )


def address_of(row: Request) -> str:
    """The thread's page."""
    return f"/audits/{row.engagement_id}/requests/{row.number}/"
