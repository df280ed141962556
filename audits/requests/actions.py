"""Ask, write, answer, close and reopen. Each is a message with its entry in the ledger; nothing is changed afterwards.

Auditors do this through the door, whose role may only insert: no row is locked. Of two messages at once the database keeps one,
and the other person is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audits.engagements.models import Engagement
from audits.engagements.numbering import next_number
from audits.engagements.steps import take
from audits.engagements.taking_part import check_answers, check_open, check_tests, check_works, is_auditor, refuse
from audits.requests.lifecycle import Move, state_after
from audits.requests.models import Request, RequestMessage
from audits.requests.queries import state_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.permissions import P
from portal.policy.refusal import Stale

KINDS = {
    Move.ASK: "request.asked",
    Move.WRITE: "request.written",
    Move.ANSWER: "request.answered",
    Move.CLOSE: "request.closed",
    Move.REOPEN: "request.reopened",
}
"""The word of each move in the ledger."""


@dataclass(frozen=True)
class Question:
    """What is asked, of whom, and until when (UTC)."""

    subject: str
    text: str
    owner: User
    due_at: datetime
    links: Iterable[str] = ()


@transaction.atomic
def ask(*, engagement: Engagement, question: Question, by: User, at: datetime) -> Request:
    """Open a request. Raises ``Refused``. Of two at the same moment the second one waits."""
    check_works(engagement_id=engagement.pk, by=by, at=at)
    check_answers(person=question.owner, at=at)
    if question.due_at <= at:
        refuse("The answer would be due in the past.", "Choose a later day.")
    new = Request(
        engagement=engagement,
        number=next_number(engagement=engagement, table="audits_request"),
        subject=question.subject.strip(),
        owner=question.owner,
        due_at=question.due_at,
        links=list(question.links),
        asked_by=by,
        asked_at=at,
    )
    new.save(force_insert=True)
    _message(new, Move.ASK, question.text, by, at, rows=[new])
    return new


@transaction.atomic
def write(*, request: Request, move: Move, text: str, by: User, at: datetime) -> RequestMessage:
    """Add a message: a remark, the answer, the end or the reopening. Raises ``Refused`` and ``Stale``."""
    check_open(engagement_id=request.engagement_id, at=at)
    _check_part(request, move, by, at)
    if move != Move.CLOSE and not text.strip():
        refuse("The message is empty.", "Write a sentence or two.")
    return _message(request, move, text, by, at)


def _check_part(request: Request, move: Move, by: User, at: datetime) -> None:
    """Owners and compliance answer; those who work in the audit ask on and close, each side its own questions."""
    theirs = is_auditor(by, at=at)
    if move == Move.ANSWER:
        if by.pk != request.owner_id and (theirs or not may_at(by, P.AUDIT_WORK, at=at)):
            refuse(f"{request.owner.name} answers this request.", "Ask them, or the compliance manager.")
        return
    if move == Move.WRITE and by.pk == request.owner_id:
        return
    check_tests(engagement_id=request.engagement_id, by=by, at=at)
    if move != Move.WRITE and theirs != is_auditor(request.asked_by, at=request.asked_at):
        refuse("Whoever asks decides when a request is closed.", f"{request.asked_by.name} asked this one.")


def _message(request: Request, move: Move, text: str, by: User, at: datetime, rows: Iterable[Request] = ()) -> RequestMessage:
    number, before = state_of(request)
    after = state_after(before, move)
    if after is None:
        raise Stale(f"{request} is {before} now, so nobody can {move} it. What you wrote is still in the form.")
    made = RequestMessage(request=request, number=number + 1, move=move, state=after, text=text.strip(), by=by, at=at)
    take(
        made,
        stream=f"request:{request.pk}",
        kind=KINDS[move],
        by=by,
        fact={
            "engagement": request.engagement_id,
            "request": request.number,
            "subject": request.subject,
            "owner": request.owner.name,
            "due_at": request.due_at.isoformat(),
            "state": after.value,
            "text": made.text,
            "by": by.name,
        },
        rows=rows,
    )
    return made
