"""What the workers do for meetings. A task takes nothing, finds what is due, and may run any number of times."""

from celery import shared_task
from django.utils.timezone import now

from changes.meetings import ballots, keeping


@shared_task(name="changes.meetings.tasks.keep_meetings")
def keep_meetings() -> None:
    """The next six stand planned, the missed are marked, the next agenda is in step, voters are reminded."""
    keeping.keep(at=now())


@shared_task(name="changes.meetings.tasks.close_votes")
def close_votes() -> None:
    """Written votes whose time has come are closed and counted."""
    ballots.close_written(at=now())
