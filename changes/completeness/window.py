"""What is asked about: a window and the scope."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changes.connectors.in_scope import SYSTEMS
from changes.delivery.models import Release
from portal.access.scope import Scope


@dataclass(frozen=True)
class Window:
    """[since, until), until no later than ``at``."""

    since: datetime
    until: datetime
    at: datetime
    scope: Scope

    @property
    def repositories(self) -> tuple[str, ...] | None:
        """Names, in order; None means all."""
        return None if self.scope.repositories is None else tuple(sorted(self.scope.repositories))

    def covers(self, systems: Iterable[str]) -> bool:
        """Whether one of these systems is in scope."""
        return any(self.scope.covers_system(system=system) for system in systems)

    @property
    def values(self) -> dict[str, Any]:
        """The values that every statement takes."""
        return {
            "since": self.since,
            "until": self.until,
            "at": self.at,
            "repositories": None if self.repositories is None else list(self.repositories),
            "releases": self._releases,
        }

    @property
    def _releases(self) -> list[str] | None:
        """Whose releases may be shown beside their messages; None means all, as where the messages themselves are in scope."""
        if self.covers(["slack"]):
            return None
        return [kind for kind in Release.Source.values if self.covers([SYSTEMS.get(kind, kind)])]


def window_of(*, since: datetime, until: datetime, scope: Scope, at: datetime) -> Window:
    """The window inside of a scope: a reader who may see less is shown less."""
    begin = max(since, scope.window_from) if scope.window_from else since
    end = min(filter(None, (until, scope.window_to, at)))
    return Window(min(begin, end), end, at, scope)
