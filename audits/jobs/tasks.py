"""Celery tasks of jobs. One worker is at them at a time: the others are for what people wait for in a second."""

from celery import shared_task
from django.utils import timezone

from audits.jobs.working import work_on_jobs
from portal.alone import alone

WORKING = 69624
"""Key of the advisory lock under which jobs are done."""


@shared_task(name="audits.jobs.tasks.do_jobs", time_limit=3600)
def do_jobs() -> None:
    """Do what waits; sent at once when somebody asks, and every five seconds."""
    with alone(WORKING) as first:
        if first:
            work_on_jobs(now=timezone.now)
