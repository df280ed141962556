"""Where auditors begin."""

from django.http import HttpRequest
from django.urls import reverse

from audits.engagements.queries import engagement_in
from portal.home import start


@start.chooser
def room_of(request: HttpRequest) -> str | None:
    """The address of the room in which an auditor works; None for everybody else."""
    engagement = engagement_in(request)
    return reverse("audit", args=[engagement.pk]) if engagement else None
