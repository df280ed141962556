"""The reason in writing of somebody who went past the rules: asked once, answered once, told on the pull request or commit."""

from datetime import datetime

from django.db import IntegrityError, transaction

from changes.emergencies import policy, threads
from changes.emergencies.models import Answer, Ask, Emergency
from changes.exceptions import actions as exceptions
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.gates.actions import reassess
from changes.proposals import actions as proposals
from changes.proposals import queries
from changes.proposals.models import Change
from changes.proposals.moving import ring_for, stream_of
from changes.proposals.sections import texts_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.outbox.actions import enqueue
from portal.policy.refusal import Stale

COMMENT = "github.comment"


@transaction.atomic
def ask(*, emergency: Emergency, record: ExceptionRecord, account: str, person: User | None, at: datetime) -> Ask:
    """Ask whoever is behind an account why it was done so, directly and on the page. Once for an emergency and account."""
    known = Ask.objects.filter(emergency=emergency, account=account).first()
    if known is not None:
        return known
    row = Ask.objects.create(
        emergency=emergency,
        question=f"{record.sentence} Why, and what was the emergency?",
        person=person,
        account=account,
        why=f"You are asked because it was done with the account {account}. The answer is kept and shown where it happened.",
        at=at,
    )
    append(
        stream=stream_of(emergency.change),
        kind="emergency.reason_asked",
        actor="portal",
        fact={"question": row.question, "account": account, "person": person.name if person else "", "at": at.isoformat()},
        rows=[row],
    )
    threads.ask_for_reason(ask=row, at=at)
    ring_for(emergency.change)
    return row


def may_answer(*, ask: Ask, by: User, at: datetime) -> bool:
    """Whether ``by`` can answer; for pages. The action checks again."""
    if ask.person_id == by.pk or may_at(by, P.CHANGE_CLASSIFY, at=at):
        return True
    return ask.person_id is None and may_at(by, P.EXCEPTION_EXPLAIN, at=at)


@transaction.atomic
def answer(*, ask: Ask, text: str, by: User, at: datetime) -> Answer:
    """Give the reason. The first answer stands; it explains the exceptions behind it, and is told at the forge."""
    policy.check_reason(text=text)
    policy.check_answerer(
        is_asked=ask.person_id == by.pk,
        nobody_linked=ask.person_id is None,
        oversees=may_at(by, P.CHANGE_CLASSIFY, at=at),
        may_explain=may_at(by, P.EXCEPTION_EXPLAIN, at=at),
    )
    change = queries.locked(ask.emergency.change_id)
    try:
        with transaction.atomic():
            row = Answer.objects.create(ask=ask, text=text.strip(), by=by, at=at)
    except IntegrityError as problem:
        raise Stale("This reason was given already. Add what is missing as a comment on the change.") from problem
    append(
        stream=stream_of(change),
        kind="emergency.reason_given",
        actor=actor_of(by),
        fact={"by": by.name, "account": ask.account, "note": row.text, "at": at.isoformat()},
        rows=[row],
    )
    _explain(row, at)
    _tell_at_the_forge(row, change, at)
    _describe(change, row, at)
    reassess(change=Change.objects.get(pk=change.pk), at=at)
    threads.catch_up(emergency=ask.emergency, at=at)
    ring_for(change)
    return row


def _explain(row: Answer, at: datetime) -> None:
    """The exceptions that the emergency rests on are explained by the reason, unless somebody has answered them before."""
    if not may_at(row.by, P.EXCEPTION_EXPLAIN, at=at):
        return
    records = ExceptionRecord.objects.filter(emergency_cause__emergency=row.ask.emergency, state=ExceptionState.OPEN)
    for record in records.order_by("id"):
        exceptions.answer(record=record, outcome=ExceptionState.EXPLAINED, note=row.text, by=row.by, at=at)


def _tell_at_the_forge(row: Answer, change: Change, at: datetime) -> None:
    """One comment where it happened: on the pull request, else on the commit that was pushed."""
    place = _place(row.ask.emergency)
    if place is None:
        return
    body = (
        f"**Reason for the undeclared emergency {change}**, by {row.by.name}:\n\n"
        + "\n".join(f"> {line}" for line in row.text.splitlines())
        + f"\n\n{row.ask.question}\n{threads.address_of(change)}"
    )
    enqueue(kind=COMMENT, key=f"emergency:{row.ask.emergency_id}:reason:{row.pk}", payload={**place, "body": body}, at=at)


def _place(emergency: Emergency) -> dict[str, str | int] | None:
    """``{"repository", "number"}`` of a pull request or ``{"repository", "commit"}``; None when the forge is not GitHub."""
    cause = emergency.causes.select_related("record__repository").order_by("id").first()
    if cause is None or cause.record.repository is None:
        return None
    evidence, repository = cause.record.evidence, cause.record.repository.name
    number = str(evidence.get("pull_request") or "").rpartition("#")[2]
    if number.isdecimal():
        return {"repository": repository, "number": int(number)}
    commit = str(evidence.get("after") or evidence.get("commit") or "")
    return {"repository": repository, "commit": commit} if commit else None


def _describe(change: Change, row: Answer, at: datetime) -> None:
    """A change that the portal opened has no text of a person yet: the reason becomes its "why"."""
    if change.opened_by != "portal":
        return
    texts = texts_of(queries.current_revision(change)) | {"why": row.text}
    proposals.revise(change=change, texts=texts, source="portal", at=at, by=row.by, actor=actor_of(row.by))
