"""Celery tasks of the controls. A year of a large company takes long, and the broker may give the task out again meanwhile."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from audits.controls.daily import run_daily, run_for_engagements
from audits.controls.queries import ran_daily_since
from portal.alone import alone

RUNNING = 69623
"""Key of the advisory lock under which the portal runs controls by itself: one worker at a time."""
RAN_EVERY = timedelta(hours=23)
"""A daily run that is younger need not be repeated."""
LONGEST = 3600
"""Seconds after which a run is given up."""


@shared_task(name="audits.controls.tasks.run_controls_daily", time_limit=LONGEST)
def run_controls_daily() -> None:
    """Run every control over the last 90 days and over each week that is over, once a day.

    Sent every hour, so that a day on which others were running, or whose worker died, is made up for; and a run that could not
    rely on a source is repeated once that has been read.
    """
    at = timezone.now()
    with alone(RUNNING) as first:
        if first and not ran_daily_since(at - RAN_EVERY):
            run_daily(at=at)


@shared_task(name="audits.controls.tasks.run_controls_for_engagements", time_limit=LONGEST)
def run_controls_for_engagements() -> None:
    """Run every control for each open engagement once a day; sent every minute, so that a new one has its run soon."""
    with alone(RUNNING) as first:
        if first:
            run_for_engagements(at=timezone.now())
