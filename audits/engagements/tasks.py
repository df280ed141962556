"""Celery tasks of the auditors' room."""

from celery import shared_task
from django.utils import timezone

from audits.engagements.actions import seal_readings
from audits.engagements.queries import unsealed_days


@shared_task(name="audits.engagements.tasks.seal_read_log")
def seal_read_log() -> None:
    """Put the digest of each day's read log into the ledger once the day is over; sent every hour."""
    for day in unsealed_days(at=timezone.now()):
        seal_readings(day=day)
