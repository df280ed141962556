"""An auditor with an open engagement, for tests."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from audits.engagements.actions import confirm_engagement, open_engagement
from audits.engagements.facts import Invited, Wish
from audits.engagements.models import Engagement
from portal.access.models import User
from tests.portal.access.people import person

YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def prepared(auditor: User, by: User, *, at: datetime | None = None, **rest) -> Engagement:
    """An engagement that nobody has confirmed yet; open from a minute ago for thirty days."""
    now = at or timezone.now()
    wish = {
        "name": "Annual audit",
        "window_from": YEAR[0],
        "window_to": YEAR[1],
        "starts_at": now - timedelta(minutes=1),
        "ends_at": now + timedelta(days=30),
        **rest,
    }
    wish.setdefault("people", (Invited(auditor, wish["ends_at"]),))
    return open_engagement(wish=Wish(**wish), by=by, at=now)


def admitted(*, at: datetime | None = None, **rest) -> tuple[User, Engagement]:
    """Uma, whom Cleo and Mia let in."""
    uma, cleo, mia = (User.objects.filter(name=name).first() or person(name) for name in ("Uma", "Cleo", "Mia"))
    engagement = prepared(uma, cleo, at=at, **rest)
    confirm_engagement(engagement=engagement, digest=engagement.digest, by=mia, at=at or timezone.now())
    engagement.refresh_from_db()
    return uma, engagement
