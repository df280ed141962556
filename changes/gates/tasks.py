"""Gates move with time: a review that becomes overdue is judged again without anybody opening the page (P-22)."""

from datetime import datetime

from celery import shared_task
from django.db.models import F, Q
from django.utils.timezone import now

from changes.gates.actions import reassess
from changes.proposals.models import Change

AT_ONCE = 200


def overdue(*, at: datetime) -> list[Change]:
    """Changes with a review that has become due since their gates were judged last, the longest due first."""
    due = Q()
    for name in ("review_due_at", "retrospective_due_at"):
        due |= Q(**{f"{name}__lte": at, f"{name}__gt": F("gates_at")})
    return list(Change.objects.filter(due).order_by("review_due_at", "id")[:AT_ONCE])


@shared_task(name="changes.gates.tasks.judge_overdue")
def judge_overdue() -> None:
    """Judge again what a clock has changed."""
    at = now()
    for change in overdue(at=at):
        reassess(change=change, at=at)
        Change.objects.filter(pk=change.pk).update(gates_at=at)
