"""Celery tasks of evidence packs. One worker builds at a time, and the broker may give the task out again while it does."""

from celery import shared_task
from django.utils import timezone

from audits.packs import actions
from audits.packs.building import work_on_packs
from audits.packs.kept import let_go
from portal.alone import AT_LENGTH, alone
from portal.ledger.places import places


@shared_task(name="audits.packs.tasks.build_packs", time_limit=3600)
def build_packs() -> None:
    """End what is over, and build what waits; sent at once when somebody asks, and every five seconds."""
    actions.clear(at=timezone.now())
    let_go()
    with alone(AT_LENGTH) as first:
        if first:
            work_on_packs(now=timezone.now, where=places())
