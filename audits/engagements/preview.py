"""Looking with an auditor's eyes: which engagement and which auditor a session previews. Nothing can be written meanwhile.

The person stays who they are: only the look of the pages, the rights to read and the scope are the auditor's.
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from audits.engagements.models import Admission, Engagement
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P

KEY = "preview"
"""In the session: the id of the engagement."""


@dataclass(frozen=True)
class Seen:
    """An engagement, and the auditor with whose rights its pages are read."""

    engagement: Engagement
    auditor: User


def begin(request: HttpRequest, engagement: Engagement) -> None:
    """From the next request on."""
    request.session[KEY] = engagement.pk


def end(request: HttpRequest) -> int | None:
    """No longer. The id of the engagement that was previewed."""
    pk: int | None = request.session.pop(KEY, None)
    return pk


def previewed(request: HttpRequest, *, at: datetime) -> Seen | None:
    """What this session previews; None once the engagement is over, or when the person may not any more."""
    pk = request.session.get(KEY)
    if pk is None or not may(request.user, P.READ_LOG_SEE):
        return None
    rows = Engagement.objects.filter(pk=pk, kind=Engagement.Kind.EXTERNAL, ended_at=None, ends_at__gt=at)
    engagement = rows.first()
    first = _whose_eyes(engagement, at) if engagement else None
    return Seen(engagement, first.person) if engagement and first else None


def _whose_eyes(engagement: Engagement, at: datetime) -> Admission | None:
    """The first one whose account works and who has not left; where there is none, the first of all."""
    people = engagement.admissions.select_related("person").order_by("pk")
    return min(people, key=lambda one: (not one.person.is_active, one.ended_at is not None or one.ends_at <= at), default=None)
