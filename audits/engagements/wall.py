"""The wall round an auditor's request: PostgreSQL reads for it, and writes nothing.

Four things hold at once: the transaction is read only and has begun (so the mode cannot be flipped back), it runs under the
role ``countersign_auditor``, which has nothing but SELECT, statements that are not reads are not even sent, and whatever
happens is rolled back. Role and mode are set for the session *within* the transaction: the roll-back takes them back, and a
COMMIT smuggled in from a view makes them stay, so that what follows it is refused as well.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connection, transaction

from portal.secret import secrets_hidden

ROLE = "countersign_auditor"
READS = re.compile(r"\s*(?:SELECT|WITH|SHOW|SAVEPOINT|RELEASE|ROLLBACK TO|DECLARE|FETCH|CLOSE)\b", re.IGNORECASE)
LONGEST = "15s"
_roles_seen: set[str] = set()


class NotARead(DatabaseError):
    """A page of an auditor tried to send something else than a read."""


@contextmanager
def read_only() -> Iterator[None]:
    """Everything inside reads, sees one state of the database as of its statements, and leaves nothing behind."""
    role = f"SET ROLE {ROLE};" if _role_exists() else ""
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


def _take_down() -> None:
    """Back to the session's own role, also where a view had committed. A connection that cannot go back is closed."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE; RESET default_transaction_read_only")
    except DatabaseError:
        connection.close()


def _role_exists() -> bool:
    """Whether the auditors' role is there and ours to take. Remembered once it is: roles are not dropped while we run."""
    if ROLE not in _roles_seen:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND pg_has_role(oid, 'MEMBER')", [ROLE])
            if cursor.fetchone():
                _roles_seen.add(ROLE)
    return ROLE in _roles_seen


def _only_reads(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Let one read through. Our pages send nothing else; PostgreSQL refuses the rest once more."""
    text = sql if isinstance(sql, str) else str(sql.as_string(None))
    if not READS.match(text) or ";" in text.rstrip().rstrip(";"):
        raise NotARead("An auditor's page may only read.")
    return execute(sql, params, many, context)
