"""Auditors read, and add the little that ``door`` names: within an engagement, behind the wall, and noted beforehand."""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils import timezone

from audits.engagements.actions import note_reading
from audits.engagements.door import WRITABLE
from audits.engagements.models import Engagement, ReadLog
from audits.engagements.preview import Seen, previewed
from audits.engagements.queries import FILES_MOST, READ_MOST, engagement_of, files_in_last_hour, pages_in_last_minute, scope_of
from audits.engagements.wall import InPieces, NoWriter, adding, read_only
from portal.access.may import roles_of
from portal.access.models import User
from portal.access.roles import Role
from portal.access.rules import OPEN, OUTSIDE, OWN
from portal.access.scope import narrow
from portal.replica_pages import SAFE, read_from_copy, written_in
from portal.ui.errors import Problem, answer
from portal.ui.logs import masked

Answer = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger("countersign.auditors")

OWN_SIGN_IN = OWN | OUTSIDE | OPEN.keys() | {"me", "theme", "csp-report", "session", "signed-in-here"}
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
    429,
    "That was a lot at once",
    f"More than {READ_MOST} pages within a minute, or {FILES_MOST} files within an hour, are refused and reported.",
    "Wait a minute, for files an hour, then go on.",
)
ONLY_PREVIEW = Problem(
    403,
    "You are looking with an auditor's eyes",
    "In a preview nothing can be written. Nothing was changed.",
    "Leave the preview first.",
)
SHUT = Problem(
    503, "This cannot be kept now", "What auditors add goes through a narrow role of the database, and it was not there."
)
FILE = "pack-file"
"""The address of an evidence pack's file."""
WAY_OUT = "end-preview"
UNNOTED = Problem(503, "This page cannot be shown now", "What auditors read must be noted first, and the log cannot be written.")


def auditor_read_only(get_response: Answer) -> Answer:
    """The middleware. Everybody but auditors and those who preview what an auditor sees passes untouched."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return get_response(request)
        now = timezone.now()
        if Role.AUDITOR in roles_of(user):
            return _as_auditor(request, user, _match(request), now, get_response)
        seen = previewed(request, at=now)
        return _as_preview(request, user, seen, _match(request), now, get_response) if seen else get_response(request)

    return middleware


def _as_auditor(
    request: HttpRequest, user: User, match: ResolverMatch | None, now: datetime, get_response: Answer
) -> HttpResponseBase:
    name = match.view_name if match else ""
    if name in OWN_SIGN_IN:
        return get_response(request)
    engagement = engagement_of(user, at=now)
    if engagement is None:
        return answer(request, CLOSED)
    _admit(request, engagement)
    if request.method not in SAFE:
        return _added(request, engagement, user, match, now, get_response) if name in WRITABLE else answer(request, ONLY_READING)
    if name in LIVE:
        return get_response(request)
    return _noted(request, engagement, user, ReadLog.Outcome.READ, match, now) or _behind_wall(request, get_response)


def _added(
    request: HttpRequest,
    engagement: Engagement,
    user: User,
    match: ResolverMatch | None,
    now: datetime,
    get_response: Answer,
) -> HttpResponseBase:
    """One of the few things that auditors add: noted first, then done through the door."""
    if request.method != "POST":
        return answer(request, ONLY_READING)
    refused = _noted(request, engagement, user, ReadLog.Outcome.SENT, match, now)
    return refused or _through_door(request, get_response)


def _as_preview(
    request: HttpRequest,
    user: User,
    seen: Seen,
    match: ResolverMatch | None,
    now: datetime,
    get_response: Answer,
) -> HttpResponseBase:
    """The same page as the auditor gets, for the one who previews; with nothing to be written, not even through the door.

    What is about the reader's own account, sign-out and the way out of the preview stays the reader's own.
    """
    name = match.view_name if match else ""
    vars(request)["preview"] = seen
    if name in OWN_SIGN_IN | LIVE | {WAY_OUT} or request.path_info.startswith("/me/"):
        return get_response(request)
    if request.method not in SAFE:
        return answer(request, ONLY_PREVIEW)
    _admit(request, seen.engagement)
    refused = _noted(request, seen.engagement, user, ReadLog.Outcome.PREVIEW, match, now)
    if refused is not None:
        return refused
    request.user = seen.auditor
    try:
        return _behind_wall(request, get_response)
    finally:
        request.user = user


def _match(request: HttpRequest) -> ResolverMatch | None:
    try:
        return resolve(request.path_info)
    except Resolver404:
        return None


def _admit(request: HttpRequest, engagement: Engagement) -> None:
    """Let pages know whose eyes they are for, and how far those reach."""
    vars(request)["auditor"] = engagement
    narrow(request, scope_of(engagement))


def _noted(
    request: HttpRequest, engagement: Engagement, reader: User, outcome: str, match: ResolverMatch | None, now: datetime
) -> HttpResponse | None:
    """Write the read log. None when the page may be shown; else why not."""
    named = [f"{key}={value}" for key, value in sorted((match.kwargs if match else {}).items())]
    try:
        slowed = pages_in_last_minute(reader, at=now) >= READ_MOST or _takes_too_many_files(reader, match, now)
        note_reading(
            engagement=engagement,
            reader=reader,
            path=masked(request.get_full_path()),
            objects_named=named,
            session_digest=hashlib.sha256((request.session.session_key or "").encode()).hexdigest(),
            outcome=ReadLog.Outcome.SLOWED if slowed else outcome,
            at=now,
        )
    except DatabaseError:
        log.exception("the read log cannot be written")
        return answer(request, UNNOTED)
    return answer(request, SLOWED) if slowed else None


def _takes_too_many_files(reader: User, match: ResolverMatch | None, now: datetime) -> bool:
    return match is not None and match.view_name == FILE and files_in_last_hour(reader, at=now) >= FILES_MOST


def _through_door(request: HttpRequest, get_response: Answer) -> HttpResponseBase:
    """What the view adds is kept as a whole; a refusal or a mistake in the form keeps nothing."""
    try:
        with adding():
            response = get_response(request)
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                transaction.set_rollback(True)
            return response
    except NoWriter:
        log.exception("the door is shut")
        return answer(request, SHUT)


def _behind_wall(request: HttpRequest, get_response: Answer) -> HttpResponseBase:
    """Read by PostgreSQL for an auditor; from the replica, where there is one and it is new enough."""

    def read(request: HttpRequest) -> HttpResponseBase:
        with read_only():
            response = get_response(request)
            if isinstance(response, InPieces):
                response.behind_wall, response.since = True, written_in(request)
                return response
            # Any other stream would be read after the wall is gone, so it is read now.
            return _read_through(response) if isinstance(response, StreamingHttpResponse) else response

    return read_from_copy(request, read)


def _read_through(stream: StreamingHttpResponse) -> HttpResponse:
    """The same answer as a whole. An asynchronous stream is refused: only ``live`` may be one."""
    if stream.is_async:
        raise TypeError("A page of an auditor may not be an asynchronous stream.")
    whole = HttpResponse(b"".join(stream.streaming_content), status=stream.status_code)  # type: ignore[arg-type]  # not async
    for name, value in stream.headers.items():
        whole.headers[name] = value
    whole.cookies = stream.cookies
    return whole
