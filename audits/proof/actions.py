"""Redacting the text of an entry: one person proposes it, another confirms exactly that within 72 hours (SECURITY.md).

The text goes, the entry stays: its hash, its place and every proof. What the portal shows elsewhere of the same matter (a title,
a comment) is a row of its own and is not touched.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.bell import after_commit
from portal.ledger.actions import CHANNEL, append
from portal.ledger.canonical import digest_of
from portal.ledger.models import LedgerBody, LedgerLeaf, LedgerRedaction
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

LIVES = timedelta(hours=72)
"""How long a proposal waits for the second person."""
KEPT = ("redaction.", "recovery.")
"""Beginnings of kinds whose text says why something is gone; it never goes itself."""
REDACT = "SELECT portal_ledger_redact(%s, %s, %s)"


def stream_of(redaction: LedgerRedaction) -> str:
    """The stream of a redaction's entries."""
    return f"redaction:{redaction.pk}"


def digest_for(*, leaf: LedgerLeaf, reason: str, by: User, at: datetime) -> str:
    """SHA-256 over what the second person confirms: which entry, why, who proposed it and when."""
    entry = bytes(leaf.hash).hex()
    return digest_of({"entry": entry, "reason": reason, "proposed_by": by.pk, "proposed_at": at})


@transaction.atomic
def propose_redaction(*, leaf: LedgerLeaf, reason: str, by: User, at: datetime) -> LedgerRedaction:
    """First half. The entry has its text, and nobody else's proposal about it waits. Raises ``Refused``."""
    _check_may(by, at)
    if leaf.kind.startswith(KEPT):
        raise Refused(Clause.CONFIDENTIAL, "The entry about a redaction or a recovery keeps its text.")
    if not LedgerBody.objects.filter(pk=leaf.pk).exists():
        raise Refused(Clause.CONFIDENTIAL, "The text of this entry is gone already.")
    if waiting(at=at).filter(leaf=leaf).exists():
        raise Refused(Clause.CONFIDENTIAL, "A redaction of this entry waits already.", "Confirm it, or turn it down.")
    if not reason.strip():
        raise Refused(Clause.CONFIDENTIAL, "A redaction needs its reason.", "Say what the text holds that must not be kept.")
    redaction = LedgerRedaction.objects.create(
        leaf=leaf,
        reason=reason.strip(),
        digest=digest_for(leaf=leaf, reason=reason.strip(), by=by, at=at),
        proposed_by=by,
        proposed_at=at,
        expires_at=at + LIVES,
    )
    _tell("redaction.proposed", redaction, by)
    return redaction


@transaction.atomic
def confirm_redaction(*, redaction: LedgerRedaction, digest: str, by: User, at: datetime) -> None:
    """Second half: the text goes at once and for ever. The database does it, and holds the same rules for everybody.

    Raises ``Refused`` when this person may not, ``Stale`` when the proposal is no longer the one that was read.
    """
    asked = _lock_waiting(redaction, at=at)
    _check_may(by, at)
    if by.pk == asked.proposed_by_id:
        raise Refused(Clause.CONFIDENTIAL, "You proposed this redaction yourself.", "Another person confirms it.")
    _check_may(asked.proposed_by, at)
    read = digest_for(leaf=asked.leaf, reason=asked.reason, by=asked.proposed_by, at=asked.proposed_at)
    if not digest == read == asked.digest:
        raise Stale("The redaction is not the one that you read.")
    with connection.cursor() as cursor:
        cursor.execute(REDACT, [asked.pk, digest, by.pk])
    after_commit(CHANNEL, "redaction.confirmed")
    ring("ledger")


@transaction.atomic
def withdraw_redaction(*, redaction: LedgerRedaction, by: User, at: datetime) -> None:
    """Take a waiting proposal back, or turn somebody else's down. Whoever could confirm one may."""
    asked = _lock_waiting(redaction, at=at)
    _check_may(by, at)
    asked.withdrawn_by, asked.withdrawn_at = by, at
    asked.save(update_fields=["withdrawn_by", "withdrawn_at"])
    _tell("redaction.withdrawn", asked, by)


def waiting(*, at: datetime) -> QuerySet[LedgerRedaction]:
    """Proposals that wait for a second person."""
    return LedgerRedaction.objects.filter(confirmed_at=None, withdrawn_at=None, expires_at__gt=at)


def _check_may(by: User, at: datetime) -> None:
    if not may_at(by, P.LEDGER_REDACT, at=at):
        raise Refused(Clause.CONFIDENTIAL, f"{by.name} may not redact.", "Compliance managers and administrators do, two together.")


def _lock_waiting(redaction: LedgerRedaction, *, at: datetime) -> LedgerRedaction:
    rows = LedgerRedaction.objects.select_for_update(of=("self",)).select_related("leaf", "proposed_by")
    asked = rows.get(pk=redaction.pk)
    if asked.confirmed_at is not None or asked.withdrawn_at is not None:
        raise Stale("Somebody decided on this redaction already.")
    if asked.expires_at <= at:
        raise Stale("The redaction lapsed: nobody confirmed it within 72 hours.")
    return asked


def _tell(kind: str, redaction: LedgerRedaction, by: User) -> None:
    append(
        stream=stream_of(redaction),
        kind=kind,
        actor=actor_of(by),
        fact={
            "stream": redaction.leaf.stream,
            "number": redaction.leaf.stream_seq,
            "hash": bytes(redaction.leaf.hash).hex(),
            "reason": redaction.reason,
            "digest": redaction.digest,
        },
        rows=[redaction],
    )
    ring("ledger")
