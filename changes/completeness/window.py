"""What is asked about: a window and the repositories in scope."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.access.scope import Scope


@dataclass(frozen=True)
class Window:
    """[since, until), until no later than ``at``. ``repositories`` are names, None means all."""

    since: datetime
    until: datetime
    at: datetime
    repositories: tuple[str, ...] | None

    @property
    def values(self) -> dict[str, Any]:
        """The values that every statement takes."""
        return {
            "since": self.since,
            "until": self.until,
            "at": self.at,
            "repositories": None if self.repositories is None else list(self.repositories),
        }


def window_of(*, since: datetime, until: datetime, scope: Scope, at: datetime) -> Window:
    """The window inside of a scope: a reader who may see less is shown less."""
    begin = max(since, scope.window_from) if scope.window_from else since
    end = min(filter(None, (until, scope.window_to, at)))
    names = None if scope.repositories is None else tuple(sorted(scope.repositories))
    return Window(min(begin, end), end, at, names)
