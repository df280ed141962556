"""One turn of the sealer, and the sealer as a process of its own that takes a turn every second."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection

from portal.ledger import publishing, report, sealer
from portal.ledger.keys import KeyProblem
from portal.ledger.models import LedgerCheckpoint
from portal.ledger.places import Places

log = logging.getLogger(__name__)
REPEAT_AFTER = timedelta(hours=1)
"""A seal that stays refused is written down once an hour, and logged each time."""


def turn(*, at: datetime, where: Places) -> LedgerCheckpoint | None:
    """Seal what is due and retry anchors that failed. Raises ``SealingStopped`` or ``KeyProblem``, written down as refused."""
    try:
        made = sealer.seal(at=at, where=where, origin=origin())
    except (sealer.SealingStopped, KeyProblem) as problem:
        log.critical("The seal was refused: %s", problem)
        report.record_refusal(sentence=str(problem), at=at, again_after=REPEAT_AFTER)
        raise
    publishing.publish_again(at=at, where=where)
    return made


def loop(*, stop: Event, where: Places, clock: Callable[[], datetime], every: float = 1.0) -> None:
    """Take turns until ``stop`` is set. A refused seal is tried again each turn; a database that went away is connected anew."""
    while not stop.wait(every):
        try:
            turn(at=clock(), where=where)
        except (sealer.SealingStopped, KeyProblem):
            continue
        except (Error, OSError) as problem:
            log.error("The sealer could not work: %s", problem)
            connection.close()


def origin() -> str:
    """The name of a new log: the portal's host and what it is."""
    return f"{urlsplit(settings.BASE_URL).netloc}/ledger"
