"""What part of the records this request may show. Auditors see their engagement's scope, everybody else sees all.

The auditors' wall sets it (``audits.engagements.middleware``); querysets of other features ask it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest


@dataclass(frozen=True)
class Scope:
    """What may be shown; None means all, or without limit. The window is half open, [from, to).

    ``repositories`` are names, ``systems`` are ``git``, ``fly``, ``slack``, ``doppler``, ``cloudflare`` and ``portal``,
    ``criteria`` are ids of the AICPA.
    """

    repositories: frozenset[str] | None = None
    window_from: datetime | None = None
    window_to: datetime | None = None
    systems: frozenset[str] | None = None
    criteria: frozenset[str] | None = None

    def covers(self, *, repository: str) -> bool:
        """Whether records of this repository may be shown."""
        return self.repositories is None or repository in self.repositories

    def covers_system(self, *, system: str) -> bool:
        """Whether records of this system may be shown."""
        return self.systems is None or system in self.systems

    def covers_criteria(self, *, criteria: Collection[str]) -> bool:
        """Whether something that serves these criteria may be shown: one of them is enough."""
        return self.criteria is None or bool(self.criteria & set(criteria))


EVERYTHING = Scope()


def scope_for(request: HttpRequest) -> Scope:
    """The scope of this request."""
    scope = getattr(request, "scope_of_records", EVERYTHING)
    return scope if isinstance(scope, Scope) else EVERYTHING


def narrow(request: HttpRequest, scope: Scope) -> None:
    """Limit this request to a scope."""
    vars(request)["scope_of_records"] = scope


def for_auditor(request: HttpRequest) -> bool:
    """Whether this page is for an auditor's eyes: an auditor's own, or those of somebody who previews what they see.

    Which engagement lets them in is known to ``audits`` (``engagements.queries.engagement_in``).
    """
    return vars(request).get("auditor") is not None
