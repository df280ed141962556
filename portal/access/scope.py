"""What part of the records this request may show. Auditors see their engagement's scope, everybody else sees all.

The auditors' wall sets it (``audits.engagements.middleware``); querysets of other features ask it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest


@dataclass(frozen=True)
class Scope:
    """``repositories`` are names, None means all. The window is half open, [from, to); None means without limit."""

    repositories: frozenset[str] | None = None
    window_from: datetime | None = None
    window_to: datetime | None = None

    def covers(self, *, repository: str) -> bool:
        """Whether records of this repository may be shown."""
        return self.repositories is None or repository in self.repositories


EVERYTHING = Scope()


def scope_for(request: HttpRequest) -> Scope:
    """The scope of this request."""
    scope = getattr(request, "scope_of_records", EVERYTHING)
    return scope if isinstance(scope, Scope) else EVERYTHING


def narrow(request: HttpRequest, scope: Scope) -> None:
    """Limit this request to a scope."""
    vars(request)["scope_of_records"] = scope
