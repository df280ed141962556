"""Health in words, public: whether the portal works, never why in detail."""

from collections.abc import Callable

import structlog
from django.db import Error, connection

log = structlog.get_logger("portal.health")

Check = Callable[[], bool]
_checks: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under a name that anybody may read, such as "Workers". It returns whether all is well."""

    def register(function: Check) -> Check:
        _checks[name] = function
        return function

    return register


@check("Database")
def database_answers() -> bool:
    """Whether the database answers a question."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def report() -> dict[str, bool]:
    """Each check and whether it passed. A check that raises has failed, and the log says why."""
    return {name: _passes(name, function) for name, function in _checks.items()}


def _passes(name: str, function: Check) -> bool:
    try:
        return function()
    except (Error, OSError) as problem:
        log.warning("health.failed", check=name, problem=str(problem))
        return False
