"""Errors in plain words: what happened, that nothing was changed, what to do, and a reference number that stands in the logs.

Four forms of one answer: a page, a piece for htmx, JSON under /api/, and a bare page when the database is away.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import wraps
from typing import Any

import psycopg_pool
import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import resolve_url
from django.template.loader import render_to_string

from portal.access.guards import NotAllowed
from portal.access.may import who_may
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.answers import toast, trigger
from portal.ui.clock import time_of

log = structlog.get_logger("portal.errors")

Handler = Callable[..., HttpResponse]

AWAY = (OperationalError, InterfaceError, psycopg_pool.PoolTimeout)
"""The database cannot be reached: not our mistake and not the reader's, so 503 and not 500."""

ACCESS_CLAUSES = frozenset({Clause.PROD_RESTRICTED, Clause.MAIN_RESTRICTED, Clause.ACCESS_RESTRICTED, Clause.AUTHORISED_MERGE})
"""Refusals that are about who may: 403. All others are about what was sent: 422."""


@dataclass(frozen=True)
class Problem:
    """One error as people read it. ``todo`` says what to do next; ``extra`` goes to the page's template."""

    status: int
    title: str
    what: str
    todo: str = ""
    clause: str = ""
    template: str = "portal/errors/error.html"
    extra: dict[str, Any] = field(default_factory=dict)


NOT_UNDERSTOOD = Problem(
    400, "We could not read that request", "Something in it is not well formed. Nothing was changed.", "Go back and try again."
)
NOT_FOUND = Problem(
    404,
    "This page does not exist",
    "The address may be mistyped, or the record may be outside of what you may see.",
    "Search for it with Ctrl K, or go to the inbox.",
)
TOO_MUCH = Problem(
    429,
    "Too many attempts",
    "We slow down repeated attempts to keep accounts safe. Nothing was changed.",
    "Wait five minutes, then try again.",
)
PATIENCE = timedelta(minutes=5)
"""The longest that a limit of the sign-in looks back (ACCOUNT_RATE_LIMITS): whoever waits for it is answered again."""

TOO_BIG = Problem(
    413, "That is too large", "The request is larger than this page accepts. Nothing was changed.", "Send less at once."
)
BROKEN = Problem(
    500,
    "Something broke on our side",
    "Your action may not have been saved. The error was recorded with the reference below.",
    "Try again. If it happens twice, tell an administrator the reference.",
)
UNAVAILABLE = Problem(
    503, "Countersign is not available right now", "The database cannot be reached. Nothing was changed.", "Try again in a minute."
)
SIGNED_OUT = Problem(
    401,
    "You are signed out",
    "Your session is over, and nothing was changed. What you typed is still on this page.",
    "Sign in again, then go on here.",
    extra={"sign_in": True},
)
FORGED = Problem(
    403,
    "This form is no longer valid",
    "It was opened before you signed in, or in another browser session. Nothing was changed.",
    "Go back, reload the page, and send it again.",
)


def answer_for(request: HttpRequest, problem: Exception) -> HttpResponse | None:
    """The answer to an exception that a view raised on purpose; None for all others."""
    if isinstance(problem, Refused):
        return answer(request, refusal(problem))
    if isinstance(problem, Stale):
        return answer(request, overtaken(problem))
    if isinstance(problem, RequestDataTooBig):
        return answer(request, TOO_BIG)
    if isinstance(problem, AWAY):
        log.error("database.away", exc_info=problem)
        return answer(request, UNAVAILABLE)
    return None


def refusal(problem: Refused) -> Problem:
    """A refusal by the policy: names the clause, why, and what to do instead."""
    return Problem(
        status=403 if problem.clause in ACCESS_CLAUSES else 422,
        title="The policy does not allow this",
        what=f"{problem.why} Nothing was changed.",
        todo=problem.instead,
        clause=str(problem.clause),
        extra={"sentence": problem.clause.sentence},
    )


def overtaken(problem: Stale) -> Problem:
    """Somebody was faster."""
    return Problem(
        status=409,
        title="This changed while you were looking at it",
        what=f"{problem or 'Somebody else acted first.'} What you sent was not applied.",
        todo="Reload the page, look at what is new, and decide again.",
    )


def not_allowed(request: HttpRequest, problem: PermissionDenied) -> Problem:
    """403: names the roles that may, and who holds them."""
    extra: dict[str, Any] = {}
    words = (str(problem) or "You may not do this").rstrip(".") + "."
    if isinstance(problem, NotAllowed):
        extra = {"who": who_may(problem.permission, at=time_of(request))}
    return Problem(
        403, "Your role does not allow this", f"{words} Nothing was changed.", template="portal/errors/403.html", extra=extra
    )


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in the form that the caller understands."""
    reference = getattr(request, "id", "")
    if problem.status >= 500:
        return _bare(request, problem, reference)
    log.info("answered.problem", status=problem.status, title=problem.title, clause=problem.clause)
    if request.path.startswith("/api/"):
        return _json(problem, reference)
    context = {"problem": problem, "reference": reference, **problem.extra}
    if request.headers.get("HX-Request"):
        return _piece(request, problem, context)
    signed_in = getattr(getattr(request, "user", None), "is_authenticated", False)
    context["layout"] = "base.html" if signed_in else "entrance.html"
    return HttpResponse(render_to_string(problem.template, context, request), status=problem.status)


def _piece(request: HttpRequest, problem: Problem, context: dict[str, Any]) -> HttpResponse:
    """For htmx: a banner at the head of the page, where the eye and the focus go, and a toast that says the same."""
    body = render_to_string("components/problem.html", context, request)
    response = HttpResponse(
        body, status=problem.status, headers={"HX-Retarget": "#problem", "HX-Reswap": "innerHTML show:#main:top"}
    )
    return toast(response, problem.title, tone="bad")


def _json(problem: Problem, reference: str) -> HttpResponse:
    body = {"status": problem.status, "title": problem.title, "detail": problem.what, "reference": reference}
    if problem.clause:
        body["clause"] = problem.clause
    if problem.todo:
        body["instead"] = problem.todo
    return JsonResponse({"error": body}, status=problem.status)


def _bare(request: HttpRequest, problem: Problem, reference: str) -> HttpResponse:
    """An answer that needs no database, no session and no person."""
    if request.path.startswith("/api/"):
        response = _json(problem, reference)
    else:
        page = render_to_string("portal/errors/bare.html", {"problem": problem, "reference": reference})
        response = HttpResponse(page, status=problem.status)
    if problem.status == UNAVAILABLE.status:
        response.headers["Retry-After"] = "30"
    return response


def _leaving_no_connection(handler: Handler) -> Handler:
    """Django runs these handlers in a thread beside the request's under ASGI: the connection that a page opened there would
    stay open, or out of the pool, until the thread is used again."""

    @wraps(handler)
    def tidy(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return handler(*args, **kwargs)
        finally:
            # One inside a transaction (an auditor's whole page is) is left to whoever began that.
            for opened in connections.all(initialized_only=True):
                if not opened.in_atomic_block:
                    opened.close_if_unusable_or_obsolete()

    return tidy


@_leaving_no_connection
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler400."""
    if isinstance(exception, RequestDataTooBig):
        return answer(request, TOO_BIG)
    return answer(request, NOT_UNDERSTOOD)


@_leaving_no_connection
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403."""
    denied = exception if isinstance(exception, PermissionDenied) else PermissionDenied()
    return answer(request, not_allowed(request, denied))


@_leaving_no_connection
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404."""
    return answer(request, NOT_FOUND)


def too_many(request: HttpRequest) -> HttpResponse:
    """allauth's handler429: a rate limit was reached. No limit of ours looks back longer than ``PATIENCE``."""
    until = f"{time_of(request) + PATIENCE:%H:%M} UTC"
    response = answer(request, replace(TOO_MUCH, todo=f"Wait until {until}, five minutes from now, then try again."))
    response.headers["Retry-After"] = str(int(PATIENCE.total_seconds()))
    return response


@_leaving_no_connection
def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the exception is the one being handled."""
    return answer(request, UNAVAILABLE if isinstance(sys.exc_info()[1], AWAY) else BROKEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    log.warning("csrf.refused", reason=reason)
    response = answer(request, FORGED)
    if request.headers.get("HX-Request"):
        # Only our own pages can read this answer: it brings the token of the new session to a page of the old one.
        trigger(response, "token", {"value": get_token(request), "person": str(getattr(request.user, "pk", "") or "")})
    return response


def signed_out(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """For htmx a redirect to the sign-in page would put that page into a piece of this one: say it in words instead."""
    location = response.headers.get("Location", "")
    if request.headers.get("HX-Request") and response.status_code == 302 and location.startswith(resolve_url(settings.LOGIN_URL)):
        return answer(request, SIGNED_OUT)
    return response
