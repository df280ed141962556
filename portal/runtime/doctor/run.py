"""Runs the checks, whatever happens in one of them."""

from collections.abc import Callable, Iterator, Sequence

from django.db import DatabaseError

from portal.runtime.doctor import database, surroundings
from portal.runtime.doctor.finding import Finding, bad

Check = Callable[[], Iterator[Finding]]

CHECKS: Sequence[Check] = (
    database.version,
    database.durability,
    database.rights,
    database.schema,
    database.clock,
    database.schedule,
    surroundings.broker,
    surroundings.keys,
    surroundings.signing_key,
    surroundings.programs,
    surroundings.disk,
    surroundings.exposure,
    surroundings.mail,
)


def examine(*, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """All findings, in order. A database that does not answer is a finding too."""
    for check in checks:
        try:
            yield from list(check())
        except DatabaseError as problem:
            yield bad(
                f"{check.__name__} could not be looked at: {str(problem).strip()}",
                mend="Is the database running? ./bin/up starts it.",
            )
