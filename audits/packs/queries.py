"""What is asked of evidence packs."""

from datetime import datetime

from django.db.models import Max, QuerySet

from audits.engagements.models import Engagement
from audits.packs.models import Pack
from portal.access.models import User
from portal.ledger.models import LedgerRedaction


def packs_of(engagement: Engagement) -> QuerySet[Pack]:
    """All packs of an audit, newest first, with who asked and whether it was given up."""
    return engagement.packs.select_related("asked_by", "cancel__by").order_by("-number")


def is_offered(pack: Pack, *, at: datetime) -> bool:
    """Whether its file can be had: whole, not given up, not past its day, and no text was redacted since it was asked for."""
    ready = pack.state == Pack.State.READY and not is_given_up(pack) and pack.expires_at is not None and at < pack.expires_at
    return ready and not is_outdated(pack)


def is_outdated(pack: Pack) -> bool:
    """Whether a text of the ledger was redacted after the pack was asked for: it may hold that text."""
    last = last_redaction()
    return last is not None and pack.asked_at < last


def last_redaction() -> datetime | None:
    """When a text was redacted last; None while none was."""
    found: datetime | None = LedgerRedaction.objects.aggregate(last=Max("confirmed_at"))["last"]
    return found


def is_given_up(pack: Pack) -> bool:
    """Whether somebody cancelled it."""
    return hasattr(pack, "cancel")


def waiting_for(person: User) -> Pack | None:
    """The pack that is being built for somebody; None when there is none."""
    return Pack.objects.filter(asked_by=person, state=Pack.State.WAITING).first()
