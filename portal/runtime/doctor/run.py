"""Runs the checks, whatever happens in one of them."""

from collections.abc import Callable, Iterator, Sequence

from django.db import DatabaseError

from portal.runtime.doctor import copies, database, front, lines, mail, replica, surroundings, versions
from portal.runtime.doctor.finding import Finding, bad

Check = Callable[[], Iterator[Finding]]

CHECKS: Sequence[Check] = (
    database.version,
    versions.postgres,
    database.durability,
    database.rights,
    database.schema,
    database.clock,
    database.schedule,
    replica.replica,
    lines.databases,
    lines.broker,
    copies.copies,
    surroundings.broker,
    versions.broker,
    versions.python,
    versions.packages,
    surroundings.keys,
    surroundings.signing_key,
    surroundings.programs,
    surroundings.disk,
    surroundings.passwords,
    surroundings.exposure,
    front.front,
    mail.mail,
)
_joined: list[Check] = []


def join(check: Check) -> Check:
    """Let an app above bring a check of its own; used as a decorator."""
    if check not in _joined:
        _joined.append(check)
    return check


def examine(*, checks: Sequence[Check] | None = None) -> Iterator[Finding]:
    """All findings, in order. A database that does not answer is a finding too."""
    for check in (*CHECKS, *_joined) if checks is None else checks:
        try:
            yield from list(check())
        except DatabaseError as problem:
            yield bad(
                f"{check.__name__} could not be looked at: {str(problem).strip()}",
                mend="Is the database running? ./bin/up starts it.",
            )
