"""Celery tasks of the roster."""

from celery import shared_task
from django.utils import timezone

from portal.access.roster.leaving import leave_due


@shared_task(name="portal.access.roster.tasks.end_due_access")
def end_due_access() -> None:
    """End the access of people whose last day is over."""
    leave_due(at=timezone.now())
