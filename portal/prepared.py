"""Long questions that pages ask again and again, planned once by each connection to the database.

Django's cursor sends every statement with its values written into it, so PostgreSQL plans it anew each time. For the first
question of the page of a change that takes ten times as long as the answer. A prepared statement is planned once; PostgreSQL plans
it again by itself when tables or their statistics change.

A connection keeps what it prepared until it ends: what stands between us and the database has to keep sessions, as for LISTEN.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

_known: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()
"""The names of what each connection has prepared."""


def prepared(name: str, statement: Callable[[], str]) -> str:
    """``EXECUTE`` of the statement, with a place for the one value that takes the place of its ``$1``, a whole number.

    ``statement`` gives the text; it is asked for once a connection. A name stands for one text.
    """
    with connection.cursor() as cursor:
        names = _known.setdefault(connection.connection, set())
        if name not in names:
            cursor.execute(f"PREPARE {name} (bigint) AS {statement()}")
            names.add(name)
    return f"EXECUTE {name}(%s)"
