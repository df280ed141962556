"""Loads what stands around the approvals of a change: who may give them, waivers, conditions."""

from datetime import datetime

from changes.approvals import queries
from changes.approvals.policy import DONE, progress
from changes.gates.facts import ApproverFact, ConditionFact, WaiverFact
from changes.proposals.models import Change
from changes.proposals.people import user_actor
from portal.access.may import people_with_roles
from portal.access.permissions import P
from portal.access.roles import Role, roles_with


def approver_facts(change: Change, *, at: datetime) -> tuple[tuple[ApproverFact, ...] | None, tuple[str, ...]]:
    """Who may approve now, and the names of chair and compliance managers. None and nobody after the merge."""
    if change.merged_at is not None:
        return None, ()
    approving = roles_with(P.CHANGE_APPROVE)
    holders = people_with_roles({*approving, Role.CHAIR, Role.COMPLIANCE}, at=at)
    away = {row.absent_id: queries.away_words(row) for row in queries.in_force(at)}
    people = {user.pk: user for role in approving for user in holders[role]}
    approvers = sorted(people.values(), key=lambda user: (user.name, user.pk))
    deciders = dict.fromkeys(user.name for role in (Role.CHAIR, Role.COMPLIANCE) for user in holders[role])
    return tuple(ApproverFact(user_actor(user), away.get(user.pk, "")) for user in approvers), tuple(deciders)


def waiver_facts(change: Change) -> tuple[WaiverFact, ...]:
    """Every waiver that was decided, also those that ended since."""
    rows = change.waivers.filter(chair__isnull=False, compliance__isnull=False)
    return tuple(
        WaiverFact(
            chair=user_actor(row.chair),
            compliance=user_actor(row.compliance),
            reason=row.reason,
            review_at=row.review_at,
            revision_digest=row.revision.binds,
            head_sha=row.head_sha,
            decided_at=max(row.chair_at, row.compliance_at),
            ended_at=row.withdrawn_at or row.lapsed_at,
        )
        for row in rows.select_related("chair", "compliance", "revision").order_by("id")
        if row.chair and row.compliance and row.chair_at and row.compliance_at
    )


def condition_facts(change: Change) -> tuple[ConditionFact, ...]:
    """Every condition with where it stands."""
    found = []
    for row in queries.with_steps(change.conditions.all()):
        state = progress(steps=queries.steps_of(row), to_confirm=row.to_confirm)
        steps = sorted(row.steps.all(), key=lambda step: step.pk)
        lapse = getattr(row.approval, "lapse", None)
        found.append(
            ConditionFact(
                number=row.pk,
                text=row.text,
                owner=user_actor(row.owner),
                before=row.before,
                due_at=row.due_at,
                set_by=user_actor(row.set_by),
                state=state,
                done_at=steps[-1].at if state == DONE else None,
                ended_at=lapse.at if lapse else None,
            )
        )
    return tuple(found)
