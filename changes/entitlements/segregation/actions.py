"""Accept a conflict of rights for a while, with a compensating control, by two people; end it early."""

from datetime import datetime, timedelta

from django.db import transaction

from changes.entitlements import by_two
from changes.entitlements.segregation.models import Limitation
from changes.entitlements.segregation.policy import RULES
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

LONGEST = timedelta(days=366)


@transaction.atomic
def propose(*, person: User, rule: str, reason: str, control: str, until: datetime, by: User, at: datetime) -> Limitation:
    """First half. ``until`` lies within a year. ``Stale`` when a proposal about it waits already."""
    if not may_at(by, P.WAIVER_PROPOSE, at=at):
        raise Refused(Clause.FOLLOWED, "Approvers, the architecture team and compliance propose this.")
    if rule not in RULES:
        raise Refused(Clause.FOLLOWED, "This is no conflict that the portal knows.", "Choose one of the list.")
    if not reason.strip() or not control.strip():
        raise Refused(Clause.FOLLOWED, "A limitation needs its reason and what is done instead.", "Write both.")
    if not at < until <= at + LONGEST:
        raise Refused(Clause.FOLLOWED, "A limitation ends on a day within a year.", "Choose its last day.")
    for old in Limitation.objects.select_for_update().filter(person=person, rule=rule, confirmed_at=None, withdrawn_at=None):
        if old.expires_at <= at:
            _end("limitation.expired", old, None, at)
    text = {"person": person.pk, "rule": rule, "reason": reason.strip(), "control": control.strip(), "until": until}
    row = Limitation(
        person=person,
        rule=rule,
        reason=reason.strip(),
        control=control.strip(),
        until=until,
        digest=digest_of(text),
        proposed_by=by,
        proposed_at=at,
        expires_at=at + by_two.LIVES,
    )
    by_two.save_alone(row=row, about="this")
    _tell("limitation.proposed", row, by, at)
    return row


@transaction.atomic
def confirm(*, row: Limitation, digest: str, by: User, at: datetime) -> Limitation:
    """Second half: accepted until its day. Nobody confirms what they proposed, or what is about themselves."""
    waiting = _locked(row)
    by_two.check_waits(row=waiting, at=at)
    by_two.check_same(row=waiting, digest=digest)
    if not may_at(by, P.EXCEPTION_ACCEPT, at=at):
        raise Refused(Clause.FOLLOWED, "The chair or compliance confirms a limitation.")
    by_two.check_other(row=waiting, by=by, clause=Clause.FOLLOWED)
    if by.pk == waiting.person_id:
        raise Refused(Clause.FOLLOWED, "This is about your own rights.", "Somebody else confirms it.")
    by_two.confirm(row=waiting, by=by, at=at)
    _tell("limitation.accepted", waiting, by, at)
    return waiting


@transaction.atomic
def end(*, row: Limitation, by: User, at: datetime) -> None:
    """Take a proposal back or refuse it, or end a limitation before its day. ``Stale`` when it is over."""
    standing = _locked(row)
    if standing.withdrawn_at or (standing.until if standing.confirmed_at else standing.expires_at) <= at:
        raise Stale("This is over already.")
    if by.pk != standing.proposed_by_id and not may_at(by, P.EXCEPTION_ACCEPT, at=at):
        raise Refused(Clause.FOLLOWED, "The chair or compliance decides on this.")
    _end("limitation.ended" if standing.confirmed_at else "limitation.withdrawn", standing, by, at)


def _locked(row: Limitation) -> Limitation:
    return Limitation.objects.select_for_update(of=("self",)).select_related("person").get(pk=row.pk)


def _end(kind: str, row: Limitation, by: User | None, at: datetime) -> None:
    row.withdrawn_at = at
    row.save(update_fields=["withdrawn_at"])
    _tell(kind, row, by, at)


def _tell(kind: str, row: Limitation, by: User | None, at: datetime) -> None:
    append(
        stream=f"limitation:{row.person_id}:{row.rule}",
        kind=kind,
        actor=actor_of(by) if by is not None else "portal",
        fact={
            "person": row.person.name,
            "rule": row.rule,
            "reason": row.reason,
            "control": row.control,
            "until": row.until.isoformat(),
            "digest": row.digest,
            "by": by.name if by is not None else "",
            "at": at.isoformat(),
        },
        rows=[row],
    )
    ring("access")
    ring("inbox")
