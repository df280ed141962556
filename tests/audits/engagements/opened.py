"""An auditor with an open engagement, for tests."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from audits.engagements.actions import confirm_engagement, open_engagement
from audits.engagements.models import Engagement
from portal.access.models import User
from tests.portal.access.people import person

YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def prepared(auditor: User, by: User, **rest) -> Engagement:
    """An engagement that nobody has confirmed yet; open from a minute ago for thirty days."""
    now = timezone.now()
    wish = {
        "name": "Annual audit",
        "auditor": auditor,
        "window_from": YEAR[0],
        "window_to": YEAR[1],
        "starts_at": now - timedelta(minutes=1),
        "ends_at": now + timedelta(days=30),
        "repositories": [],
        "by": by,
        "at": now,
    }
    return open_engagement(**{**wish, **rest})


def admitted(**rest) -> tuple[User, Engagement]:
    """Uma, whom Cleo and Mia let in."""
    uma, cleo, mia = (User.objects.filter(name=name).first() or person(name) for name in ("Uma", "Cleo", "Mia"))
    engagement = prepared(uma, cleo, **rest)
    confirm_engagement(engagement=engagement, digest=engagement.digest, by=mia, at=timezone.now())
    engagement.refresh_from_db()
    return uma, engagement
