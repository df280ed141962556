"""What people say about how it went. Evidence in the same transaction; ``Refused`` or ``Stale`` otherwise."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from changes.delivery.models import Release
from changes.outcomes import policy
from changes.outcomes.models import DeployMark, FollowUp, RecordedRollback, RollbackDrill
from changes.outcomes.policy import Wish
from changes.outcomes.queries import apps_in_production, has_migration_in, troubles_of
from changes.proposals import approving
from changes.proposals.models import Change, ReviewAfter
from changes.proposals.moving import ring_for, stream_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring


@transaction.atomic
def review(
    *,
    change: Change,
    kind: str,
    outcome: str,
    impact: str,
    note: str,
    follow_ups: Sequence[Wish],
    by: User,
    at: datetime,
) -> ReviewAfter:
    """How a change went (P-22). ``kind`` is post_implementation or retrospective; each follow-up becomes a task of its owner."""
    may_review = may_at(by, P.CHANGE_REVIEW_AFTER, at=at)
    policy.check_writer(kind=kind, is_requester=change.requester_id == by.pk, may_review=may_review)
    policy.check_outcome(outcome=outcome, impact=impact, note=note, troubles=troubles_of(change))
    policy.check_follow_ups(wishes=follow_ups, today=at.date())
    row = approving.review_after(change=change, kind=kind, outcome=outcome, impact=impact.strip(), note=note.strip(), by=by, at=at)
    for wish in follow_ups:
        _ask_for(row, wish, by, at)
    ring("inbox")
    return row


def _ask_for(review: ReviewAfter, wish: Wish, by: User, at: datetime) -> None:
    owner = User.objects.filter(pk=wish.owner or 0).first()
    if owner is None or wish.due_on is None:
        raise Refused(Clause.EMERGENCY_REVIEW, "A follow-up lacks something.", "Give each its text, its owner and its day.")
    if not may_at(owner, P.CHANGE_PROPOSE, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{owner.name} takes no part in changes.", "Choose somebody who does.")
    row = FollowUp.objects.create(review=review, text=wish.text.strip(), owner=owner, due_on=wish.due_on)
    append(
        stream=stream_of(review.change),
        kind="follow_up.asked",
        actor=actor_of(by),
        fact={"text": row.text, "owner": owner.name, "due_on": str(row.due_on), "at": at.isoformat()},
        rows=[row],
    )


@transaction.atomic
def finish_follow_up(*, follow_up: FollowUp, note: str, by: User, at: datetime) -> FollowUp:
    """Say what was done. Raises ``Stale`` when it is done already."""
    locked = FollowUp.objects.select_for_update(of=("self",)).select_related("review__change").get(pk=follow_up.pk)
    if locked.done_at is not None:
        raise Stale("This follow-up is done already.")
    policy.check_follow_up_done(is_owner=locked.owner_id == by.pk, oversees=may_at(by, P.CHANGE_CLASSIFY, at=at), note=note)
    locked.done_at, locked.done_by, locked.done_note = at, by, note.strip()
    locked.save(update_fields=["done_at", "done_by", "done_note"])
    append(
        stream=stream_of(locked.review.change),
        kind="follow_up.done",
        actor=actor_of(by),
        fact={"text": locked.text, "note": locked.done_note, "by": by.name, "at": at.isoformat()},
        rows=[locked],
    )
    ring_for(locked.review.change)
    ring("inbox")
    return locked


@transaction.atomic
def mark_deploy(
    *, release: Release, what: str, note: str, by: User, at: datetime, resolves: DeployMark | None = None
) -> DeployMark:
    """ "This deploy failed", or "this deploy fixed it": ``resolves`` is the standing mark of the failure that it ended."""
    known = resolves is not None and resolves.what == DeployMark.What.FAILED and resolves.withdrawn_at is None
    policy.check_mark(what=what, environment=release.environment, resolves_known=known)
    mark = DeployMark(
        release=release, what=what, resolves=resolves if what == DeployMark.What.FIXED else None, note=note.strip(), by=by, at=at
    )
    try:
        with transaction.atomic():
            mark.save()
    except IntegrityError as problem:
        raise Stale("Somebody has marked this deploy so already.") from problem
    _tell_mark("deploy.marked", mark, by, at)
    return mark


@transaction.atomic
def withdraw_mark(*, mark: DeployMark, by: User, at: datetime) -> DeployMark:
    """Take a mark back; it stays on record. By whoever set it, or by those who oversee changes."""
    locked = DeployMark.objects.select_for_update(of=("self",)).select_related("release").get(pk=mark.pk)
    if locked.withdrawn_at is not None:
        raise Stale("This mark is withdrawn already.")
    if locked.by_id != by.pk and not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, "Only who set a mark and those who oversee changes take it back.")
    locked.withdrawn_at, locked.withdrawn_by = at, by
    locked.save(update_fields=["withdrawn_at", "withdrawn_by"])
    _tell_mark("deploy.mark_withdrawn", locked, by, at)
    return locked


def _tell_mark(kind: str, mark: DeployMark, by: User, at: datetime) -> None:
    append(
        stream=f"release:{mark.release_id}",
        kind=kind,
        actor=actor_of(by),
        fact={"release": str(mark.release), "what": mark.what, "note": mark.note, "by": by.name, "at": at.isoformat()},
        rows=[mark],
    )
    ring("deploys")


@transaction.atomic
def record_rollback(
    *, change: Change, target: str, snapshot: str, data_loss: str, note: str, by: User, at: datetime
) -> RecordedRollback:
    """A person says that they roll the change back; the release that does it is recognised by itself (P-17, P-18)."""
    policy.check_rollback(
        merged=change.merged_at is not None,
        target=target,
        data_loss=data_loss,
        snapshot=snapshot,
        has_migration=has_migration_in(change),
    )
    row = RecordedRollback.objects.create(
        change=change,
        target=target.strip(),
        snapshot=snapshot.strip(),
        data_loss=data_loss.strip(),
        note=note.strip(),
        by=by,
        at=at,
    )
    append(
        stream=stream_of(change),
        kind="rollback.recorded",
        actor=actor_of(by),
        fact={
            "target": row.target,
            "snapshot": row.snapshot,
            "data_loss": row.data_loss,
            "note": row.note,
            "by": by.name,
            "at": at.isoformat(),
        },
        rows=[row],
    )
    ring_for(change)
    return row


@transaction.atomic
def record_drill(
    *,
    app: str,
    environment: str,
    target: str,
    outcome: str,
    began_at: datetime,
    seconds: int,
    note: str,
    by: User,
    at: datetime,
) -> RollbackDrill:
    """A rollback that was practised, with its result and the time that it took."""
    policy.check_drill(app=app, apps=apps_in_production(), began_at=began_at, seconds=seconds, at=at)
    row = RollbackDrill.objects.create(
        app=app,
        environment=environment,
        target=target.strip(),
        outcome=outcome,
        began_at=began_at,
        seconds=seconds,
        note=note.strip(),
        by=by,
        at=at,
    )
    append(
        stream=f"app:{app}",
        kind="rollback.drilled",
        actor=actor_of(by),
        fact={
            "app": app,
            "environment": environment,
            "target": row.target,
            "outcome": outcome,
            "began_at": began_at.isoformat(),
            "seconds": seconds,
            "by": by.name,
            "at": at.isoformat(),
        },
        rows=[row],
    )
    ring("deploys")
    return row
