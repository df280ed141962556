"""Exceptions that last: opened by the portal when something is not as it should be, ended by it when it is again.

``prefix`` names what is watched. While it lasts there is one record, however often it is seen; its evidence holds ``since`` and,
once it is over, ``until``. A person answers for it meanwhile as for any other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from changes.delivery.models import Repository
from changes.exceptions.actions import Found, open_exception, step
from changes.exceptions.models import ExceptionRecord, ExceptionState

ENDED_BY_ITSELF = (ExceptionState.OPEN, ExceptionState.EXPLAINED)


def lasting(*, prefix: str) -> QuerySet[ExceptionRecord]:
    """What lasts now of what ``prefix`` names."""
    rows = ExceptionRecord.objects.filter(key__startswith=f"{prefix}:", evidence__has_key="since")
    return rows.exclude(evidence__has_key="until")


@transaction.atomic
def begin(
    *,
    kind: str,
    prefix: str,
    subject: str,
    sentence: str,
    since: datetime,
    at: datetime,
    repository: Repository | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> ExceptionRecord | None:
    """Open the exception unless it lasts already. ``since``: the last moment when it was known to be well, else ``at``."""
    if lasting(prefix=prefix).exists():
        return None
    found = Found(
        kind=kind,
        subject=subject,
        key=f"{prefix}:{at.isoformat()}",
        sentence=sentence,
        happened_at=since,
        confirmed=True,
        evidence={**(evidence or {}), "since": since.isoformat(), "found_at": at.isoformat()},
    )
    return open_exception(repository=repository, found=found, at=at)


@transaction.atomic
def end(*, prefix: str, words: str, at: datetime) -> int:
    """What was watched is as it should be again. Returns how many exceptions this ended."""
    ended = list(lasting(prefix=prefix).select_for_update(of=("self",)).order_by("id"))
    for record in ended:
        since = datetime.fromisoformat(record.evidence["since"])
        record.evidence = {**record.evidence, "until": at.isoformat()}
        record.save(update_fields=["evidence"])
        if record.state in ENDED_BY_ITSELF:
            note = f"{words} It lasted from {since:%-d %b %Y %H:%M} to {at:%-d %b %Y %H:%M} UTC."
            step(record=record, outcome=ExceptionState.REPAIRED, note=note, by=None, at=at)
    return len(ended)
