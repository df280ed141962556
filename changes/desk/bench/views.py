"""The bare views that a workload is compared with. They pass through every middleware of the product, as pages do; the last one
stands on the lean path, as the door does.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.views.decorators.csrf import csrf_exempt

from changes.proposals.models import Change
from portal.access.guards import public, requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.lean import Asked, Said

PLAIN = "bench_plain"
INSERT = f"INSERT INTO {PLAIN} (at, size) VALUES (now(), %s)"  # noqa: S608  # our own table
_threads = ThreadPoolExecutor(max_workers=8)


@requires(P.OWN_ACCOUNT)
def signed_in(request: HttpRequest) -> HttpResponse:
    """A page of one line for somebody who is signed in: session and person are read, nothing is drawn."""
    return HttpResponse(f"<!doctype html><title>Bare</title><p>{escape(person_of(request).name)}")


@requires(P.OWN_ACCOUNT)
def one_select(request: HttpRequest) -> HttpResponse:
    """The same, and one change by its number."""
    change = Change.objects.get(number=int(request.GET["number"]))
    return HttpResponse(f"<!doctype html><title>Bare</title><p>{escape(change.title)}")


def _write(size: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [size])


@csrf_exempt
def _insert(request: HttpRequest) -> HttpResponse:
    _write(len(request.body))
    return HttpResponse(status=202)


one_insert = public(_insert, reason="the benchmark compares the door of deliveries with one insert and nothing else")


async def lean_insert(asked: Asked) -> Said:
    """The same insert beside the middlewares, in a thread that keeps its connection: one commit a request."""
    await asyncio.get_running_loop().run_in_executor(_threads, _write, len(asked.body))
    return Said(202, b"{}")
