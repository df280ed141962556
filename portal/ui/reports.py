"""What browsers report: something on a page wanted what our policy forbids. A line in the log each.

Content Security Policy Level 3, 5.3 ("report-uri"). A report is believed in nothing: it may come from anybody, and is only
written down, cut to what names the place.
"""

import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portal.access.guards import public

LARGEST = 16 * 1024
"""Bytes of a report."""
AT_MOST, WITHIN = 30, 60
"""Reports that one process writes down within so many seconds."""
LONGEST = 200
log = structlog.get_logger("portal.reports")
_lock = threading.Lock()
_window: list[float] = [0.0, 0]
"""Beginning of the present span, and how many came in it."""


def _violation(request: HttpRequest) -> HttpResponse:
    """Write a report down, unless too many came. The answer is always empty."""
    told = _told(request)
    if told and _is_due(time.monotonic()):
        directive = str(told.get("effective-directive") or told.get("violated-directive") or "")[:LONGEST]
        log.warning("policy.violated", directive=directive, page=_place(told, "document-uri"), wanted=_place(told, "blocked-uri"))
    return HttpResponse(status=204)


def _told(request: HttpRequest) -> dict[str, Any]:
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
        said = json.loads(request.body) if announced <= LARGEST and len(request.body) <= LARGEST else {}
    except (ValueError, RecursionError, RequestDataTooBig):
        return {}
    report = said.get("csp-report") if isinstance(said, dict) else None
    return report if isinstance(report, dict) else {}


def _place(told: dict[str, Any], name: str) -> str:
    """Host and path of an address, without its query; a word such as ``inline`` as it is."""
    try:
        parts = urlsplit(str(told.get(name) or ""))
    except ValueError:
        return ""
    return f"{parts.hostname or ''}{parts.path}"[:LONGEST]


def _is_due(now: float) -> bool:
    with _lock:
        if now - _window[0] >= WITHIN:
            _window[:] = [now, 0]
        _window[1] += 1
        return _window[1] <= AT_MOST


violation = public(
    csrf_exempt(require_POST(_violation)), reason="A browser reports by itself, from the sign-in page too; it is only logged."
)
