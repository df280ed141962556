"""What the pages of completeness are asked for: a window of whole days (UTC) and one repository, inside the reader's scope."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest

from changes.completeness.window import Window, window_of
from portal.access.scope import Scope, scope_for
from portal.policy.clocks import day_of, end_of, start_of
from portal.ui.clock import time_of

DAYS = 90
"""How long the window is that nobody has chosen."""


@dataclass(frozen=True)
class Asked:
    """The days, both included, the repository (empty: all), the scope that this leaves, and when it was asked."""

    first: date
    last: date
    repository: str
    scope: Scope
    at: datetime

    @property
    def since(self) -> datetime:
        return start_of(self.first)

    @property
    def until(self) -> datetime:
        return end_of(self.last)

    @property
    def window(self) -> Window:
        return window_of(since=self.since, until=self.until, scope=self.scope, at=self.at)

    @property
    def query(self) -> str:
        """The same as a part of an address."""
        kept = {"from": self.first.isoformat(), "to": self.last.isoformat(), "repository": self.repository}
        return urlencode({name: value for name, value in kept.items() if value})


def asked_of(request: HttpRequest) -> Asked:
    """What the address says; else the last ninety days, or an auditor's whole window."""
    at, scope = time_of(request), scope_for(request)
    last = day_of(request.GET.get("to", "")) or _last_day(scope, at)
    first = day_of(request.GET.get("from", "")) or (
        scope.window_from.astimezone(UTC).date() if scope.window_from else last - timedelta(days=DAYS)
    )
    repository = request.GET.get("repository", "")
    if repository and scope.covers(repository=repository):
        scope = replace(scope, repositories=frozenset({repository}))
    else:
        repository = ""
    return Asked(min(first, last), last, repository, scope, at)


def _last_day(scope: Scope, at: datetime) -> date:
    end = min(at, scope.window_to - timedelta(microseconds=1)) if scope.window_to else at
    return end.astimezone(UTC).date()
