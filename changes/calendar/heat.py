"""How many releases reached production on each day, and how many of those carried an emergency."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import TruncDate

from changes.calendar.providers import happened
from changes.delivery.models import Environment
from changes.proposals.models import Category, LinkedPullRequest
from portal.access.scope import Scope
from portal.ui.components.heat import HeatDay

WEEKS = 26


def first_monday(today: date) -> date:
    """The Monday with which a map of 26 weeks begins that ends in this week."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def releases_by_day(*, since: datetime, zone: ZoneInfo, scope: Scope, repository: str = "") -> dict[date, HeatDay]:
    """Releases to production from ``since`` on, by the days of ``zone``. One query."""
    emergency = LinkedPullRequest.objects.filter(
        change__category=Category.EMERGENCY,
        pull_request__repository=OuterRef("repository"),
        pull_request__merge_sha=OuterRef("commit_sha"),
    )
    rows = happened().filter(environment=Environment.PRODUCTION, created_at__gte=since)
    if repository:
        rows = rows.filter(repository__name=repository)
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    if scope.window_from is not None:
        rows = rows.filter(created_at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(created_at__lt=scope.window_to)
    counted = (
        rows.annotate(day=TruncDate("created_at", tzinfo=zone), urgent=~Q(commit_sha="") & Q(Exists(emergency)))
        .order_by()
        .values("day")
        .annotate(number=Count("id"), emergencies=Count("id", filter=Q(urgent=True)))
    )
    return {row["day"]: HeatDay(row["number"], row["emergencies"]) for row in counted}
