"""The wall round an auditor's request: PostgreSQL reads for it, and writes nothing. It stands on a replica as on the first server.

Four things hold at once: the transaction is read only and has begun (so the mode cannot be flipped back), it runs under the
role ``countersign_auditor``, which has nothing but SELECT, statements that are not reads are not even sent, and whatever
happens is rolled back. Role and mode are set for the session *within* the transaction: the roll-back takes them back, and a
COMMIT smuggled in from a view makes them stay, so that what follows it is refused as well.

The few things that auditors add (``door.WRITABLE``) are done in a transaction of their own under the role
``countersign_auditor_writer``, which may insert into the tables of an audit and append to the ledger, and nothing else.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection, transaction
from django.http import StreamingHttpResponse

from portal.replica import reading
from portal.secret import secrets_hidden

ROLE = "countersign_auditor"
WRITER = "countersign_auditor_writer"
READS = re.compile(r"\s*\(*(?:SELECT|WITH|SHOW|SAVEPOINT|RELEASE|ROLLBACK TO|DECLARE|FETCH|CLOSE)\b", re.IGNORECASE)
ADDS = re.compile(READS.pattern.replace("SELECT|", "SELECT|INSERT|", 1), re.IGNORECASE)
LONGEST, LONGEST_TO_ADD = "15s", "60s"
_roles_seen: set[str] = set()


class NotARead(DatabaseError):
    """A page of an auditor tried to send something else than a read."""


class NoWriter(DatabaseError):
    """The narrow role is not there or was left, so nothing that an auditor sends is kept."""


@contextmanager
def read_only() -> Iterator[None]:
    """Everything inside reads, sees one state of the database as of its statements, and leaves nothing behind."""
    role = f"SET ROLE {ROLE};" if _role_exists(ROLE) else ""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SET TRANSACTION READ ONLY; {role} SET default_transaction_read_only = on;"
                    f" SET LOCAL statement_timeout = '{LONGEST}'; SELECT 1"
                )
            with connection.execute_wrapper(_only_reads), secrets_hidden():
                yield
            transaction.set_rollback(True)
    finally:
        _take_down()


@contextmanager
def adding() -> Iterator[None]:
    """Everything inside may insert where auditors add something, and is kept as a whole. Raises ``NoWriter``.

    Without the role nothing is done at all: there would be no wall. ``transaction.set_rollback`` inside takes it back.
    """
    if not _role_exists(WRITER):
        raise NoWriter(f"The database has no role {WRITER}.")
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {WRITER}; SET LOCAL statement_timeout = '{LONGEST_TO_ADD}'")
            with connection.execute_wrapper(_only_additions), secrets_hidden():
                yield
            if not connection.needs_rollback:
                _still_the_writer()
    finally:
        _take_down()


def _still_the_writer() -> None:
    """A view that got out of the role may have written anywhere: then the whole of it is taken back."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            still = cursor.fetchone() == (WRITER,)
    except DatabaseError as problem:
        raise NoWriter("PostgreSQL refused something, and the view went on all the same.") from problem
    if not still:
        raise NoWriter("The role was left meanwhile.")


def _take_down() -> None:
    """Back to the session's own role, also where a view had committed. A connection that cannot go back is closed."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE; RESET default_transaction_read_only")
    except DatabaseError:
        connection.close()


def _role_exists(role: str) -> bool:
    """Whether a role is there and ours to take. Remembered once it is: roles are not dropped while we run."""
    if role not in _roles_seen:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND pg_has_role(oid, 'MEMBER')", [role])
            if cursor.fetchone():
                _roles_seen.add(role)
    return role in _roles_seen


def _only_reads(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Let one read through. Our pages send nothing else; PostgreSQL refuses the rest once more."""
    return _let_through(READS, "An auditor's page may only read.", execute, sql, params, many, context)


def _only_additions(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """The same for a read or an insert. Into which tables, PostgreSQL says."""
    return _let_through(ADDS, "What an auditor sends may only add.", execute, sql, params, many, context)


def _let_through(
    fitting: re.Pattern[str], words: str, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    text = sql if isinstance(sql, str) else str(sql.as_string(None))
    if not fitting.match(text) or ";" in text.rstrip().rstrip(";"):
        raise NotARead(words)
    return execute(sql, params, many, context)


class InPieces(StreamingHttpResponse):
    """A large file, a piece at a time. Each piece is read behind a wall of its own when ``behind_wall`` is set, for the wall
    round the request is gone by then. ``since``: what a replica has to have for it.

    It is read from a thread where the server is asynchronous, so that others are served meanwhile.
    """

    def __init__(self, parts: Sequence[Callable[[], bytes]], **rest: Any) -> None:
        self._parts = parts
        self.behind_wall, self.since = False, 0
        super().__init__((self._read(part) for part in parts), **rest)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield await sync_to_async(self._read)(part)

    def _read(self, part: Callable[[], bytes]) -> bytes:
        if not self.behind_wall:
            return part()
        with reading(since=self.since), read_only():
            return part()
