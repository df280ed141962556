"""Work of the ledger in the background: the seal every second, the verification every night."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from celery import shared_task
from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from portal.ledger import report as reports
from portal.ledger import sealer, verification
from portal.ledger.keys import KeyProblem
from portal.ledger.places import places

log = logging.getLogger(__name__)
VERIFIED_EVERY = timedelta(hours=23)
"""A verification that is younger need not be repeated: so one a night, whenever it began."""
VERIFYING = 69621
"""Key of the advisory lock of the verification in the background."""
REPEAT_AFTER = timedelta(hours=1)
"""A seal that stays refused is written down once an hour, and logged each time."""


@shared_task(name="portal.ledger.tasks.seal")
def seal() -> None:
    """Seal what is due and retry anchors that failed. Runs every second, and at once when the channel ``ledger`` rings."""
    at = now()
    try:
        sealer.seal(at=at, where=places(), origin=origin())
    except (sealer.SealingStopped, KeyProblem) as problem:
        log.critical("The seal was refused: %s", problem)
        reports.record_refusal(sentence=str(problem), at=at, again_after=REPEAT_AFTER)
        raise
    sealer.publish_again(at=at, where=places())


@shared_task(name="portal.ledger.tasks.verify", time_limit=3600)
def verify() -> None:
    """Verify everything and keep the result, once a night.

    It may take longer than the broker waits for a task (five minutes), which then gives the same message to the next
    worker: whoever comes while one is at work, or after one has finished, does nothing. The schedule asks every hour, so
    that a verification whose worker died is made up for.
    """
    with _alone() as alone:
        if not alone or reports.verified_since(moment=now() - VERIFIED_EVERY):
            return
        report = verification.verify(where=places(), full=True)
        reports.record(report=report, at=now())
    if not report.ok:
        log.critical("The ledger does not verify: %s", report.problems[0].sentence)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other verification is at work. The lock ends with the connection, hence with a worker that dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [VERIFYING])
        alone = bool(cursor.fetchone()[0])
        try:
            yield alone
        finally:
            if alone:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [VERIFYING])


def origin() -> str:
    """The name of a new log: the portal's host and what it is."""
    return f"{urlsplit(settings.BASE_URL).netloc}/ledger"
