"""The door on the lean path (``portal.ui.lean``): what ``views.hook`` does, without Django around it.

The event loop verifies; a thread of its own writes (``tray``). Only what is rare takes another thread: a source that this process
has not read lately, a signature that it does not know, an id that is known, a large body.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from django.db import connection

from changes.connectors.door import AWAY, PATIENCE, Arrived, answer_to, check, examine, remembered
from changes.connectors.storing import ACCEPTED, NOT_STORED, known
from changes.connectors.tray import TRAY
from portal.ui.lean import Asked, Said

AT_ONCE = 256 * 1024
"""Bytes that are verified in the event loop; digests of more would hold up everybody."""
T = TypeVar("T")
_threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="door")


async def take_in(asked: Asked) -> Said:
    """Take one delivery. 202 stored (200 where the vendor wants an answer of its own), 400/401/404 refused, 503 the database is
    away: send it again.
    """
    try:
        arrived = await _arrive(asked.path.split("/")[2], asked.body, asked.headers)
    except NOT_STORED:
        return Said(AWAY.status, AWAY.body, AWAY.content_type, PATIENCE)
    return Said(arrived.status, arrived.body, arrived.content_type)


async def _arrive(name: str, body: bytes, headers: Mapping[str, str]) -> Arrived:
    door = remembered(name)
    found = examine(door, body, headers) if door and len(body) <= AT_ONCE else None
    if found is None:
        found = await _aside(partial(check, name=name, body=body, headers=headers))
    if isinstance(found, Arrived):
        return found
    word = ACCEPTED if await TRAY.put(found) else await _aside(partial(known, found))
    return answer_to(found, word)


async def _aside(act: Callable[[], T]) -> T:
    """Do it in a thread, and give its connection back."""

    def done() -> T:
        try:
            return act()
        finally:
            connection.close()

    return await asyncio.get_running_loop().run_in_executor(_threads, copy_context().run, done)
