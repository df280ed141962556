"""Celery tasks of the controls."""

from celery import shared_task
from django.utils import timezone

from audits.controls.daily import run_daily, run_for_engagements


@shared_task(name="audits.controls.tasks.run_controls_daily")
def run_controls_daily() -> None:
    """Run every control over the last 90 days and over each week that is over; sent once a day."""
    run_daily(at=timezone.now())


@shared_task(name="audits.controls.tasks.run_controls_for_engagements")
def run_controls_for_engagements() -> None:
    """Run every control for each open engagement once a day; sent every minute, so that a new one has its run soon."""
    run_for_engagements(at=timezone.now())
