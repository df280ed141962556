"""Findings with what they are at present: the state that the last step left."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from audits.engagements.models import Engagement
from audits.engagements.steps import last_of, with_state
from audits.findings.lifecycle import State
from audits.findings.models import Finding, FindingStep


def state_of(finding: Finding) -> tuple[int, str]:
    """The number of its last step, and the state since; 0 and empty before the first."""
    return last_of(FindingStep.objects.filter(finding=finding))


def _stated(rows: QuerySet[Finding]) -> QuerySet[Finding]:
    """Each with ``state`` and with ``moved_at``, the time of its last step."""
    found = with_state(rows, FindingStep.objects.all(), by="finding")
    return found.select_related("owner", "opened_by", "engagement")


def findings_of(engagement: Engagement) -> list[Finding]:
    """All of an audit, the closed ones last, by the day on which they are due."""
    rows = _stated(Finding.objects.filter(engagement=engagement)).order_by("due_at", "number")
    return sorted(rows, key=lambda row: vars(row)["state"] == State.CLOSED)


def finding_at(engagement_id: int, number: int) -> Finding:
    """One finding by its number within the audit. Raises ``Http404``."""
    rows = _stated(Finding.objects.select_related("item__sample", "item__row"))
    rows = rows.defer("item__sheet", "item__sample__plan", "item__row__line")
    return get_object_or_404(rows, engagement=engagement_id, number=number)


def steps_of(finding: Finding) -> list[FindingStep]:
    """All steps, oldest first."""
    return list(finding.steps.select_related("by").order_by("number"))


def unfinished(*, at: datetime) -> QuerySet[Finding]:
    """Findings that were opened by that moment and are not closed, of every audit, by the day on which they are due."""
    rows = _stated(Finding.objects.filter(opened_at__lte=at)).exclude(Q(state=State.CLOSED))
    return rows.order_by("due_at", "pk")
