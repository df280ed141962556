"""Loads what stands beside some changes: who may approve them, waivers, conditions, freezes. Asked once for all of them."""

from collections.abc import Sequence
from datetime import datetime

from changes.approvals import queries
from changes.approvals.models import Condition, Waiver
from changes.approvals.policy import DONE, progress
from changes.gates.facts import ApproverFact, ConditionFact, FreezeFact, WaiverFact
from changes.gates.freezes import freeze_facts
from changes.proposals.models import Change
from changes.proposals.people import user_actor
from changes.proposals.queries import by_change
from portal.access.may import people_with_roles
from portal.access.permissions import P
from portal.access.roles import Role, roles_with

Approvers = tuple[tuple[ApproverFact, ...] | None, tuple[str, ...]]
AFTER_THE_MERGE: Approvers = (None, ())


class Beside:
    """What stands beside these changes at ``at`` (UTC)."""

    def __init__(self, changes: Sequence[Change], *, at: datetime) -> None:
        """Asks for everything: six queries, and one for each change that has met a freeze."""
        keys = [change.pk for change in changes]
        decided = Waiver.objects.filter(change__in=keys, chair__isnull=False, compliance__isnull=False)
        self._waivers = by_change(decided.select_related("chair", "compliance", "revision").order_by("id"))
        self._conditions = by_change(queries.with_steps(Condition.objects.filter(change__in=keys)))
        self._freezes = freeze_facts(changes, at=at)
        self._approvers = AFTER_THE_MERGE if all(change.merged_at for change in changes) else _approvers(at)

    def approvers(self, change: Change) -> Approvers:
        """Who may approve now, and the names of chair and compliance managers. None and nobody after the merge."""
        return self._approvers if change.merged_at is None else AFTER_THE_MERGE

    def waivers(self, change: Change) -> tuple[WaiverFact, ...]:
        """Every waiver that was decided, also those that ended since."""
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
            for row in self._waivers.get(change.pk, [])
            if row.chair and row.compliance and row.chair_at and row.compliance_at
        )

    def conditions(self, change: Change) -> tuple[ConditionFact, ...]:
        """Every condition with where it stands."""
        return tuple(map(_condition, self._conditions.get(change.pk, [])))

    def freezes(self, change: Change) -> tuple[FreezeFact, ...]:
        """Freezes over the change's repositories since its opening, earliest first."""
        return self._freezes.get(change.pk, ())


def _approvers(at: datetime) -> Approvers:
    approving = roles_with(P.CHANGE_APPROVE)
    holders = people_with_roles({*approving, Role.CHAIR, Role.COMPLIANCE}, at=at)
    away = {row.absent_id: queries.away_words(row) for row in queries.in_force(at)}
    people = {user.pk: user for role in approving for user in holders[role]}
    approvers = sorted(people.values(), key=lambda user: (user.name, user.pk))
    deciders = dict.fromkeys(user.name for role in (Role.CHAIR, Role.COMPLIANCE) for user in holders[role])
    return tuple(ApproverFact(user_actor(user), away.get(user.pk, "")) for user in approvers), tuple(deciders)


def _condition(row: Condition) -> ConditionFact:
    state = progress(steps=queries.steps_of(row), to_confirm=row.to_confirm)
    steps = sorted(row.steps.all(), key=lambda step: step.pk)
    lapse = getattr(row.approval, "lapse", None)
    return ConditionFact(
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
