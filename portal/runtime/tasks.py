"""What the worker tells about itself."""

import gc
import math
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Task, shared_task
from celery.signals import task_success, worker_before_create_process
from django.conf import settings
from django.db.models import Case, F, Q, When
from django.utils.timezone import now

from portal.alone import AT_LENGTH, alone
from portal.runtime import backup
from portal.runtime.models import Lease
from portal.runtime.places import Places
from portal.runtime.punctual import allowed_for
from portal.schedule import BACK_UP, SCHEDULE

_LEASE_OF = {entry.task: entry.lease for entry in SCHEDULE}
_EVERY = {entry.lease: entry for entry in SCHEDULE}
# A job that runs each second need not be written down each second.
_NOTED_EVERY = timedelta(seconds=10)
# By lease: when this process asked last, so that most ends ask the database nothing.
_NOTED: dict[str, float] = {}
BACKED_UP_EVERY = timedelta(hours=23)


@shared_task(name="portal.runtime.tasks.heartbeat")
def heartbeat() -> None:
    """Touch the file that the supervisor looks at."""
    path = Places(Path(settings.DATA_DIR)).heartbeat
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path)


@shared_task(name=BACK_UP, time_limit=3600)
def back_up() -> None:
    """Copy the database once a night into COUNTERSIGN_BACKUP_FOLDER; without that, nothing. A young copy is enough."""
    if not settings.BACKUP_FOLDER:
        return
    folder = Path(settings.BACKUP_FOLDER)
    with alone(AT_LENGTH) as first:
        newest = next(iter(backup.copies(folder=folder)), None)
        young = newest and time.time() - newest.stat().st_mtime < BACKED_UP_EVERY.total_seconds()
        if first and not young:
            backup.make(url=backup.address(env=os.environ), folder=folder, at=now())
            backup.thin_out(folder=folder, keep=settings.BACKUP_KEEP)


@task_success.connect
def note_finished(sender: Task[Any, Any], **_: Any) -> None:
    """Write down that a periodic job was done: "sent, but never finished" must be visible. Celery tells it in no other way."""
    lease, since = _LEASE_OF.get(sender.name), time.monotonic()
    if lease and since - _NOTED.get(lease, -math.inf) >= _NOTED_EVERY.total_seconds():
        at = now()
        stale = Q(finished__isnull=True) | Q(finished__lt=at - _NOTED_EVERY)
        late = Q(finished__lt=at - allowed_for(_EVERY[lease]))
        Lease.objects.filter(stale, name=lease).update(
            gap_from=Case(When(late, then=F("finished")), default=F("gap_from")),
            gap_until=Case(When(late, then=at), default=F("gap_until")),
            finished=at,
        )
        _NOTED[lease] = since


@worker_before_create_process.connect
def share_memory(**_: Any) -> None:
    """Put everything loaded so far out of the collector's reach before forking, so that children go on sharing it with us."""
    gc.collect()
    gc.freeze()
