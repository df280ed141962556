"""Celery tasks of evidence packs. They may run any number of times at once: each pack is one worker's for two minutes."""

from celery import shared_task
from django.utils import timezone

from audits.packs.building import work_on_packs
from portal.ledger.places import places


@shared_task(name="audits.packs.tasks.build_packs")
def build_packs() -> None:
    """Build what waits, and end what is over; sent at once when somebody asks, and every five seconds."""
    work_on_packs(now=timezone.now, where=places())
