"""What people may change about their own account."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpResponse

from portal.access.models import User

YEAR = 365 * 86400
"""Seconds that the choice of a theme is kept."""


@transaction.atomic
def save_profile(*, user: User, name: str, theme: str, density: str, time_zone: str, shortcuts: bool) -> None:
    """Keep name, theme, density, time zone (IANA name) and whether single-key shortcuts are on. Values come from a checked form."""
    user.name, user.theme, user.density, user.time_zone, user.shortcuts = name, theme, density, time_zone, shortcuts
    user.save(update_fields=["name", "theme", "density", "time_zone", "shortcuts"])


def remember_theme(response: HttpResponse, theme: str) -> HttpResponse:
    """Keep the choice in this browser for a year. Script may read the cookie: it changes the colours without a round trip."""
    response.set_cookie(settings.THEME_COOKIE_NAME, theme, max_age=YEAR, samesite="Lax", secure=settings.HTTPS)
    return response


@transaction.atomic
def end_session(*, session: UserSession) -> None:
    """Sign one of the person's browsers out."""
    Session.objects.filter(pk=session.session_key).delete()
    session.delete()


def sessions_of(user: User, *, at: datetime) -> list[UserSession]:
    """The browsers in which the person is signed in at that moment, newest first."""
    alive = Session.objects.filter(expire_date__gt=at).values("session_key")
    return list(UserSession.objects.filter(user=user, session_key__in=alive).order_by("-last_seen_at", "-pk"))
