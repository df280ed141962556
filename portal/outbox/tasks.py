"""Celery tasks of the outbox. Both may run any number of times at once."""

from celery import shared_task
from django.utils import timezone

from portal.outbox import delivery, mail

__all__ = ["deliver_outbox", "mail", "sweep_outbox"]


@shared_task(name="portal.outbox.tasks.deliver_outbox")
def deliver_outbox() -> None:
    """Deliver what is due; sent when a transaction that asked for an effect commits."""
    delivery.deliver_due(now=timezone.now)


@shared_task(name="portal.outbox.tasks.sweep_outbox")
def sweep_outbox() -> None:
    """Find what a lost message forgot and what has waited out its back-off; sent every few seconds."""
    delivery.deliver_due(now=timezone.now)
