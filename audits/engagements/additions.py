"""Let somebody into an audit that is confirmed already: one person proposes, another confirms exactly that within 72 hours (P-27).

It works as an engagement itself does. Whoever comes later is in from the moment of the confirmation, for what the engagement
covers and no longer than it; nothing else about the engagement changes.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import NoReturn

from django.db import transaction
from django.db.models import Q, QuerySet

from audits.engagements.actions import CONFIRM_WITHIN, check_maker, check_no_other, check_people, lock, stream_of
from audits.engagements.facts import Invited
from audits.engagements.models import Admission, AdmissionProposal, Engagement
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale


@transaction.atomic
def propose_admission(*, engagement: Engagement, invited: Invited, reason: str, by: User, at: datetime) -> AdmissionProposal:
    """Prepare that somebody comes into a confirmed engagement. Lets nobody in yet. Raises ``Refused``."""
    held = lock(engagement)
    _check(held, invited, by, at)
    if not reason.strip():
        _refuse("A reason is missing.", "Say in a sentence why somebody comes later.")
    if waiting_in(held, at=at).filter(person=invited.person).exists():
        _refuse(f"{invited.person.name} is proposed already.", "Another person confirms it, or takes it back.")
    new = AdmissionProposal(
        engagement=held,
        person=invited.person,
        ends_at=invited.ends_at,
        reason=reason.strip(),
        proposed_by=by,
        proposed_at=at,
        expires_at=at + CONFIRM_WITHIN,
    )
    new.digest = digest_of_addition(new)
    new.save()
    _tell("engagement.addition_proposed", new, by, rows=[new])
    return new


@transaction.atomic
def confirm_admission(*, proposal: AdmissionProposal, digest: str, by: User, at: datetime) -> Admission:
    """Let the person in from now on. ``by`` is another person, who repeats the digest of what they read.

    Raises ``Refused`` for somebody who may not, ``Stale`` when the proposal is not the one that was read, or is decided or lapsed.
    """
    held = lock(proposal.engagement)
    waiting = _waiting(proposal, at)
    if by.pk == waiting.proposed_by_id:
        _refuse("You proposed this yourself.", "Another person confirms it.")
    if waiting.digest != digest or digest_of_addition(waiting) != digest:
        raise Stale("The proposal is not the one that you read.")
    _check(held, Invited(waiting.person, waiting.ends_at), by, at)
    waiting.admission = Admission.objects.create(
        engagement=held, person=waiting.person, starts_at=at, ends_at=waiting.ends_at, added_by=waiting.proposed_by, seconded_by=by
    )
    waiting.save(update_fields=["admission"])
    _tell("engagement.person_added", waiting, by, rows=[waiting.admission, waiting])
    return waiting.admission


@transaction.atomic
def withdraw_admission(*, proposal: AdmissionProposal, by: User, at: datetime) -> None:
    """Take a proposal back, or turn somebody else's down. Raises ``Stale`` when it waits no longer."""
    held = lock(proposal.engagement)
    waiting = _waiting(proposal, at)
    check_maker(by, kind=held.kind, people=[waiting.person_id], at=at)
    waiting.withdrawn_at = at
    waiting.save(update_fields=["withdrawn_at"])
    _tell("engagement.addition_withdrawn", waiting, by, rows=[waiting])


def waiting_in(engagement: Engagement, *, at: datetime) -> QuerySet[AdmissionProposal]:
    """Proposals of an engagement that wait for a second person, oldest first."""
    rows = engagement.admission_proposals.filter(admission=None, withdrawn_at=None, expires_at__gt=at)
    return rows.select_related("person", "proposed_by").order_by("pk")


def waiting_for_second(person: User, *, at: datetime) -> QuerySet[AdmissionProposal]:
    """Proposals that this person may confirm, oldest first; whether they have the right is for the caller to know."""
    rows = AdmissionProposal.objects.filter(admission=None, withdrawn_at=None, expires_at__gt=at, engagement__ended_at=None)
    return (
        rows.exclude(Q(proposed_by=person) | Q(person=person)).select_related("person", "proposed_by", "engagement").order_by("pk")
    )


def digest_of_addition(proposal: AdmissionProposal) -> str:
    """SHA-256 over everything that the second person reads, as 64 hex digits."""
    text = {
        "engagement": proposal.engagement_id,
        "person": proposal.person_id,
        "until": proposal.ends_at.isoformat(),
        "reason": proposal.reason,
        "proposed_by": proposal.proposed_by_id,
        "proposed_at": proposal.proposed_at.isoformat(),
    }
    return hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest()


def _check(engagement: Engagement, invited: Invited, by: User, at: datetime) -> None:
    """All that has to hold when it is proposed, and still when it is confirmed."""
    check_maker(by, kind=engagement.kind, people=[invited.person.pk], at=at)
    if by.pk == invited.person.pk:
        _refuse("Nobody lets themselves in.", "Another person does.")
    if engagement.confirmed_at is None:
        _refuse("This audit is not confirmed yet.", "Prepare it anew with everybody who takes part.")
    if engagement.ended_at is not None or engagement.ends_at <= at:
        raise Stale("This audit is over.")
    if not at < invited.ends_at <= engagement.ends_at:
        _refuse("The last day lies within the engagement.", "Choose a day on which it is open.")
    check_people(engagement.kind, [invited], at)
    there = Q(ended_at=None, ends_at__gt=at) | Q(ended_at__gt=at)
    if engagement.admissions.filter(there, person=invited.person).exists():
        _refuse(f"{invited.person.name} is in this audit already.", "")
    if engagement.kind == Engagement.Kind.EXTERNAL:
        check_no_other(engagement, [invited.person.pk], begins=max(at, engagement.starts_at))


def _waiting(proposal: AdmissionProposal, at: datetime) -> AdmissionProposal:
    rows = AdmissionProposal.objects.select_for_update(of=("self",)).select_related("person", "proposed_by")
    waiting = rows.get(pk=proposal.pk)
    if waiting.admission_id is not None or waiting.withdrawn_at is not None:
        raise Stale("Somebody decided on this already.")
    if waiting.expires_at <= at:
        raise Stale("Nobody confirmed this within 72 hours. Propose it anew.")
    return waiting


def _tell(kind: str, proposal: AdmissionProposal, by: User, *, rows: Iterable[Admission | AdmissionProposal]) -> None:
    fact = {
        "engagement": proposal.engagement_id,
        "person": proposal.person_id,
        "name": proposal.person.name,
        "until": proposal.ends_at.isoformat(),
        "reason": proposal.reason,
        "proposed_by": proposal.proposed_by_id,
    }
    append(stream=stream_of(proposal.engagement), kind=kind, actor=actor_of(by), fact=fact, rows=rows)


def _refuse(why: str, instead: str) -> NoReturn:
    raise Refused(Clause.AUDITED, why, instead)
