"""Training by the clock."""

from celery import shared_task
from django.utils.timezone import now

from changes.training import reminding


@shared_task(name="changes.training.tasks.remind")
def remind() -> None:
    """Write the reminders whose day has come."""
    reminding.remind(at=now())
