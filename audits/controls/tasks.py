"""Celery tasks of the controls. A year of a large company takes long, and the broker may give the task out again meanwhile."""

from celery import shared_task
from django.utils import timezone

from audits.controls.daily import run_daily, run_for_engagements
from portal.alone import alone

RUNNING = 69623
"""Key of the advisory lock under which the portal runs controls by itself: one worker at a time."""
LONGEST = 3600
"""Seconds after which a run is given up."""


@shared_task(name="audits.controls.tasks.run_controls_daily", time_limit=LONGEST)
def run_controls_daily() -> None:
    """Run every control over the last 90 days and over each week that is over; sent once a day."""
    with alone(RUNNING) as first:
        if first:
            run_daily(at=timezone.now())


@shared_task(name="audits.controls.tasks.run_controls_for_engagements", time_limit=LONGEST)
def run_controls_for_engagements() -> None:
    """Run every control for each open engagement once a day; sent every minute, so that a new one has its run soon."""
    with alone(RUNNING) as first:
        if first:
            run_for_engagements(at=timezone.now())
