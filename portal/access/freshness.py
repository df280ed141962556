"""When the person behind this session last proved who they are."""

from datetime import UTC, datetime, timedelta

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest
from django.utils import timezone

FRESH_FOR = timedelta(minutes=5)


def authenticated_at(request: HttpRequest) -> datetime | None:
    """The last sign-in or re-authentication of this session's person, or None. UTC, by this server's clock."""
    records = get_authentication_records(request, request.user if request.user.is_authenticated else None)
    return datetime.fromtimestamp(records[-1]["at"], tz=UTC) if records else None


def is_fresh(request: HttpRequest) -> bool:
    """Whether that was at most five minutes ago, as sensitive actions ask (an approval, a role, a token)."""
    last = authenticated_at(request)
    return last is not None and timezone.now() - last < FRESH_FOR
