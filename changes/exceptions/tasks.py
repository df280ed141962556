"""Clocks of the register."""

from celery import shared_task
from django.utils.timezone import now

from changes.exceptions import acceptance, missed


@shared_task(name="changes.exceptions.tasks.open_again")
def open_again() -> int:
    """Open what was accepted until a moment that has come."""
    return acceptance.open_again(at=now())


@shared_task(name="changes.exceptions.tasks.find_missed_meetings")
def find_missed_meetings() -> int:
    """Open an exception for each meeting that was missed or had no quorum."""
    return missed.find(at=now())
