"""Auditors read, and nothing else: within an engagement, with safe methods, behind the wall, and noted beforehand."""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils import timezone

from audits.engagements.actions import note_reading
from audits.engagements.models import Engagement
from audits.engagements.queries import READ_MOST, engagement_of, pages_in_last_minute
from audits.engagements.wall import read_only
from portal.access.may import roles_of
from portal.access.models import User
from portal.access.roles import Role
from portal.access.rules import OPEN, OUTSIDE, OWN
from portal.access.scope import Scope, narrow
from portal.ui.errors import Problem, answer
from portal.ui.logs import masked

Answer = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger("countersign.auditors")

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SIGN_IN = OWN | OUTSIDE | OPEN.keys() | {"me", "theme"}
"""Addresses about signing in and out, which must write (session, second factor) and show no record. The only POSTs."""
LIVE = frozenset({"live"})
"""Streams that say that something changed, never what. They outlive any transaction."""

CLOSED = Problem(
    403,
    "Your engagement is not open",
    "Auditors see records only within an engagement that two people opened, and only until it ends.",
    "Ask the compliance manager to open one.",
)
ONLY_READING = Problem(403, "Auditors only read", "This would change something, which your role never does. Nothing was changed.")
SLOWED = Problem(
    429, "That was a lot at once", f"More than {READ_MOST} pages within a minute are refused and reported.", "Wait a minute."
)
UNNOTED = Problem(503, "This page cannot be shown now", "What auditors read must be noted first, and the log cannot be written.")


def auditor_read_only(get_response: Answer) -> Answer:
    """The middleware. Everybody but auditors passes untouched."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or Role.AUDITOR not in roles_of(user):
            return get_response(request)
        match = _match(request)
        if match is not None and match.view_name in OWN_SIGN_IN:
            return get_response(request)
        now = timezone.now()
        engagement = engagement_of(user, at=now)
        if engagement is None:
            return answer(request, CLOSED)
        _admit(request, engagement)
        if request.method not in SAFE:
            return answer(request, ONLY_READING)
        if match is not None and match.view_name in LIVE:
            return get_response(request)
        return _noted(request, engagement, match, now) or _behind_wall(request, get_response)

    return middleware


def _match(request: HttpRequest) -> ResolverMatch | None:
    try:
        return resolve(request.path_info)
    except Resolver404:
        return None


def _admit(request: HttpRequest, engagement: Engagement) -> None:
    """Let pages know whose eyes they are for, and how far those reach."""
    vars(request)["auditor"] = engagement
    repositories = frozenset(engagement.repositories) or None
    narrow(request, Scope(repositories, engagement.window_from, engagement.window_to))


def _noted(request: HttpRequest, engagement: Engagement, match: ResolverMatch | None, now: datetime) -> HttpResponse | None:
    """Write the read log. None when the page may be shown; else why not."""
    named = [f"{key}={value}" for key, value in sorted((match.kwargs if match else {}).items())]
    try:
        slowed = pages_in_last_minute(engagement.auditor, at=now) >= READ_MOST
        note_reading(
            engagement=engagement,
            path=masked(request.get_full_path()),
            objects_named=named,
            session_digest=hashlib.sha256((request.session.session_key or "").encode()).hexdigest(),
            slowed=slowed,
            at=now,
        )
    except DatabaseError:
        log.exception("the read log cannot be written")
        return answer(request, UNNOTED)
    return answer(request, SLOWED) if slowed else None


def _behind_wall(request: HttpRequest, get_response: Answer) -> HttpResponseBase:
    with read_only():
        response = get_response(request)
        # A stream would be read after the wall is gone, so it is read now.
        return _read_through(response) if isinstance(response, StreamingHttpResponse) else response


def _read_through(stream: StreamingHttpResponse) -> HttpResponse:
    """The same answer as a whole. An asynchronous stream is refused: only ``live`` may be one."""
    if stream.is_async:
        raise TypeError("A page of an auditor may not be an asynchronous stream.")
    whole = HttpResponse(b"".join(stream.streaming_content), status=stream.status_code)  # type: ignore[arg-type]  # not async
    for name, value in stream.headers.items():
        whole.headers[name] = value
    whole.cookies = stream.cookies
    return whole
