"""Django behind ASGI: one thread for a request, and nothing of it left while a stream stands."""

import asyncio
import gc
import threading
import weakref

import pytest
from asgiref.sync import sync_to_async
from django.core.signals import request_finished, request_started
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from portal.handler import Pages
from tests.lean import aside

SEEN = {}


def note(request):
    SEEN["view"] = threading.current_thread()
    return HttpResponse(request.method + request.GET.get("q", ""))


def tick(request):
    SEEN["request"] = weakref.ref(request)
    return StreamingHttpResponse(ticking())


async def ticking():
    try:
        yield b"one"
        SEEN["standing"] = True
        await asyncio.sleep(60)
    finally:
        SEEN["closed"] = True


def three(request):
    return StreamingHttpResponse(parts())


async def parts():
    for part in (b"a", b"b"):
        yield await sync_to_async(bytes)(part)


def read(request):
    return StreamingHttpResponse(reading())


async def reading():
    for _ in range(2):
        yield await sync_to_async(ask_database)()


def ask_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 7")
        SEEN.setdefault("lines", set()).add(connection.connection)
        return str(cursor.fetchone()[0]).encode()


def spoilt(request):
    return StreamingHttpResponse(spoiling())


async def spoiling():
    yield b"one"
    raise ArithmeticError("in the middle")


def broken(request):
    raise ArithmeticError("in the view")


urlpatterns = [path(f"{view.__name__}/", view) for view in (note, tick, three, read, spoilt, broken)]


@pytest.fixture
def pages(settings):
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    SEEN.clear()
    return Pages(threads=2)


def ask(pages, address, *, leaves=None, query=b"", method="GET", kind="http"):
    """What was sent. ``leaves`` is awaited before the reader hangs up; without it the reader stays."""
    return aside(_ask(pages, address, leaves, query, method, kind))


async def _ask(pages, address, leaves, query, method, kind):
    sent, asked = [], []

    async def receive():
        if not asked:
            asked.append(1)
            return {"type": "http.request", "body": b""}
        await (leaves(sent) if leaves else asyncio.sleep(60))
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "method": method, "path": address, "query_string": query, "headers": [(b"host", b"testserver")]}
    await asyncio.wait_for(pages(scope, receive, send), 10)
    return sent


def body_of(sent):
    return b"".join(message.get("body", b"") for message in sent)


def test_a_request_stays_in_one_thread_that_is_used_again(pages):
    threads = []

    def hear(**given):
        threads.append(threading.current_thread())

    for signal in (request_started, request_finished):
        signal.connect(hear)
    try:
        answers = [ask(pages, "/note/", query=b"q=1") for _ in range(3)]
    finally:
        for signal in (request_started, request_finished):
            signal.disconnect(hear)

    assert [body_of(sent) for sent in answers] == [b"GET1"] * 3
    assert answers[0][0]["status"] == 200
    assert len(threads) == 6
    assert set(threads) == {SEEN["view"]}
    assert SEEN["view"].name.startswith("page")


def test_a_stream_keeps_nothing_of_its_request_and_ends_when_the_reader_leaves(pages):
    finished = []

    async def until_it_stands(sent):
        while "standing" not in SEEN:
            await asyncio.sleep(0.01)
        gc.collect()
        SEEN["left of it"] = SEEN["request"]()
        SEEN["finished"] = len(finished)

    def hear(**given):
        finished.append(1)

    request_finished.connect(hear)
    try:
        sent = ask(pages, "/tick/", leaves=until_it_stands)
    finally:
        request_finished.disconnect(hear)

    assert body_of(sent) == b"one"
    assert SEEN["left of it"] is None
    assert SEEN["finished"] == 1, "the connection to the database goes back before the stream begins"
    assert SEEN["closed"]


def test_a_stream_that_ends_by_itself_is_whole(pages):
    sent = ask(pages, "/three/")

    assert body_of(sent) == b"ab"
    assert not sent[-1].get("more_body")


@pytest.mark.django_db(transaction=True)
def test_the_thread_that_reads_the_pieces_of_a_file_gives_its_connection_back(pages):
    assert body_of(ask(pages, "/read/")) == b"77"
    [line] = SEEN["lines"]
    assert line.closed


def test_what_breaks_in_a_stream_is_told_to_the_server_and_what_breaks_in_a_view_is_answered(pages):
    with pytest.raises(ArithmeticError):
        ask(pages, "/spoilt/")
    assert ask(pages, "/broken/")[0]["status"] == 500
    assert ask(pages, "/note/")[0]["status"] == 200


def test_what_cannot_be_a_request_is_refused(pages):
    async def at_once(sent):
        return None

    async def gone():
        sent = []

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await pages({"type": "http", "method": "GET", "path": "/note/", "headers": []}, receive, send)
        return sent

    with pytest.raises(ValueError, match="not websocket"):
        ask(pages, "/note/", kind="websocket")
    assert aside(gone()) == []
