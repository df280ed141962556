"""What people say about a change: approvals, sign-offs, reviews afterwards. Evidence in the same transaction, under a lock.

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from changes.proposals import policy, queries
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, ApprovalLapse, Change, ReviewAfter, Revision, SignOff
from changes.proposals.moving import move, ring_for, stream_of
from changes.training.standing import check_trained
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.access.roles import roles_with
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring


@dataclass(frozen=True)
class Seen:
    """What a person looked at when they decided: the digest to which words on that text bind, and the head commit."""

    digest: str
    head: str


@transaction.atomic
def approve(
    *,
    change: Change,
    by: User,
    verdict: str,
    note: str,
    authenticated_at: datetime | None,
    at: datetime,
    seen: Seen | None = None,
    on_behalf_of: User | None = None,
) -> Approval:
    """A person's yes or no for production, on the present revision and head commit (P-03, P-19).

    Refused without the right to approve at that moment, for a contributor by any linked identity, without a fresh sign-in,
    or when nothing waits for approval; the database refuses it once more by itself. Raises ``Stale`` when text or commit are
    not what was ``seen``, or when this person has already said it. Whether they may speak ``on_behalf_of`` somebody is for
    ``changes.approvals`` to say, and for the database.
    """
    locked = queries.locked(change.pk)
    check_right(by=by, permission=P.CHANGE_APPROVE, at=at)
    check_trained(by=by, at=at)
    revision, rows = queries.current_revision(locked), queries.carrying(locked, None)
    head = queries.head_for_production(locked, rows=rows)
    if seen is not None:
        _check_seen(seen, locked, revision, head)
    policy.check_approver(
        state=locked.state,
        approver=queries.actor_for(by),
        contributors=queries.contributors(locked, rows=rows),
        requester=queries.requester_of(locked),
        head_sha=head,
        authenticated_at=authenticated_at,
        at=at,
        fresh_within=parameters_at(at).fresh_sign_in_within,
    )
    if queries.standing_words(locked, by=by).filter(head_sha=head).exists():
        raise Stale("You have already given your word on this revision and commit. Take it back first to give another.")
    approval = Approval(
        change=locked,
        revision=revision,
        head_sha=head,
        by=by,
        on_behalf_of=on_behalf_of,
        verdict=verdict,
        note=note,
        authenticated_at=authenticated_at or at,
        at=at,
    )
    _give(approval, kind="approval.given" if verdict == Approval.Verdict.YES else "approval.refused")
    return approval


def _check_seen(seen: Seen, change: Change, revision: Revision, head: str) -> None:
    edited = queries.edited_since(change, seen.digest, revision)
    policy.check_still_current(seen_digest=seen.digest, digest=revision.binds, seen_head=seen.head, head_sha=head, edited=edited)


def check_right(*, by: User, permission: P, at: datetime) -> None:
    """Roles count as of the act: whoever lost theirs since the page was opened is refused."""
    if not may_at(by, permission, at=at):
        why = f"{by.name} may not {permission.sentence}."
        raise Refused(Clause.ACCESS_RESTRICTED, why, f"Roles that may: {', '.join(role.label for role in roles_with(permission))}.")


def _give(approval: Approval, *, kind: str) -> None:
    """Write a word with its entry, and move the change where it leads."""
    approval.save()
    behalf = {"on_behalf_of": approval.on_behalf_of.name} if approval.on_behalf_of else {}
    append(
        stream=stream_of(approval.change),
        kind=kind,
        actor=actor_of(approval.by),
        fact={
            "by": approval.by.name,
            **behalf,
            "revision": approval.revision.number,
            "digest": approval.revision.digest,
            "binds": approval.revision.binds,
            "head": approval.head_sha,
            "verdict": approval.verdict,
            "via": approval.via,
            "note": approval.note,
            "at": approval.at.isoformat(),
        },
        rows=[approval],
    )
    settle_state(
        change=approval.change,
        enough=queries.has_words_enough(approval.change, at=approval.at),
        actor=actor_of(approval.by),
        at=approval.at,
        reason="changes were requested",
    )
    ring_for(approval.change)
    ring("inbox")


def settle_state(*, change: Change, enough: bool, actor: str, at: datetime, reason: str) -> None:
    """Approved once it has ``enough`` words and nobody's no; back in review, for ``reason``, when that has ended."""
    if change.state == State.PROPOSED and enough:
        move(change=change, verb="approve", actor=actor, at=at)
    elif change.state == State.APPROVED and not enough:
        move(change=change, verb="lapse", actor=actor, at=at, fact={"reason": reason})


@transaction.atomic
def plus_one(*, change: Change, by: User, via: str, authenticated_at: datetime | None, at: datetime, note: str = "") -> Approval:
    """The +1 of an emergency by somebody who took no part (P-22). It may come before there is a commit: then it counts for
    the emergency, whatever commit follows.

    ``via`` is portal (which needs a fresh sign-in) or slack (where the signed request of a linked account is the proof).
    Refused without the right to give it at that moment, or for the requester and contributors. Raises ``Stale`` when this
    person has given it. ``withdraw_approval`` takes it back.
    """
    locked = queries.locked(change.pk)
    check_right(by=by, permission=P.EMERGENCY_PLUS_ONE, at=at)
    check_trained(by=by, at=at)
    policy.check_plus_one(
        state=locked.state,
        category=locked.category,
        giver=queries.actor_for(by),
        contributors=queries.contributors(locked),
        requester=queries.requester_of(locked),
        authenticated_at=authenticated_at,
        at=at,
        via=via,
        fresh_within=parameters_at(at).fresh_sign_in_within,
    )
    head = queries.head_for_production(locked)
    if queries.standing_words(locked, by=by, verdict=Approval.Verdict.YES).filter(head_sha__in=("", head)).exists():
        raise Stale("You have already given the +1 of this emergency.")
    approval = Approval(
        change=locked,
        revision=queries.current_revision(locked),
        head_sha=head,
        by=by,
        verdict=Approval.Verdict.YES,
        note=note,
        via=via,
        authenticated_at=authenticated_at or at,
        at=at,
    )
    _give(approval, kind="emergency.plus_one")
    return approval


@transaction.atomic
def lapse_approvals(*, change: Change, reason: str, at: datetime, only: list[Approval] | None = None) -> int:
    """Record why approvals no longer count, and take an approved change back to review. Returns how many lapsed."""
    standing = only if only is not None else queries.standing_approvals(change)
    for approval in standing:
        lapse = ApprovalLapse.objects.create(approval=approval, reason=reason, at=at)
        append(
            stream=stream_of(change),
            kind="approval.lapsed",
            actor="portal",
            fact={"by": approval.by.name, "reason": reason, "at": at.isoformat()},
            rows=[lapse],
        )
    if standing:
        settle_state(change=change, enough=queries.has_words_enough(change, at=at), actor="portal", at=at, reason=reason)
    return len(standing)


@transaction.atomic
def withdraw_approval(*, approval: Approval, by: User, at: datetime) -> None:
    """Take one's own approval back, until the merge."""
    locked = queries.locked(approval.change_id)
    if approval.by_id != by.pk:
        raise Refused(Clause.ACCESS_RESTRICTED, "Only the person who approved can take the approval back.")
    if locked.merged_at is not None:
        raise Refused(Clause.PROD_RESTRICTED, "The change is merged to production; the approval stays on record.")
    if ApprovalLapse.objects.filter(approval=approval).exists():
        raise Stale("This approval no longer counts already.")
    lapse_approvals(change=locked, reason=f"withdrawn by {by.name}", at=at, only=[approval])


@transaction.atomic
def sign_off(*, change: Change, commit_sha: str, by: User, note: str, at: datetime) -> SignOff:
    """The tester's word that a commit works in staging (P-04). Only what stands there can be signed off.

    Raises ``Stale`` when this person gave it before.
    """
    locked = queries.locked(change.pk)
    check_right(by=by, permission=P.CHANGE_SIGN_OFF, at=at)
    check_trained(by=by, at=at)
    policy.check_sign_off(
        state=locked.state, tester=queries.actor_for(by), commit_sha=commit_sha, staged_commits=queries.staged_commits(locked)
    )
    given = SignOff(change=locked, commit_sha=commit_sha, by=by, note=note, at=at)
    try:
        with transaction.atomic():
            given.save()
    except IntegrityError as problem:
        raise Stale("You have already signed this commit off.") from problem
    append(
        stream=stream_of(locked),
        kind="staging.signed_off",
        actor=actor_of(by),
        fact={"by": by.name, "commit": commit_sha, "note": note, "at": at.isoformat()},
        rows=[given],
    )
    ring_for(locked)
    return given


@transaction.atomic
def review_after(*, change: Change, kind: str, outcome: str, note: str, by: User, at: datetime, impact: str = "") -> ReviewAfter:
    """Post-implementation review, or the retrospective review of an emergency by somebody who took no part (P-22).

    Whoever asked for a change may say how it went without the right to review.
    """
    locked = queries.locked(change.pk)
    if kind == ReviewAfter.Kind.RETROSPECTIVE or locked.requester_id != by.pk:
        check_right(by=by, permission=P.CHANGE_REVIEW_AFTER, at=at)
    policy.check_review_after(
        kind=kind,
        state=locked.state,
        reviewer=queries.actor_for(by),
        contributors=queries.contributors(locked),
        requester=queries.requester_of(locked),
        plus_ones=queries.plus_ones(locked),
    )
    row = ReviewAfter(change=locked, kind=kind, outcome=outcome, impact=impact, note=note, by=by, at=at)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as problem:
        raise Stale("You have already written this review.") from problem
    append(
        stream=stream_of(locked),
        kind=f"review.{kind}",
        actor=actor_of(by),
        fact={"by": by.name, "outcome": outcome, "impact": impact, "note": note, "at": at.isoformat()},
        rows=[row],
    )
    ring_for(locked)
    return row
