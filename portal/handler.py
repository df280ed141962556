"""Django behind ASGI, with every middleware and view of a request in one thread of a few that stay.

Django's own handler starts a thread for each request and crosses between it and the event loop a dozen times: for the chain of
middlewares, for each hook of theirs before a view, for the view, for signals. All of our pages are synchronous, so here a
request goes to a thread once and comes back as its finished answer (docs/adr/0019-threads-that-stay.md).

A live stream keeps nothing of its request: not the request, not the person, no thread, no connection to the database.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from asgiref.sync import SyncToAsync, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.db import connections
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

THREADS = 40
"""More than the pool of the database has connections, so that what needs none is answered while others wait for one."""
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Pages(ASGIHandler):
    """The application for pages, the API and live streams."""

    def __init__(self, *, threads: int = THREADS) -> None:
        # Not the parent's own: it would build the chain of middlewares for the event loop.
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. What surrounds it in the parent stays: only HTTP, and a thread of its own for pieces of a stream that are
        read synchronously."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        response = await self._aside(self._answer, scope, body)
        if isinstance(response, StreamingHttpResponse):
            await self._stream(response, receive, send)
        else:
            await self.send_response(response, send)

    async def _aside(self, act: Any, *arguments: Any) -> Any:
        """In one of the threads, with the context of this request."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, act, *arguments)

    def _answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """From the request to the answer, and the connection to the database given back."""
        signals.request_started.send(sender=type(self), scope=scope)
        request, refused = self.create_request(scope, body)
        response = self.get_response(request) if request is not None else refused
        assert response is not None  # Django gives one of the two
        vars(response).update(_handler_class=type(self))
        if request is not None and isinstance(response, StreamingHttpResponse):
            _let_go(response, request)
            signals.request_finished.send(sender=type(self))
        else:
            response.close()
        body.close()
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Receive, send: Send) -> None:
        """Send it piece by piece, until its end or until the reader leaves."""
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(leaving)
            await _ended(sending)
            await _give_back()
            await self._aside(response.close)
        if not sending.cancelled():
            sending.result()


def _let_go(response: StreamingHttpResponse, request: ASGIRequest) -> None:
    """What the answer keeps of its request goes now: a live stream lasts ten minutes, and there are hundreds."""
    vars(response)["_resource_closers"].remove(request.close)
    request.close()


async def _left(receive: Receive) -> None:
    """Until the reader hangs up. Nothing else can come any more: the body of the request has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _give_back() -> None:
    """Connections to the database go back from the thread in which the pieces of this stream were read, if there is one."""
    if SyncToAsync.thread_sensitive_context.get(None) in SyncToAsync.context_to_thread_executor:
        await sync_to_async(connections.close_all)()


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait((task,))
