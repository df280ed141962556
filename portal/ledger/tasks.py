"""Work of the ledger in the background: the seal every second, the verification every night."""

import logging
from datetime import timedelta
from urllib.parse import urlsplit

from celery import shared_task
from django.conf import settings
from django.utils.timezone import now

from portal.ledger import report as reports
from portal.ledger import sealer, verification
from portal.ledger.keys import KeyProblem
from portal.ledger.places import places

log = logging.getLogger(__name__)
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
    """Verify everything and keep the result, once a night."""
    report = verification.verify(where=places(), full=True)
    reports.record(report=report, at=now())
    if not report.ok:
        log.critical("The ledger does not verify: %s", report.problems[0].sentence)


def origin() -> str:
    """The name of a new log: the portal's host and what it is."""
    return f"{urlsplit(settings.BASE_URL).netloc}/ledger"
