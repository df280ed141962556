"""What is asked about delegations, conditions and waivers, and who could still approve a change."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from changes.approvals.models import Condition, ConditionStep, Delegation, Waiver
from changes.approvals.policy import Candidate, missing_approvers
from changes.proposals import queries as proposals
from changes.proposals.models import Approval, Category, Change
from changes.proposals.people import user_actor
from portal.access.may import holders_of
from portal.access.models import User
from portal.access.permissions import P
from portal.policy.approvals import Need, need_of
from portal.policy.in_force import parameters_at


def in_force(at: datetime) -> QuerySet[Delegation]:
    """Delegations that count at that moment, with both people."""
    rows = Delegation.objects.filter(Q(ended_at=None) | Q(ended_at__gt=at), starts_at__lte=at, ends_at__gt=at)
    return rows.select_related("absent", "delegate").order_by("ends_at", "id")


def away_words(row: Delegation) -> str:
    """``is away until 3 March, Dev stands in``: the last day, in UTC."""
    return f"is away until {last_day(row):%-d %B}, {row.delegate.name} stands in"


def last_day(row: Delegation) -> date:
    """The last day on which a delegation counts, in UTC."""
    return (row.ends_at - timedelta(microseconds=1)).astimezone(UTC).date()


def meeting(*, starts_at: datetime, ends_at: datetime) -> QuerySet[Delegation]:
    """Delegations that have a moment in common with [from, to)."""
    rows = Delegation.objects.filter(Q(ended_at=None) | Q(ended_at__gt=starts_at), starts_at__lt=ends_at, ends_at__gt=starts_at)
    return rows.select_related("absent", "delegate").order_by("id")


def is_delegated(*, absent: User, to: User, at: datetime) -> bool:
    """Whether ``to`` may speak for ``absent`` at that moment."""
    return in_force(at).filter(absent=absent, delegate=to).exists()


def need_of_change(change: Change, *, at: datetime) -> Need:
    """How many approvals the change needs by the policy in force."""
    return need_of(
        parameters_at(at).approval_rules,
        kind=change.kind,
        size=change.size,
        risk=change.risk_level,
        emergency=change.category == Category.EMERGENCY,
    )


def candidates_for(change: Change, *, at: datetime) -> list[Candidate]:
    """Everybody who may approve for production, each with what keeps them from approving this change."""
    away = {row.absent_id: row for row in in_force(at)}
    said = {row.by_id: row.verdict for row in proposals.standing_approvals(change)}
    people = proposals.contributors(change)
    requester = proposals.requester_of(change)
    found = []
    for user in holders_of(P.CHANGE_APPROVE, at=at):
        actor = user_actor(user)
        why_not = ""
        if actor.same_as(requester):
            why_not = "asked for it"
        elif any(actor.same_as(other) for other in people):
            why_not = "contributed to it"
        elif user.pk in said:
            why_not = "has approved it" if said[user.pk] == Approval.Verdict.YES else "has asked for changes"
        elif user.pk in away:
            why_not = away_words(away[user.pk])
        found.append(Candidate(actor, why_not))
    return found


def missing_for(change: Change, candidates: list[Candidate], *, at: datetime) -> int:
    """How many of the approvals that it needs nobody is left to give. A no in the way is no missing approver."""
    words = proposals.standing_approvals(change)
    if any(row.verdict == Approval.Verdict.NO for row in words):
        return 0
    given = len({row.by_id for row in words})
    return missing_approvers(need=need_of_change(change, at=at), given=given, candidates=candidates)


def waiver_in_force(change: Change) -> Waiver | None:
    """The waiver that stands for the approvals of this change: decided, not taken back, not lapsed."""
    return in_force_for([change.pk]).select_related("chair", "compliance").order_by("-id").first()


def in_force_for(changes: Iterable[int]) -> QuerySet[Waiver]:
    """The waivers that stand for the approvals of these changes (by key): decided, not taken back, not lapsed."""
    decided = Waiver.objects.filter(change__in=list(changes), chair__isnull=False, compliance__isnull=False)
    return decided.filter(withdrawn_at=None, lapsed_at=None)


def waiting_waivers(at: datetime) -> QuerySet[Waiver]:
    """Waivers that wait for a signature."""
    rows = Waiver.objects.filter(Q(chair=None) | Q(compliance=None), withdrawn_at=None, expires_at__gt=at)
    return rows.select_related("change", "proposed_by").order_by("expires_at", "id")


def waivers_to_review() -> QuerySet[Waiver]:
    """Waivers that counted and that nobody has looked at again."""
    rows = Waiver.objects.filter(chair__isnull=False, compliance__isnull=False, withdrawn_at=None, lapsed_at=None)
    return rows.filter(reviewed_at=None).select_related("change").order_by("review_at", "id")


def with_steps(rows: QuerySet[Condition]) -> QuerySet[Condition]:
    """Conditions with their people, their approval and their steps, oldest first."""
    steps = ConditionStep.objects.select_related("by").order_by("id")
    rows = rows.select_related("owner", "set_by", "change", "approval__lapse")
    return rows.prefetch_related(Prefetch("steps", queryset=steps)).order_by("id")


def steps_of(condition: Condition) -> list[str]:
    """The kinds of its steps, oldest first (they must be loaded, or are asked for)."""
    return [step.kind for step in sorted(condition.steps.all(), key=lambda step: step.pk)]


def is_standing(condition: Condition) -> bool:
    """Whether the approval with which it was set still counts; what belongs to no approval always stands."""
    return condition.approval is None or not hasattr(condition.approval, "lapse")


def people_who_work(at: datetime) -> Iterable[User]:
    """Who may own a condition: people who work with changes, by name."""
    return holders_of(P.CHANGE_COMMENT, at=at)
