"""How long a session lasts: twelve hours in all; half an hour without a request for privileged people and auditors."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest

from portal.access.may import roles_of
from portal.access.roles import PRIVILEGED

LONGEST = timedelta(hours=12)
IDLE = timedelta(minutes=30)
NOTED_EVERY = timedelta(minutes=1)
BEGAN, SEEN = "session_began_at", "session_seen_at"


@dataclass(frozen=True)
class Standing:
    """How a session stands: whose it is (the person's key), the seconds that are left, and whether being there puts its end off."""

    person: str
    left: int
    idle: bool


def begin(request: HttpRequest, *, at: datetime) -> None:
    """Start the clocks of a session that somebody has just signed in to."""
    request.session[BEGAN] = request.session[SEEN] = at.timestamp()


def end_when_due(request: HttpRequest, *, at: datetime) -> bool:
    """Sign out when a clock has run out; else note that the person is still there. True when it ended."""
    now = at.timestamp()
    began = request.session.setdefault(BEGAN, now)
    seen = request.session.setdefault(SEEN, now)
    over = now - began >= LONGEST.total_seconds()
    idle = now - seen >= IDLE.total_seconds() and _ends_when_idle(request)
    if over or idle:
        logout(request)
        return True
    if now - seen >= NOTED_EVERY.total_seconds() and not _is_unattended(request):
        request.session[SEEN] = now
    return False


def standing_of(request: HttpRequest, *, at: datetime) -> Standing | None:
    """How the session of this request stands; None for somebody who is not signed in.

    Whose it is says the session, not ``request.user``: in a preview that is somebody else.
    """
    session = getattr(request, "session", {})
    person = session.get(SESSION_KEY)
    if person is None:
        return None
    now = at.timestamp()
    whole = session.get(BEGAN, now) + LONGEST.total_seconds() - now
    idle = session.get(SEEN, now) + IDLE.total_seconds() - now if _ends_when_idle(request) else whole
    return Standing(person=str(person), left=max(0, int(min(whole, idle))), idle=idle < whole)


def _ends_when_idle(request: HttpRequest) -> bool:
    return not roles_of(request.user).isdisjoint(PRIVILEGED)


def _is_unattended(request: HttpRequest) -> bool:
    """Whether an open page asked by itself (a refresh, its live stream): that does not show that anybody is there."""
    return request.headers.get("X-Unattended") == "true" or request.headers.get("Accept") == "text/event-stream"


def renew_after_proof(sender: object, request: HttpRequest, **extra: Any) -> None:
    """Receiver of allauth's ``authentication_step_completed``: a session that was raised gets a new key."""
    if not extra.get("reauthenticated") or not request.user.is_authenticated:
        return
    old = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=old).update(session_key=request.session.session_key)
