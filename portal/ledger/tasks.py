"""Work of the ledger in the background: the seal every second, the verification every night."""

import logging
from datetime import timedelta

from celery import shared_task
from celery.signals import worker_ready
from django.db import connection
from django.utils.timezone import now

from portal.alone import AT_LENGTH, alone
from portal.ledger import asked, fingerprint, sealing, verification
from portal.ledger import report as reports
from portal.ledger.places import places

log = logging.getLogger(__name__)
VERIFIED_EVERY = timedelta(hours=23)
"""A verification that is younger need not be repeated: so one a night, whenever it began."""


@shared_task(name="portal.ledger.tasks.seal")
def seal() -> None:
    """Seal what is due and retry anchors that failed. Runs every second, and at once when the channel ``ledger`` rings."""
    sealing.turn(at=now(), where=places())


@shared_task(name="portal.ledger.tasks.verify", time_limit=3600)
def verify() -> None:
    """Verify everything and keep the result, once a night.

    It may take longer than the broker waits for a task (five minutes), which then gives the same message to the next
    worker: whoever comes while one is at work, or after one has finished, does nothing. The schedule asks every hour, so
    that a verification whose worker died is made up for.
    """
    with alone(AT_LENGTH) as first:
        if not first or reports.verified_since(moment=now() - VERIFIED_EVERY):
            return
        report = verification.verify(where=places(), full=True)
        reports.record(report=report, at=now())
    if not report.ok:
        log.critical("The ledger does not verify: %s", report.problems[0].sentence)


@shared_task(name="portal.ledger.tasks.verify_asked", time_limit=3600)
def verify_asked() -> None:
    """Carry out the verifications that somebody asked for, until none waits."""
    with alone(AT_LENGTH) as first:
        while first and asked.work(where=places(), clock=now) is not None:
            pass


@shared_task(name="portal.ledger.tasks.check_guards")
def check_guards() -> None:
    """Compare the schema's fingerprint with what the code installs, once an hour and when a worker starts."""
    found = fingerprint.take(connection)
    reports.record_guards(digest=found.digest, deviations=found.deviations, at=now())
    for sentence in found.deviations:
        log.critical("The schema is not as the code installs it: %s", sentence)


@worker_ready.connect
def check_guards_at_start(**_: object) -> None:
    """A worker that starts has the schema looked at."""
    check_guards.delay()
