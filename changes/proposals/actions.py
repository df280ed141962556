"""What is done to a change. Every action writes its evidence in the same transaction, under a lock on the change.

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from changes.delivery.models import PullRequest
from changes.proposals import policy, queries
from changes.proposals.digest import revision_digest
from changes.proposals.lifecycle import State, find_move
from changes.proposals.models import (
    Approval,
    ApprovalLapse,
    Change,
    LinkedPullRequest,
    ReviewAfter,
    Revision,
    SignOff,
)
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

NUMBERS = 7201
"""Key of the advisory lock under which change numbers are given: no number is lost, none is given twice."""
FIRST_NUMBER = 1001
TEXT_FIELDS = ("title", "why", "what", "tested", "rollback", "snapshot")
Texts = Mapping[str, str]


def stream_of(change: Change) -> str:
    """The ledger stream of one change."""
    return f"change:{change.number}"


@transaction.atomic
def open_change(
    *,
    texts: Texts,
    source: str,
    at: datetime,
    by: User | None = None,
    by_login: str = "",
    actor: str,
    state: State = State.DRAFT,
    classified: Mapping[str, Any] | None = None,
) -> Change:
    """Open a change with its first revision. ``source`` is form, pull_request or portal; ``texts`` has the six texts."""
    change = Change(
        number=_next_number(),
        title=texts["title"],
        state=state,
        requester=by,
        requester_login=by_login,
        opened_by=source,
        opened_at=at,
        moved_at=at,
        **(classified or {}),
    )
    change.save()
    revision = _add_revision(change, texts, source, by, by_login, at)
    append(
        stream=stream_of(change),
        kind="change.opened",
        actor=actor,
        fact={"title": change.title, "opened_by": source, "at": at.isoformat(), "digest": revision.digest},
        rows=[change, revision],
    )
    ring("changes")
    return change


@transaction.atomic
def revise(
    *, change: Change, texts: Texts, source: str, at: datetime, by: User | None = None, by_login: str = "", actor: str
) -> Revision:
    """Add a revision when the text differs from the present one; approvals of the old text lapse visibly."""
    locked = queries.locked(change.pk)
    present = queries.current_revision(locked)
    wanted = {name: texts.get(name, "") for name in TEXT_FIELDS}
    if present.digest == revision_digest(**wanted):
        return present
    revision = _add_revision(locked, wanted, source, by, by_login, at)
    locked.title = revision.title
    locked.version += 1
    locked.moved_at = max(locked.moved_at, at)
    locked.save(update_fields=["title", "version", "moved_at"])
    append(
        stream=stream_of(locked),
        kind="change.revised",
        actor=actor,
        fact={"revision": revision.number, "digest": revision.digest, "at": at.isoformat()},
        rows=[revision],
    )
    lapse_approvals(change=locked, reason=f"the proposal was edited: revision {revision.number}", at=at)
    _ring(locked)
    return revision


@transaction.atomic
def move(*, change: Change, verb: str, actor: str, at: datetime, fact: Mapping[str, Any] | None = None) -> Change:
    """Make one move of the table. Raises ``Stale`` when the change is not where the move starts."""
    locked = queries.locked(change.pk)
    step = find_move(verb, locked.state)
    if step is None:
        raise Stale(f"{locked} is {State(locked.state).label.lower()} now; it cannot {verb.replace('_', ' ')} from there.")
    locked.state = step.target
    locked.moved_at = max(locked.moved_at, at)
    locked.version += 1
    locked.save(update_fields=["state", "moved_at", "version"])
    append(
        stream=stream_of(locked),
        kind=f"change.{verb}",
        actor=actor,
        fact={"from": str(step.source), "to": str(step.target), "at": at.isoformat(), **(fact or {})},
        rows=[locked],
    )
    _ring(locked)
    change.state, change.version, change.moved_at = locked.state, locked.version, locked.moved_at
    return locked


@transaction.atomic
def press(*, change: Change, verb: str, by: User, at: datetime) -> Change:
    """A move that a person presses: propose, withdraw, reopen, close. Only the requester may, and who classifies."""
    step = find_move(verb, change.state)
    if step is None or not step.by_person or verb == "approve":
        raise Stale(f"{change} is {State(change.state).label.lower()} now; it cannot {verb} from there.")
    if change.requester_id != by.pk and not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"Only the requester or the architecture team can {verb} this change.")
    return move(change=change, verb=verb, actor=actor_of(by), at=at, fact={"by": by.name})


@transaction.atomic
def approve(*, change: Change, by: User, verdict: str, note: str, authenticated_at: datetime | None, at: datetime) -> Approval:
    """A person's yes or no for production, on the present revision and head commit (P-03, P-19).

    Refused for a contributor by any linked identity, without a fresh sign-in, or when nothing waits for approval;
    the database refuses it once more by itself. Raises ``Stale`` when this person has already said it.
    """
    locked = queries.locked(change.pk)
    revision = queries.current_revision(locked)
    head = queries.head_for_production(locked)
    policy.check_approver(
        state=locked.state,
        approver=queries.actor_for(by),
        contributors=queries.contributors(locked),
        requester=queries.requester_of(locked),
        head_sha=head,
        authenticated_at=authenticated_at,
        at=at,
    )
    approval = Approval(
        change=locked,
        revision=revision,
        head_sha=head,
        by=by,
        verdict=verdict,
        note=note,
        authenticated_at=authenticated_at or at,
        at=at,
    )
    try:
        with transaction.atomic():
            approval.save()
    except IntegrityError as problem:
        raise Stale("You have already given your word on this revision and commit.") from problem
    append(
        stream=stream_of(locked),
        kind="approval.given" if verdict == Approval.Verdict.YES else "approval.refused",
        actor=actor_of(by),
        fact={
            "by": by.name,
            "revision": revision.number,
            "digest": revision.digest,
            "head": head,
            "verdict": verdict,
            "note": note,
            "at": at.isoformat(),
        },
        rows=[approval],
    )
    _after_approval(locked, verdict, actor_of(by), at)
    return approval


def _after_approval(change: Change, verdict: str, actor: str, at: datetime) -> None:
    if verdict == Approval.Verdict.YES and change.state == State.PROPOSED:
        move(change=change, verb="approve", actor=actor, at=at)
    if verdict == Approval.Verdict.NO and change.state == State.APPROVED:
        move(change=change, verb="lapse", actor=actor, at=at, fact={"reason": "changes were requested"})
    _ring(change)


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
    if standing and change.state == State.APPROVED:
        move(change=change, verb="lapse", actor="portal", at=at, fact={"reason": reason})
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
    """The tester's word that a commit works in staging (P-04). Raises ``Stale`` when it was given before."""
    locked = queries.locked(change.pk)
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
    _ring(locked)
    return given


@transaction.atomic
def review_after(*, change: Change, kind: str, outcome: str, note: str, by: User, at: datetime) -> ReviewAfter:
    """Post-implementation review, or the retrospective review of an emergency by somebody who took no part (P-22)."""
    locked = queries.locked(change.pk)
    policy.check_review_after(
        kind=kind,
        state=locked.state,
        reviewer=queries.actor_for(by),
        contributors=queries.contributors(locked),
        requester=queries.requester_of(locked),
        plus_ones=queries.plus_ones(locked),
    )
    row = ReviewAfter(change=locked, kind=kind, outcome=outcome, note=note, by=by, at=at)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as problem:
        raise Stale("You have already written this review.") from problem
    append(
        stream=stream_of(locked),
        kind=f"review.{kind}",
        actor=actor_of(by),
        fact={"by": by.name, "outcome": outcome, "note": note, "at": at.isoformat()},
        rows=[row],
    )
    _ring(locked)
    return row


@transaction.atomic
def link(*, change: Change, pull_request: PullRequest, role: str, reason: str, actor: str, at: datetime) -> bool:
    """Join a pull request to a change. Returns whether the link is new."""
    row, made = LinkedPullRequest.objects.get_or_create(
        change=change, pull_request=pull_request, defaults={"role": role, "reason": reason, "at": at}
    )
    if made:
        names = sorted({*change.repository_names, pull_request.repository.name})
        Change.objects.filter(pk=change.pk).update(repository_names=names)
        change.repository_names = names
        append(
            stream=stream_of(change),
            kind="change.linked",
            actor=actor,
            fact={"pull_request": str(pull_request), "role": role, "reason": reason, "at": at.isoformat()},
            rows=[row],
        )
    return made


@transaction.atomic
def name_requester(*, change: Change, person: User, actor: str, at: datetime) -> None:
    """Put the person behind the account that asked for the change on record, once the account is linked."""
    locked = queries.locked(change.pk)
    locked.requester = person
    locked.save(update_fields=["requester"])
    append(
        stream=stream_of(locked),
        kind="change.requester_named",
        actor=actor,
        fact={"person": person.name, "account": locked.requester_login, "at": at.isoformat()},
        rows=[locked],
    )
    change.requester = person


@transaction.atomic
def classify(*, change: Change, values: Mapping[str, Any], actor: str, at: datetime) -> bool:
    """Write category, size and kind as computed. Returns whether anything changed; an unchanged one writes nothing."""
    locked = queries.locked(change.pk)
    fresh = {name: values[name] for name in ("category", "size", "kind") if values[name] != getattr(locked, name)}
    if not fresh and values["reasons"] == locked.reasons:
        return False
    for name, value in (*fresh.items(), ("reasons", values["reasons"])):
        setattr(locked, name, value)
        setattr(change, name, value)
    locked.save(update_fields=[*fresh, "reasons"])
    if fresh:
        append(
            stream=stream_of(locked),
            kind="change.emergency_declared" if fresh.get("category") == "emergency" else "change.classified",
            actor=actor,
            fact={**fresh, "reasons": values["reasons"], "at": at.isoformat()},
            rows=[locked],
        )
        _ring(locked)
    return bool(fresh)


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
        cursor.execute("SELECT coalesce(max(number), %s) + 1 FROM changes_change", [FIRST_NUMBER - 1])
        row = cursor.fetchone()
    return int(row[0]) if row else FIRST_NUMBER


def _add_revision(change: Change, texts: Texts, source: str, by: User | None, by_login: str, at: datetime) -> Revision:
    values = {name: texts.get(name, "") for name in TEXT_FIELDS}
    last = change.revisions.order_by("-number").values_list("number", flat=True).first() or 0
    return Revision.objects.create(
        change=change,
        number=last + 1,
        digest=revision_digest(**values),
        source=source,
        by=by,
        by_login=by_login,
        at=at,
        **values,
    )


def _ring(change: Change) -> None:
    ring(f"change-{change.number}")
    ring("inbox")
