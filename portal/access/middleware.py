"""Deny by default: sessions that have run out, second factors that are overdue, and views that declare nothing."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from portal.access import sessions
from portal.access.factors import Missing, begin_grace, missing_factor
from portal.access.guards import check
from portal.access.models import User
from portal.access.permissions import P
from portal.access.rules import OPEN, OWN
from portal.access.walk import rule_of

Answer = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger("countersign.access")
TAKEN = ("GET", "HEAD", "POST")
FOREIGN = OPEN.keys() | OWN
"""Views of allauth, which would take any method as a GET. Ours name theirs one by one."""


class Undeclared(PermissionDenied):
    """A view says neither which permission it needs nor why it is public. A mistake of ours; nobody gets in."""


def access_rules(get_response: Answer) -> Answer:
    """The middleware. ``process_view`` decides before each view; signing out empties the browser's caches.

    ``request.missing_factor`` says what the person is to be told about their second factor (see ``factors``).
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        signed_in = request.user.is_authenticated
        vars(request)["missing_factor"] = None
        if signed_in and sessions.end_when_due(request, at=timezone.now()):
            messages.info(request, "You were signed out, because the session was over.")
        elif isinstance(request.user, User):
            vars(request)["missing_factor"] = _ask_for_factor(request.user)
        response = get_response(request)
        if signed_in and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    vars(middleware)["process_view"] = decide
    return middleware


def decide(request: HttpRequest, view: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> HttpResponse | None:
    """None lets the view answer; else a redirect to sign-in or to the second factor, or 405.

    Raises ``Undeclared``, ``NotAllowed`` or ``BadRequest``.
    """
    name = request.resolver_match.view_name if request.resolver_match else ""
    _without_nul(request)
    if name in FOREIGN and request.method not in TAKEN:
        return HttpResponseNotAllowed(TAKEN)
    rule = rule_of(view, name)
    if rule is None:
        log.error("view without a declared permission", extra={"path": request.path, "view_name": name})
        raise Undeclared("This page does not say who may see it, so nobody may.")
    if rule.permission is None:
        return None
    try:
        refusal = check(request, rule.permission)
    except PermissionDenied:
        log.warning("refused", extra={"path": request.path, "permission": rule.permission, "user": request.user.pk})
        raise
    return refusal or _insist_on_factor(request, rule.permission)


def _without_nul(request: HttpRequest) -> None:
    """PostgreSQL holds no NUL, so nothing is found by one: it is left out of a question, and a path with one is refused.

    Forms look for it in their own fields.
    """
    if "\0" in request.path_info:
        raise BadRequest("No text of ours holds the character NUL, so nothing can be found by it.")
    question = request.META.get("QUERY_STRING", "")
    if "%00" in question:
        while "%00" in question:  # what is left over may read as another one
            question = question.replace("%00", "")
        vars(request)["GET"] = QueryDict(question, encoding=request.encoding)


def _ask_for_factor(user: User) -> Missing | None:
    """What to tell somebody who is asked for a second factor and has none. The first time, their days of grace begin."""
    missing = missing_factor(user)
    if missing is not None and settings.REQUIRE_MFA and missing.until is None:
        return Missing(until=begin_grace(user=user, at=timezone.now()))
    return missing


def _insist_on_factor(request: HttpRequest, permission: P) -> HttpResponse | None:
    """Lead somebody who is asked for a second factor and has none to its set-up, once their days of grace are over."""
    missing: Missing | None = vars(request).get("missing_factor")
    if permission == P.OWN_ACCOUNT or missing is None or not missing.is_over(at=timezone.now()):
        return None
    messages.warning(request, "You need a second factor here. Set one up to go on.")
    return redirect("mfa_index")
