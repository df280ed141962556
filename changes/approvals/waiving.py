"""Where nobody may approve, chair and compliance manager decide together, in sight, with a review afterwards (P-19, P-29).

Never silence: the gate says that nobody is left, who can do what, and later that it was passed by a waiver.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.approvals import policy, queries
from changes.approvals.models import Waiver
from changes.proposals import queries as proposals
from changes.proposals.approving import check_right, settle_state
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, Category, Change
from changes.proposals.moving import ring_for, stream_of
from changes.proposals.people import user_actor
from changes.proposals.policy import check_fresh_sign_in
from changes.training.standing import check_trained
from portal.access.may import may_at, roles_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.access.roles import Role
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring


@transaction.atomic
def propose_waiver(
    *,
    change: Change,
    reason: str,
    review_at: datetime,
    by: User,
    authenticated_at: datetime | None,
    at: datetime,
) -> Waiver:
    """Write down why an approval cannot be had, and when somebody looks at it again. Chair or compliance sign it by this.

    Refused while somebody could approve. It waits 72 hours for the signatures that are missing.
    """
    locked, parameters = proposals.locked(change.pk), parameters_at(at)
    check_right(by=by, permission=P.WAIVER_PROPOSE, at=at)
    check_fresh_sign_in(authenticated_at=authenticated_at, at=at, within=parameters.fresh_sign_in_within)
    policy.check_waiver_text(reason=reason, review_at=review_at, at=at, longest=parameters.waiver_review_within)
    nobody = _check_needed(locked, at)
    if queries.waiting_waivers(at).filter(change=locked).exists() or queries.waiver_in_force(locked):
        raise Stale(f"There is a waiver for {locked} already.")
    waiver = Waiver(
        change=locked,
        revision=proposals.current_revision(locked),
        head_sha=proposals.head_for_production(locked),
        classes=classes_of(locked),
        nobody=nobody,
        reason=reason.strip(),
        review_at=review_at,
        proposed_by=by,
        proposed_at=at,
        expires_at=at + parameters.waiver_lives,
    )
    waiver.digest = waiver_digest(waiver)
    roles = roles_at(by, at=at)
    if Role.CHAIR in roles or Role.COMPLIANCE in roles:
        check_trained(by=by, at=at)
        _write_signature(waiver, policy.check_signer(roles=roles, signed=()), by, at)
    waiver.save()
    _tell(waiver, kind="waiver.proposed", by=by, at=at, more={"reason": waiver.reason, "review": review_at.isoformat()})
    return waiver


@transaction.atomic
def sign_waiver(
    *,
    waiver: Waiver,
    digest: str,
    by: User,
    authenticated_at: datetime | None,
    at: datetime,
) -> Waiver:
    """Chair or compliance manager sign exactly the text behind ``digest``. With the second signature the waiver is decided.

    Raises ``Refused`` when this person may not or somebody could approve meanwhile, ``Stale`` when it is not what was read.
    """
    locked = proposals.locked(waiver.change_id)
    row = _waiting(waiver, at)
    check_right(by=by, permission=P.WAIVER_DECIDE, at=at)
    check_trained(by=by, at=at)
    check_fresh_sign_in(authenticated_at=authenticated_at, at=at, within=parameters_at(at).fresh_sign_in_within)
    if row.digest != digest or waiver_digest(row) != digest:
        raise Stale("The waiver is not the one that you read.")
    if not binds_now(row, locked):
        raise Stale("The change is not what it was when the waiver was written. Take it back and write another.")
    _check_needed(locked, at)
    signed = [role for role, signer in ((Role.CHAIR, row.chair), (Role.COMPLIANCE, row.compliance)) if signer]
    _write_signature(row, policy.check_signer(roles=roles_at(by, at=at), signed=signed), by, at)
    signers = [user_actor(person) for person in (row.chair, row.compliance) if person is not None]
    decided = len(signers) == 2
    if decided:
        policy.check_one_took_no_part(
            signers=signers, contributors=proposals.contributors(locked), requester=proposals.requester_of(locked)
        )
    row.save(update_fields=["chair", "chair_at", "compliance", "compliance_at"])
    _tell(row, kind="waiver.decided" if decided else "waiver.signed", by=by, at=at, more={"reason": row.reason})
    if decided:
        settle_state(change=locked, enough=True, actor=actor_of(by), at=at, reason="")
    return row


@transaction.atomic
def withdraw_waiver(*, waiver: Waiver, by: User, at: datetime) -> Waiver:
    """Take a waiver back, or refuse to sign it: who wrote it or may decide on it, until the merge."""
    locked = proposals.locked(waiver.change_id)
    row = Waiver.objects.select_related("change").get(pk=waiver.pk)
    if by.pk != row.proposed_by_id and not may_at(by, P.WAIVER_DECIDE, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, "Only who wrote the waiver, the chair and compliance take it back.", "Ask them.")
    if row.withdrawn_at is not None or row.lapsed_at is not None:
        raise Stale("This waiver no longer counts already.")
    if locked.merged_at is not None:
        raise Refused(Clause.PROD_RESTRICTED, "The change is merged to production; the waiver stays on record.")
    row.withdrawn_by, row.withdrawn_at = by, at
    row.save(update_fields=["withdrawn_by", "withdrawn_at"])
    _tell(row, kind="waiver.withdrawn", by=by, at=at)
    settle(change=locked, at=at)
    return row


@transaction.atomic
def review_waiver(*, waiver: Waiver, note: str, by: User, at: datetime) -> Waiver:
    """Look at a decided waiver again and write what came of it. Chair or compliance manager; it ends its clock."""
    proposals.locked(waiver.change_id)
    row = Waiver.objects.select_related("change").get(pk=waiver.pk)
    check_right(by=by, permission=P.WAIVER_DECIDE, at=at)
    if row.chair_id is None or row.compliance_id is None:
        raise Refused(Clause.FOLLOWED, "This waiver was never decided, so there is nothing to review.")
    if row.reviewed_at is not None:
        raise Stale("This waiver has been reviewed already.")
    if not note.strip():
        raise Refused(Clause.FOLLOWED, "A review needs words.", "Write what came of it, in a sentence or two.")
    row.reviewed_by, row.reviewed_at, row.review_note = by, at, note.strip()
    row.save(update_fields=["reviewed_by", "reviewed_at", "review_note"])
    _tell(row, kind="waiver.reviewed", by=by, at=at, more={"note": row.review_note})
    return row


def settle_all(*, changes: Sequence[Change], at: datetime) -> None:
    """``settle`` for those of these changes about which a person has said something, or that count as approved. The others, which
    are nearly all, are told apart by three queries."""
    pks = [change.pk for change in changes]
    if not pks:
        return
    states = dict(Change.objects.filter(pk__in=pks).values_list("pk", "state"))
    waived = queries.in_force_for(pks).values_list("change_id", flat=True)
    approved = Approval.objects.filter(change__in=pks, lapse=None).values_list("change_id", flat=True)
    said = {*waived, *approved}
    for change in changes:
        if change.pk in said or states.get(change.pk) == State.APPROVED:
            settle(change=change, at=at)


@transaction.atomic
def settle(*, change: Change, at: datetime) -> None:
    """End a waiver that no longer fits the change, and let the state follow words and waiver.

    ``change`` may have been read before others moved it: what stands now counts. Locks only where there is something to do.
    """
    if not _is_unsettled(Change.objects.get(pk=change.pk), at):
        return
    locked = proposals.locked(change.pk)
    standing = queries.waiver_in_force(locked)
    if standing is not None and not binds_now(standing, locked):
        standing.lapsed_at, standing.lapse_reason = at, _what_changed(standing, locked)
        standing.save(update_fields=["lapsed_at", "lapse_reason"])
        _tell(standing, kind="waiver.lapsed", by=None, at=at, more={"reason": standing.lapse_reason})
        standing = None
    enough = standing is not None or proposals.has_words_enough(locked, at=at)
    settle_state(change=locked, enough=enough, actor="portal", at=at, reason="the approvals that it needs are not there")
    change.state, change.version, change.moved_at = locked.state, locked.version, locked.moved_at


def _is_unsettled(now: Change, at: datetime) -> bool:
    """Whether waiver or state do not follow what stands. After the merge nothing moves any more."""
    if now.state not in (State.PROPOSED, State.APPROVED) or now.merged_at is not None:
        return False
    standing = queries.waiver_in_force(now)
    if standing is not None and not binds_now(standing, now):
        return True
    enough = standing is not None or proposals.has_words_enough(now, at=at)
    return enough != (now.state == State.APPROVED)


def classes_of(change: Change) -> str:
    """Category, size and kind, as a waiver binds to them."""
    return f"{change.category}/{change.size}/{change.kind}"


def binds_now(waiver: Waiver, change: Change) -> bool:
    """Whether text, commit and classes are those for which the waiver was written. Those of an emergency may be written later."""
    return not _what_changed(waiver, change)


def _what_changed(waiver: Waiver, change: Change) -> str:
    emergency = change.category == Category.EMERGENCY
    head = proposals.head_for_production(change)
    if waiver.head_sha != head and not (emergency and not waiver.head_sha):
        return f"a new push: the head is {head[:7] or 'gone'} now"
    if waiver.classes != classes_of(change):
        return "the change was classified anew"
    if not emergency and proposals.current_revision(change).binds != waiver.revision.binds:
        return "the proposal was edited"
    return ""


def waiver_digest(waiver: Waiver) -> str:
    """SHA-256 over everything that the two read."""
    return digest_of(
        {
            "change": waiver.change_id,
            "revision": waiver.revision.digest,
            "head": waiver.head_sha,
            "classes": waiver.classes,
            "nobody": waiver.nobody,
            "reason": waiver.reason,
            "review_at": waiver.review_at.isoformat(),
            "proposed_by": waiver.proposed_by_id,
            "proposed_at": waiver.proposed_at.isoformat(),
        }
    )


def _check_needed(change: Change, at: datetime) -> list[dict[str, str]]:
    """Refused while somebody could approve; else why nobody can, person by person."""
    candidates = queries.candidates_for(change, at=at)
    policy.check_waiver(
        state=change.state,
        missing=queries.missing_for(change, candidates, at=at),
        free=[candidate.actor.name for candidate in candidates if candidate.free],
        emergency=change.category == Category.EMERGENCY,
        head_sha=proposals.head_for_production(change),
    )
    return [{"name": candidate.actor.name, "why": candidate.why_not} for candidate in candidates if not candidate.free]


def _write_signature(waiver: Waiver, role: Role, by: User, at: datetime) -> None:
    if role == Role.CHAIR:
        waiver.chair, waiver.chair_at = by, at
    else:
        waiver.compliance, waiver.compliance_at = by, at


def _waiting(waiver: Waiver, at: datetime) -> Waiver:
    row = Waiver.objects.select_related("change", "revision", "chair", "compliance").get(pk=waiver.pk)
    if row.withdrawn_at is not None or row.lapsed_at is not None or (row.chair and row.compliance):
        raise Stale("This waiver does not wait for a signature any more.")
    if row.expires_at <= at:
        raise Stale("The waiver lapsed: it was not signed by both within 72 hours. Write another.")
    return row


def _tell(waiver: Waiver, *, kind: str, by: User | None, at: datetime, more: dict[str, Any] | None = None) -> None:
    append(
        stream=stream_of(waiver.change),
        kind=kind,
        actor=actor_of(by) if by else "portal",
        fact={
            "waiver": waiver.pk,
            "digest": waiver.digest,
            "by": by.name if by else "",
            "at": at.isoformat(),
            **(more or {}),
        },
        rows=[waiver],
    )
    ring_for(waiver.change)
    ring("inbox")
