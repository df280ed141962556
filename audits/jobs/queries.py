"""What is asked of jobs."""

from django.db.models import QuerySet

from audits.engagements.models import Engagement
from audits.jobs.models import Job
from portal.access.models import User


def jobs_of(person: User) -> QuerySet[Job]:
    """What somebody asked for, newest first."""
    return Job.objects.filter(asked_by=person).select_related("engagement", "cancel").order_by("-pk")


def under_way(*, kind: str, engagement: Engagement | None = None) -> QuerySet[Job]:
    """Jobs of one kind that have not ended and are still wanted, newest first; of an engagement, or of the company."""
    rows = Job.objects.filter(kind=kind, engagement=engagement, state=Job.State.WAITING, cancel=None)
    return rows.select_related("asked_by").order_by("-pk")
