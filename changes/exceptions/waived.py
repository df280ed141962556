"""Waived approvals stand in the register: what the policy asks for was not done, and two people answer for it (P-29)."""

from collections.abc import Iterable
from datetime import datetime

from changes.approvals.models import Waiver
from changes.exceptions.actions import Found, answer, open_exception
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.proposals.models import Change
from portal.access.models import User

KIND = "waived_approval"


def find_waivers(*, changes: Iterable[Change], at: datetime) -> list[ExceptionRecord]:
    """Open one exception for every waiver that was decided about these changes. Returns the new ones."""
    rows = Waiver.objects.filter(change__in=list(changes), chair__isnull=False, compliance__isnull=False)
    opened = []
    for row in rows.select_related("change", "chair", "compliance").order_by("id"):
        record = open_exception(repository=None, found=_found(row), at=at)
        if record is not None:
            opened.append(record)
    return opened


def answer_by_review(*, waiver: Waiver, by: User, at: datetime) -> None:
    """The review of a waiver is the answer to its exception, if nobody has answered yet."""
    record = ExceptionRecord.objects.filter(key=_key(waiver), state=ExceptionState.OPEN).first()
    if record is not None:
        answer(record=record, outcome=ExceptionState.EXPLAINED, note=waiver.review_note, by=by, at=at)


def _key(row: Waiver) -> str:
    return f"{row.change}:waiver:{row.pk}"


def _found(row: Waiver) -> Found:
    chair, compliance = row.chair, row.compliance
    names = f"{chair.name if chair else ''} and {compliance.name if compliance else ''}"
    moments = [moment for moment in (row.chair_at, row.compliance_at) if moment is not None]
    return Found(
        kind=KIND,
        subject=str(row.change),
        key=_key(row),
        sentence=f"{names} waived the approval of {row.change}, because nobody was left who may approve it.",
        happened_at=max(moments),
        confirmed=True,
        change=row.change,
        due_at=row.review_at,
        evidence={
            "reason": row.reason,
            "review": row.review_at.isoformat(),
            "nobody": [f"{item['name']} {item['why']}" for item in row.nobody],
            "commit": row.head_sha,
        },
    )
