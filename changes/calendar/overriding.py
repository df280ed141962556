"""Let one change out in a hard freeze: one person asks, another who took no part confirms exactly that text within 72 hours.

Every step is inserted with its ledger entry. Raises ``Refused`` or ``Stale``; nothing was changed then.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from changes.calendar import policy
from changes.calendar.actions import check_may, freeze_text
from changes.calendar.facts import Span
from changes.calendar.models import Freeze, FreezeEnd, FreezeOverride, OverrideAnswer
from changes.proposals import queries as proposals
from changes.proposals.models import Change
from changes.proposals.moving import ring_for, stream_of
from changes.proposals.policy import check_fresh_sign_in
from changes.training.standing import check_trained
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.alone import in_turn
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.policy.refusal import Stale
from portal.ui.doorbell import ring

OVERRIDE_LIVES = timedelta(hours=72)


@transaction.atomic
def ask_override(*, change: Change, freeze: Freeze, reason: str, by: User, at: datetime) -> FreezeOverride:
    """First half of letting a change out in a hard freeze. Waits 72 hours for somebody else, who reads exactly this."""
    check_may(by, P.FREEZE_OVERRIDE, at)
    locked = proposals.locked(change.pk)
    span = _span_now(freeze)
    policy.check_override_asked(state=locked.state, hard=freeze.level == Freeze.Level.HARD, span=span, reason=reason, at=at)
    standing = FreezeOverride.objects.filter(change=locked, freeze=freeze)
    if standing.filter(answer__verdict=OverrideAnswer.Verdict.YES).exists():
        raise Stale(f"{locked} has an override of {freeze} already.")
    if standing.filter(answer=None, expires_at__gt=at).exists():
        raise Stale(f"An override of {freeze} waits for {locked} already.")
    row = FreezeOverride(
        change=locked,
        freeze=freeze,
        revision=proposals.current_revision(locked),
        head_sha=proposals.head_for_production(locked),
        reason=reason.strip(),
        proposed_by=by,
        proposed_at=at,
        expires_at=at + OVERRIDE_LIVES,
    )
    row.digest = override_digest(row)
    row.save()
    _tell_override("freeze.override_asked", row, by, at, [row])
    return row


@transaction.atomic
def confirm_override(
    *,
    override: FreezeOverride,
    digest: str,
    by: User,
    authenticated_at: datetime | None,
    at: datetime,
    parameters: Parameters | None = None,
) -> OverrideAnswer:
    """Second half: another person, who took no part in the change, confirms what ``digest`` stands for.

    Raises ``Stale`` when the freeze, the text or the commit is no longer the one that was read.
    """
    check_may(by, P.FREEZE_OVERRIDE, at)
    check_trained(by=by, at=at)
    change = proposals.locked(override.change_id)
    waiting = _lock_waiting(override, at=at)
    policy.check_override_confirmed(
        confirmer=proposals.actor_for(by),
        asker=proposals.actor_for(waiting.proposed_by),
        contributors=proposals.contributors(change),
        requester=proposals.requester_of(change),
    )
    check_fresh_sign_in(authenticated_at=authenticated_at, at=at, within=(parameters or parameters_at(at)).fresh_sign_in_within)
    if digest != waiting.digest or override_digest(waiting) != digest:
        raise Stale("The override is not the one that you read.")
    if proposals.current_revision(change).pk != waiting.revision_id or proposals.head_for_production(change) != waiting.head_sha:
        raise Stale("The change was edited or has new commits since the override was asked for. Ask for it anew.")
    return _answer(waiting, OverrideAnswer.Verdict.YES, by, at)


@transaction.atomic
def refuse_override(*, override: FreezeOverride, by: User, at: datetime) -> OverrideAnswer:
    """Refuse an override that waits, or take one's own back."""
    check_may(by, P.FREEZE_OVERRIDE, at)
    return _answer(_lock_waiting(override, at=at), OverrideAnswer.Verdict.NO, by, at)


def _answer(waiting: FreezeOverride, verdict: str, by: User, at: datetime) -> OverrideAnswer:
    row = OverrideAnswer.objects.create(override=waiting, verdict=verdict, by=by, at=at)
    kind = "freeze.override_confirmed" if verdict == OverrideAnswer.Verdict.YES else "freeze.override_refused"
    _tell_override(kind, waiting, by, at, [row])
    return row


def _lock_waiting(override: FreezeOverride, *, at: datetime) -> FreezeOverride:
    in_turn(override)
    waiting = FreezeOverride.objects.get(pk=override.pk)
    if OverrideAnswer.objects.filter(override=waiting).exists():
        raise Stale("Somebody decided on this override already.")
    if waiting.expires_at <= at:
        raise Stale("The override lapsed: nobody confirmed it within 72 hours.")
    return waiting


def _tell_override(kind: str, row: FreezeOverride, by: User, at: datetime, rows: Iterable[Any]) -> None:
    fact = {"freeze": row.freeze.name, "reason": row.reason, "digest": row.digest, "by": by.name, "at": at.isoformat()}
    append(stream=stream_of(row.change), kind=kind, actor=actor_of(by), fact=fact, rows=rows)
    ring_for(row.change)
    ring("calendar")


def override_digest(row: FreezeOverride) -> str:
    """SHA-256 over everything that the second person reads, as 64 hex digits."""
    return digest_of(
        {
            "change": row.change.number,
            "freeze": freeze_text(row.freeze),
            "revision": row.revision.digest,
            "head": row.head_sha,
            "reason": row.reason,
            "proposed_by": row.proposed_by_id,
            "proposed_at": row.proposed_at.isoformat(),
        }
    )


def _span_now(freeze: Freeze) -> Span:
    ended = FreezeEnd.objects.filter(freeze=freeze).values_list("ends_at", flat=True).first()
    return Span(freeze.starts_at, ended or freeze.ends_at)
