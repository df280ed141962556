"""One turn of the sealer, and the name of its log."""

import logging
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

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


def origin() -> str:
    """The name of a new log: the portal's host and what it is."""
    return f"{urlsplit(settings.BASE_URL).netloc}/ledger"
