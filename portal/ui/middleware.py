"""Headers and context of every answer."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.decorators import sync_and_async_middleware
from structlog.contextvars import bind_contextvars, clear_contextvars

from portal.metrics import REQUESTS, UNKNOWN
from portal.ui.errors import answer_for, signed_out
from portal.ui.headers import POLICY_OF_PAGE, SECURITY_HEADERS, new_reference

Answer = Callable[[HttpRequest], Any]
READING = frozenset({"GET", "HEAD", "OPTIONS"})
log = structlog.get_logger("portal.requests")


def _stamp(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    static = request.path.startswith(settings.STATIC_URL)
    if static and isinstance(response, StreamingHttpResponse):
        response = _whole(response)
    for name, value in SECURITY_HEADERS.items():
        response.headers[name] = value
    if own := vars(response).get(POLICY_OF_PAGE):
        response.headers["Content-Security-Policy"] = own
    if not static:
        _keep_out_of_caches(response.headers)
    return response


def _whole(response: StreamingHttpResponse) -> HttpResponse:
    """A static file in one piece: WhiteNoise gives a synchronous iterator, which Django warns of, and leaks, under ASGI."""
    whole = HttpResponse(b"".join(response), status=response.status_code, headers=response.headers)
    response.close()
    return whole


def _keep_out_of_caches(headers: Any) -> None:
    """Pages are confidential: nothing of them is stored, by no cache and not in the browser (threat T29)."""
    if headers.get("Content-Type", "").startswith("text/event-stream"):
        return
    if "no-store" not in headers.get("Cache-Control", ""):
        headers["Cache-Control"] = "no-store"


@sync_and_async_middleware
def security_headers(get_response: Answer) -> Answer:
    """Puts the security headers on every answer, also on errors and static files."""
    if iscoroutinefunction(get_response):

        async def stamped_later(request: HttpRequest) -> Any:
            return _stamp(request, await get_response(request))

        return stamped_later

    def stamped(request: HttpRequest) -> Any:
        return _stamp(request, get_response(request))

    return stamped


def _begin(request: HttpRequest) -> None:
    vars(request).update(id=new_reference(), at=timezone.now(), began=time.perf_counter())
    clear_contextvars()
    bind_contextvars(request_id=vars(request)["id"], path=request.path, method=request.method)


def _finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response = signed_out(request, response)
    response.headers["X-Request-ID"] = vars(request)["id"]
    if request.headers.get("HX-Request"):
        patch_vary_headers(response, ["HX-Request"])
    _count(request, response)
    return response


def _count(request: HttpRequest, response: HttpResponseBase) -> None:
    """For the monitor: by the name of the address, so that no identifier of a record becomes a series."""
    view = (request.resolver_match.view_name if request.resolver_match else "") or UNKNOWN
    seconds = time.perf_counter() - vars(request)["began"]
    REQUESTS.note(view=view, method=request.method or "", status=response.status_code, seconds=seconds)
    if request.method not in READING and 400 <= response.status_code < 500:
        _tell_of_refusal(request, view=view, status=response.status_code)


def _tell_of_refusal(request: HttpRequest, *, view: str, status: int) -> None:
    """What was sent and not taken is a line of the log: by whom, where that is known anyway, and nothing of what it said."""
    person = vars(request).get("_cached_user")
    log.info("sent.refused", view=view, status=status, user=getattr(person, "pk", None))


@sync_and_async_middleware
def request_context(get_response: Answer) -> Answer:
    """Gives each request its time and its reference number, and turns refusals into answers."""

    async def framed_later(request: HttpRequest) -> Any:
        _begin(request)
        return _finish(request, await get_response(request))

    def framed(request: HttpRequest) -> Any:
        _begin(request)
        return _finish(request, get_response(request))

    answer: Answer = framed_later if iscoroutinefunction(get_response) else framed
    vars(answer).update(process_exception=_process_exception)
    return answer


def _process_exception(request: HttpRequest, problem: Exception) -> HttpResponse | None:
    """Django's hook: None lets the ordinary handlers answer."""
    return answer_for(request, problem)
