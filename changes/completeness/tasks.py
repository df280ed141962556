"""Clocks of completeness."""

from celery import shared_task
from django.utils.timezone import now

from changes.completeness import heartbeat


@shared_task(name="changes.completeness.tasks.watch_jobs")
def watch_jobs() -> int:
    """Find detectors and other jobs that did not run."""
    return heartbeat.watch_jobs(at=now())
