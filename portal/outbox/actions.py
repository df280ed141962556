"""Ask for an effect outside. The row is written in the transaction that causes it; a worker delivers it later.

Nothing here speaks to the broker: after the commit the scheduler is woken through PostgreSQL's NOTIFY, and a sweep finds what
a lost notification forgot. Why it is so: docs/adr/0005-inbox-outbox.md.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from portal.bell import after_commit
from portal.ledger.actions import append
from portal.outbox.models import Effect
from portal.policy.refusal import Stale

CHANNEL = "outbox"

INSERT = """
INSERT INTO portal_effect (kind, key, subject, payload, state, attempts, not_before, created_at, error)
VALUES (%(kind)s, %(key)s, %(subject)s, %(payload)s::jsonb, 'waiting', 0, %(at)s, %(at)s, '')
ON CONFLICT (key) DO NOTHING
RETURNING id
"""

# An older effect that is being delivered right now is locked: skip it instead of waiting for somebody's network.
SUPERSEDE_OLDER = """
UPDATE portal_effect SET state = 'superseded' WHERE id IN (
    SELECT id FROM portal_effect
    WHERE kind = %(kind)s AND subject = %(subject)s AND id < %(id)s AND state = 'waiting'
    FOR UPDATE SKIP LOCKED
)
"""


def enqueue(*, kind: str, key: str, payload: Mapping[str, Any], at: datetime, subject: str | None = None) -> None:
    """Ask once for the effect ``key``. Asking again with the same key changes nothing.

    Call it inside the transaction that causes the effect; outside of one it raises ``ValueError``, because an effect
    without its cause would be possible. ``payload`` is JSON without a field ``key`` (the deliverer gets the effect's
    key there). ``subject`` names the thing that the effect shows, such as one check run on one commit: older waiting
    effects of the same kind and subject are superseded, and a newer one never overtakes or is overtaken.
    """
    if not connection.in_atomic_block:
        raise ValueError("enqueue an effect inside the transaction that causes it")
    if "key" in payload:
        raise ValueError("a payload has no field 'key': the deliverer finds the effect's own key there")
    row = {"kind": kind, "key": key, "subject": subject, "payload": json.dumps(payload), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, row)
        asked = cursor.fetchone()
        if asked and subject is not None:
            cursor.execute(SUPERSEDE_OLDER, {"kind": kind, "subject": subject, "id": asked[0]})
    if asked:
        after_commit(CHANNEL)


def replay(*, effect: Effect, by: AbstractBaseUser, at: datetime) -> None:
    """Take an effect out of quarantine and try it again from the start, on behalf of ``by``; the ledger keeps who.

    Raises ``Stale`` when it is no longer in quarantine, or when a newer effect says the same thing in a later version.
    """
    with transaction.atomic():
        _refuse_when_outdated(effect=effect)
        quarantined = Effect.objects.filter(pk=effect.pk, state=Effect.State.QUARANTINED)
        if not quarantined.update(state=Effect.State.WAITING, attempts=0, not_before=at, error=""):
            raise Stale("This effect is no longer in quarantine.")
        append(
            stream="outbox",
            kind="effect.replayed",
            actor=f"user:{by.pk}",
            fact={"effect": effect.key, "kind": effect.kind, "error": effect.error, "attempts": effect.attempts},
        )
        after_commit(CHANNEL)


def _refuse_when_outdated(*, effect: Effect) -> None:
    """Sending an old version after a newer one would put a wrong state on the other side."""
    if effect.subject is None:
        return
    if Effect.objects.filter(kind=effect.kind, subject=effect.subject, pk__gt=effect.pk).exists():
        raise Stale("A newer effect about the same thing exists; this one would overwrite it.")
