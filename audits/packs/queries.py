"""What is asked of evidence packs."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from audits.engagements.models import Engagement
from audits.packs.models import Pack
from portal.access.models import User

RECENT = timedelta(minutes=10)
"""A page that saw a pack being built goes on looking for this long after it ended."""


def packs_of(engagement: Engagement) -> QuerySet[Pack]:
    """All packs of an audit, newest first, with who asked and whether it was given up."""
    return engagement.packs.select_related("asked_by", "cancel__by").order_by("-number")


def is_offered(pack: Pack, *, at: datetime) -> bool:
    """Whether its file can be had: whole, not given up, not past its day."""
    return pack.state == Pack.State.READY and not is_given_up(pack) and pack.expires_at is not None and at < pack.expires_at


def is_given_up(pack: Pack) -> bool:
    """Whether somebody cancelled it."""
    return hasattr(pack, "cancel")


def waiting_for(person: User) -> Pack | None:
    """The pack that is being built for somebody; None when there is none."""
    return Pack.objects.filter(asked_by=person, state=Pack.State.WAITING).first()
