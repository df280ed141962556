"""A verification that somebody asked for: waits for a worker, shows how far it is, keeps what it found."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from portal.bell import after_commit
from portal.ledger import report, verification
from portal.ledger.models import LedgerVerification
from portal.ledger.places import Places
from portal.ledger.progress import Progress

CHANNEL = "verify"
"""Wakes a worker."""
LIVE, TOPIC = "live", "ledger"
"""The doorbell of the pages (portal.ui.doorbell)."""
SILENT = timedelta(minutes=5)
"""A worker that said nothing for so long is dead."""


@transaction.atomic
def ask(*, by: int, at: datetime) -> LedgerVerification:
    """Ask for a verification in the name of a person. One at a time: who asks while one waits or runs gets that one."""
    waiting = LedgerVerification.objects.filter(finished_at=None).order_by("id").first()
    if waiting is not None:
        return waiting
    after_commit(CHANNEL)
    return LedgerVerification.objects.create(asked_by_id=by, asked_at=at)


def work(*, where: Places, clock: Callable[[], datetime]) -> LedgerVerification | None:
    """Carry out what waits, or what a dead worker left; None when nothing does."""
    job = _claim(clock())
    if job is None:
        return None

    def tell(progress: Progress) -> None:
        _keep(job, entries=progress.entries, progress=dict(progress.checked), seen_at=clock())

    found = verification.verify(where=where, full=True, tell=tell)
    with transaction.atomic():
        kept = report.record(report=found, at=clock())
        _keep(job, entries=found.entries, finished_at=clock(), check_kept=kept)
    return job


@transaction.atomic
def _claim(at: datetime) -> LedgerVerification | None:
    rows = LedgerVerification.objects.select_for_update(skip_locked=True).filter(finished_at=None)
    job = rows.filter(Q(seen_at=None) | Q(seen_at__lt=at - SILENT)).order_by("id").first()
    if job is not None:
        _keep(job, started_at=at, seen_at=at, progress={})
    return job


def _keep(job: LedgerVerification, **values: object) -> None:
    for name, value in values.items():
        setattr(job, name, value)
    job.save(update_fields=list(values))
    after_commit(LIVE, TOPIC)
