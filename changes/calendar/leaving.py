"""Calendar feeds end with the person who made them."""

from datetime import datetime

from changes.calendar.feeds import revoke_feed
from changes.calendar.models import CalendarFeed
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.roster.leaving import ends_with_person


@ends_with_person("calendar_feeds")
def end_feeds(user: User, by: User | None, at: datetime) -> int:
    """Revoke every feed that still reads. Gives how many."""
    standing = list(CalendarFeed.objects.filter(user=user, revoked_at=None, expires_at__gt=at).order_by("pk"))
    for feed in standing:
        revoke_feed(feed=feed, at=at, actor=actor_of(by) if by else PORTAL)
    return len(standing)
