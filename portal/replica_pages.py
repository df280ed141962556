"""The replica in requests: whoever sent something reads the first server until the replica has it; readers are told as of when."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from portal import replica
from portal.numbers import number_in
from portal.replica import Copy

Answer = Callable[[HttpRequest], HttpResponseBase]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that write nothing."""
COOKIE = "__Host-written" if settings.HTTPS else "written"
REMEMBERED = 120
"""Seconds. A replica that is further behind is not used at all (``REPLICA_BEHIND``)."""
LONGEST = 20
HEADER = "Read-As-Of"


def remember_writing(get_response: Answer) -> Answer:
    """The middleware: the browser keeps the place of the log where what it sent surely stands. No secret, and no use."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method not in SAFE and replica.offered():
            place = str(replica.place_now())
            response.set_cookie(COOKIE, place, max_age=REMEMBERED, secure=settings.HTTPS, httponly=True, samesite="Lax")
        return response

    return middleware


def written_in(request: HttpRequest) -> int:
    """The place of the log that this browser's own writing needs; 0 when it sent nothing lately."""
    said = request.COOKIES.get(COOKIE, "")
    return number_in(said, below=LONGEST, otherwise=0)


def read_from_copy(request: HttpRequest, read: Answer) -> HttpResponseBase:
    """The answer, read from the replica where that is good enough; once more from the first server when the replica fails in it.

    ``read`` only reads, so that doing it twice is doing it once.
    """
    with replica.reading(since=written_in(request)) as copy:
        vars(request)["copy"] = copy
        response = read(request)
    if copy is not None and copy.lost:
        vars(request)["copy"] = None
        return read(request)
    return stamped(response, copy)


def stamped(response: HttpResponseBase, copy: Copy | None) -> HttpResponseBase:
    """Says to programs as of when it was read; to people the page says it."""
    if copy is not None:
        response.headers[HEADER] = http_date(copy.as_of.timestamp())
    return response
