"""Which weeks the insights are about, and what of them a request may see."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest

from audits.engagements.queries import engagement_in
from portal.access.scope import Scope, scope_for

WEEK = timedelta(days=7)
CHOICES = (13, 26, 52)


@dataclass(frozen=True)
class Period:
    """Whole weeks up to ``until``; an engagement may cut off the first ones. ``before`` is where the same span before begins."""

    since: datetime
    until: datetime
    weeks: int
    scope: Scope

    @property
    def before(self) -> datetime:
        """Beginning of the span of the same length before, to compare with."""
        return self.since - (self.until - self.since)

    @property
    def mondays(self) -> list[datetime]:
        """Where each of its weeks begins, oldest first; they end with the moment of the page, not on Sundays."""
        count = -(-(self.until - self.since) // WEEK)
        return [self.until - back * WEEK for back in range(count, 0, -1)]

    def week_of(self, moment: datetime) -> int:
        """The place of the week of a moment, from 0."""
        return len(self.mondays) - 1 - (self.until - moment - timedelta(microseconds=1)) // WEEK


def period_of(request: HttpRequest, *, at: datetime) -> Period:
    """What the address asks for: 13 weeks, or 26 or 52. An auditor's ends with the engagement's window."""
    asked = request.GET.get("weeks", "")
    weeks = int(asked) if asked in {str(choice) for choice in CHOICES} else CHOICES[0]
    engagement = engagement_in(request)
    until = min(at, engagement.window_to) if engagement else at
    since = until - weeks * WEEK
    if engagement is not None:
        since = max(since, min(engagement.window_from, until - timedelta(days=1)))
    return Period(since, until, weeks, scope_for(request))
