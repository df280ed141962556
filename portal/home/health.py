"""Health in words, public: whether the portal works, never why in detail."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import Error, connection

log = structlog.get_logger("portal.health")

Passes = Callable[[], bool]
_checks: dict[str, tuple[Passes, bool]] = {}
_words: dict[str, tuple[str, str]] = {}
USUAL = ("works", "does not answer")


@dataclass(frozen=True)
class Result:
    """What one check found. Without something ``needed`` the portal cannot answer people; the rest works behind it."""

    name: str
    passed: bool
    needed: bool

    @property
    def words(self) -> str:
        """As anybody may read it."""
        works, fails = _words.get(self.name, USUAL)
        return f"{self.name} {works if self.passed else fails}"


def check(name: str, *, needed: bool = True, works: str = USUAL[0], fails: str = USUAL[1]) -> Callable[[Passes], Passes]:
    """Register a check under a name in the singular that anybody may read, such as "Worker". It returns whether all is well.

    ``works`` and ``fails`` follow the name in the sentence that people read.
    """

    def register(function: Passes) -> Passes:
        _checks[name] = (function, needed)
        _words[name] = (works, fails)
        return function

    return register


@check("Database")
def database_answers() -> bool:
    """Whether the database answers a question."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def report() -> list[Result]:
    """Each check and whether it passed. A check that raises has failed, and the log says why."""
    return [Result(name, _passes(name, function), needed) for name, (function, needed) in _checks.items()]


def is_ready(results: list[Result]) -> bool:
    """Whether everything passed without which people get no answer."""
    return all(result.passed for result in results if result.needed)


def _passes(name: str, function: Passes) -> bool:
    try:
        return function()
    except (Error, OSError) as problem:
        log.warning("health.failed", check=name, problem=str(problem))
        return False
