"""What makes a year quicker to tell: commits do not wait for the disk, since its steps can be taken again, and rubbish is looked
for seldom, since one process makes some millions of short-lived objects.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

SELDOM = (300_000, 20, 10)
"""Objects between two looks at the youngest, and how many looks between those at the older ones."""


@contextmanager
def hurried() -> Iterator[None]:
    """Within, a commit is on disk some moments after it, and rubbish is looked for every some thousand queries."""
    _wait_for_disk("off")
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        _wait_for_disk("on")


@contextmanager
def durable() -> Iterator[None]:
    """The other way round for some statements: what is committed here is on disk, and so is all that was before it."""
    _wait_for_disk("on")
    try:
        yield
    finally:
        _wait_for_disk("off")


def _wait_for_disk(word: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('synchronous_commit', %s, false)", [word])
