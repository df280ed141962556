"""Celery tasks of files of people. They may run any number of times at once: each file is one worker's for two minutes."""

from celery import shared_task
from django.utils import timezone

from portal.access.importing import actions
from portal.access.importing.models import PeopleImport


@shared_task(name="portal.access.importing.tasks.work_on_imports")
def work_on_imports() -> None:
    """Check what was uploaded and import what was wanted, until nothing waits."""
    while (held := actions.claim(at=timezone.now())) is not None:
        act = actions.check if held.state == PeopleImport.State.CHECKING else actions.carry_out
        act(held=held, at=timezone.now())
