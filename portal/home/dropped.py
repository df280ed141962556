"""What somebody dropped and may take back: their last draft of each kind, for a day. No evidence, and nobody else's to see."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from portal.access.models import User
from portal.home.models import Dropped

UNDO = timedelta(days=1)
"""For so long it can be taken back."""


def put_away(*, person: User, kind: str, content: Mapping[str, Any], at: datetime, about: str = "") -> None:
    """Keep what ``person`` drops; what the same person dropped before of this kind is gone. So is whatever is older than a day."""
    Dropped.objects.filter(dropped_at__lte=at - UNDO).delete()
    Dropped.objects.update_or_create(
        person=person, kind=kind, defaults={"about": about, "content": dict(content), "dropped_at": at}
    )


def dropped_by(*, person: User, kind: str, at: datetime, about: str = "") -> Dropped | None:
    """What this person can take back of this kind; None when there is nothing, or no longer."""
    return Dropped.objects.filter(person=person, kind=kind, about=about, dropped_at__gt=at - UNDO).first()
