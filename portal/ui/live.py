"""``/live/``: the stream on which a page hears the doorbells of its topics. Names only.

One PostgreSQL connection per process listens for all streams together, and asks every few seconds whether their sessions
still stand. A waiting stream holds no database connection, nothing of its request (``portal.handler`` lets go of both), and no
more than a few kilobytes.
"""

from collections.abc import AsyncIterator
from random import uniform

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from portal.access.guards import NotAllowed, requires
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.ui.doorbell import UnknownTopic, permission_of
from portal.ui.switchboard import Stream, switchboard

MOST_TOPICS = 8
RETRY = 3000
"""Milliseconds after which a browser calls again."""
KEEP_ALIVE = 25.0
"""Seconds of silence after which a comment is sent, so that no proxy takes the line for dead."""
LONGEST = 600.0
"""Seconds that a stream lasts at most. At the next call all rules of access are asked again, and the page asks for everything
once: what a bell did not tell, because its process died, is there then."""


@requires(P.OWN_ACCOUNT)
@require_GET
def live(request: HttpRequest) -> HttpResponseBase:
    """The stream for ``?topics=change-1042,inbox``. 400 for a topic that is none, 403 when the person may hear none of them."""
    user = request.user
    if not isinstance(user, User):
        raise BadRequest("a stream belongs to a person")
    stream = Stream(
        topics=_topics_of(user, request.GET.get("topics", "")),
        session=request.session.session_key or "",
        person=user.pk,
        stamp=user.get_session_auth_hash(),
    )
    if switchboard.is_full(stream):
        return HttpResponse("Too many open pages.\n", status=429, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(_listen(stream), content_type="text/event-stream")
    # Identity, or the compressing middleware would hold back each line; the last header tells nginx the same.
    response.headers["Content-Encoding"] = "identity"
    response.headers["Cache-Control"] = "no-cache, no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _topics_of(user: User, asked: str) -> frozenset[str]:
    """The topics asked for that this person may hear."""
    names = frozenset(filter(None, asked[:1000].split(",")))
    if not names or len(names) > MOST_TOPICS:
        raise BadRequest(f"between 1 and {MOST_TOPICS} topics")
    try:
        needed = {name: permission_of(name) for name in names}
    except UnknownTopic as problem:
        raise BadRequest(str(problem)) from problem
    heard = frozenset(name for name, permission in needed.items() if may(user, permission))
    if not heard:
        raise NotAllowed(next(iter(needed.values())))
    return heard


async def _listen(stream: Stream) -> AsyncIterator[bytes]:
    """The lines of one stream, until the browser leaves, the session ends or the time is up."""
    switchboard.join(stream)
    try:
        yield f"retry: {RETRY}\n\n".encode()
        async for line in _lines(stream):
            yield line
    finally:
        switchboard.leave(stream)


async def _lines(stream: Stream) -> AsyncIterator[bytes]:
    silences = int(LONGEST * uniform(0.8, 1.2) / KEEP_ALIVE)  # noqa: S311  # spreads the calls of many pages, no secret
    while silences:
        topics = await stream.heard(KEEP_ALIVE)
        if stream.ended:
            yield b"event: ended\ndata: ended\n\n"
            return
        if not topics:
            silences -= 1
            yield b": keep-alive\n\n"
        for topic in topics:
            yield f"event: {topic}\ndata: {topic}\n\n".encode()
