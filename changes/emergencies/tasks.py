"""What the workers do for emergencies. A task takes nothing, finds what is due, and may run any number of times."""

from celery import shared_task
from django.utils.timezone import now

from changes.emergencies import reminding


@shared_task(name="changes.emergencies.tasks.keep_clocks")
def keep_clocks() -> None:
    """Threads follow, and people are reminded of what is due."""
    reminding.keep_clocks(at=now())
