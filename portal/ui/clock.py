"""The time of a request: read once when it arrives, so that one page tells one time and tests can set it."""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone


def time_of(request: HttpRequest) -> datetime:
    """When the request arrived (UTC). Pages and views ask this, never the machine's clock."""
    at = getattr(request, "at", None)
    return at if isinstance(at, datetime) else timezone.now()
