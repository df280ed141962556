"""Running coroutines in a test. In a thread of their own: the browser's driver keeps a loop in the main one."""

from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

T = TypeVar("T")


def run(act: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns or raises; no connection of its threads stays behind."""

    async def act_and_close() -> T:
        try:
            return await act
        finally:
            await sync_to_async(connections.close_all)()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(async_to_sync(act_and_close)).result()
