"""Celery tasks of the controls."""

from celery import shared_task
from django.utils import timezone

from audits.controls.result import Window
from audits.controls.running import USUAL, run_controls


@shared_task(name="audits.controls.tasks.run_controls_daily")
def run_controls_daily() -> None:
    """Run every control over the last 90 days; sent once a day."""
    at = timezone.now()
    run_controls(window=Window(at - USUAL, at), by=None, at=at)
