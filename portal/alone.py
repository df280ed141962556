"""One at a time over all workers: an advisory lock of PostgreSQL, for work that a broker may give out again while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model

AT_LENGTH = 69621
"""Key of what takes long where the seal is made: verifications, evidence packs, the nightly copy. One of them at a time, so that
together they never take more than one process of the sealer's queue, and the seal goes on in the others."""


@contextmanager
def alone(key: int) -> Iterator[bool]:
    """Whether nobody else is at work under this key. The lock ends with the connection, hence with a worker that dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        first = bool(cursor.fetchone()[0])
        try:
            yield first
        finally:
            if first:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def in_turn(row: Model) -> None:
    """Waits, in a transaction, until no other one decides about this row.

    For rows that never change: nobody may lock them (``SELECT … FOR UPDATE`` asks for the right to edit them).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{row._meta.label} {row.pk}"])
