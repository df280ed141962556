"""Commits that do not wait for the disk while a year is told: its steps can be taken again, if the machine goes down."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def hurried() -> Iterator[None]:
    """Within, a commit is on disk some moments after it."""
    _wait_for_disk("off")
    try:
        yield
    finally:
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
