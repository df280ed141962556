"""Give and take roles. Every step is one transaction with its ledger entry; the database holds the same rules.

An ordinary role is given by one person. A privileged one is proposed by one and confirmed by another within 72 hours,
who confirms exactly the text that they read. A role is taken by one person, since taking must be quick.
"""

import hashlib
import json
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from portal.access.may import holders_of, may_at
from portal.access.models import RoleGrant, RoleProposal, User
from portal.access.people import actor_of, shell_actor, stream_of
from portal.access.roles import NEVER_EMPTY, PRIVILEGED, ROLES, Role
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

PROPOSAL_LIVES = timedelta(hours=72)


@transaction.atomic
def grant(*, user: User, role: Role, by: User, reason: str, at: datetime, until: datetime | None = None) -> RoleGrant:
    """Give an ordinary role from ``at`` on, until ``until`` when given. Raises ``Refused``."""
    if role in PRIVILEGED:
        raise _refused(f"{role.label} is a privileged role, which two people give.", "Propose it; another confirms.")
    _check_giver(user=user, role=role, by=by, at=at)
    new = RoleGrant(user=user, role=role, granted_by=by, valid_from=at, valid_until=until, reason=reason.strip())
    return _give(new, actor=actor_of(by))


@transaction.atomic
def propose_role(*, user: User, role: Role, by: User, reason: str, at: datetime, until: datetime | None = None) -> RoleProposal:
    """First half of giving a privileged role. Waits 72 hours for another person. Raises ``Refused``."""
    _check_giver(user=user, role=role, by=by, at=at)
    _check_room(_lock(user), role=role, start=at, until=until)
    proposal = RoleProposal(
        user=user,
        role=role,
        valid_until=until,
        reason=_said(reason),
        proposed_by=by,
        proposed_at=at,
        expires_at=at + PROPOSAL_LIVES,
    )
    proposal.digest = digest_of(proposal)
    proposal.save()
    _tell(kind="role.proposed", proposal=proposal, actor=actor_of(by))
    return proposal


@transaction.atomic
def confirm_role(*, proposal: RoleProposal, digest: str, by: User, at: datetime) -> RoleGrant:
    """Second half: ``by`` confirms what ``digest`` stands for, and the role is given at once.

    Raises ``Refused`` when this person may not, ``Stale`` when the proposal is no longer the one that was read.
    """
    waiting = _lock_waiting(proposal, at=at)
    if waiting.digest != digest or digest_of(waiting) != digest:
        raise Stale("The proposal is not the one that you read.")
    if by.pk == waiting.proposed_by_id:
        raise _refused("You proposed this role yourself.", "Another person confirms it.")
    role = Role(waiting.role)
    _check_giver(user=waiting.user, role=role, by=waiting.proposed_by, at=at)
    _check_giver(user=waiting.user, role=role, by=by, at=at)
    new = RoleGrant(
        user=waiting.user,
        role=role,
        granted_by=waiting.proposed_by,
        seconded_by=by,
        valid_from=at,
        valid_until=waiting.valid_until,
        reason=waiting.reason,
    )
    proposal.user.grants_read = None
    return _give(new, actor=actor_of(by), proposal=waiting)


@transaction.atomic
def withdraw_proposal(*, proposal: RoleProposal, by: User, at: datetime) -> None:
    """Take a waiting proposal back, or refuse somebody else's. Whoever could have confirmed it may."""
    waiting = _lock_waiting(proposal, at=at)
    if not may_at(by, ROLES[Role(waiting.role)].granted_with, at=at):
        raise _refused("You may not decide on this role.")
    waiting.withdrawn_at = at
    waiting.save(update_fields=["withdrawn_at"])
    _tell(kind="role.proposal_withdrawn", proposal=waiting, actor=actor_of(by))


@transaction.atomic
def grant_at_shell(*, user: User, role: Role, os_user: str, reason: str, at: datetime, by: User | None = None) -> RoleGrant:
    """Give any role at the server's command line, without a second person.

    Only while nobody else holds the role, or in the name of ``by``, who must be allowed to give it. The ledger names the
    operating system's account.
    """
    if by is not None:
        _check_giver(user=user, role=role, by=by, at=at)
    elif not is_free(role=role, at=at):
        raise _refused(f"Somebody is {role.label} already.", "Name with --by who gives this one.")
    new = RoleGrant(user=user, role=role, granted_by=by, at_shell=os_user, valid_from=at, reason=reason.strip())
    return _give(new, actor=shell_actor(os_user))


@transaction.atomic
def revoke(*, grant: RoleGrant, by: User, reason: str, at: datetime) -> RoleGrant:
    """End a role at once. Refused for the last lasting compliance manager or administrator."""
    role = Role(grant.role)
    if not may_at(by, ROLES[role].granted_with, at=at):
        raise _refused(f"You may not end the role {role.label}.", "Ask somebody who gives it.")
    user = _lock(grant.user)
    if role in NEVER_EMPTY and grant.valid_until is None:
        # First of all, and in one order, so that two who end each other's role do not wait for each other for ever.
        _check_lasting_holder(role=role, besides=user)
    ending = RoleGrant.objects.select_for_update().get(pk=grant.pk)
    if ending.valid_until is not None and ending.valid_until <= at:
        raise Stale("The role has ended already.")
    user.grants_read = grant.user.grants_read = None
    return _end(ending, by=by, actor=actor_of(by), reason=reason, at=at)


@transaction.atomic
def end_all(*, user: User, by: User | None, actor: str, reason: str, at: datetime) -> list[RoleGrant]:
    """End every role that the person holds or is to hold, whoever gives it, and take the proposals about it back.

    For somebody who leaves. ``by`` is None when the portal acts. Refused for the last lasting compliance manager or administrator.
    """
    standing = RoleGrant.objects.filter(Q(valid_until=None) | Q(valid_until__gt=at), user=user)
    for role in sorted(set(standing.filter(valid_until=None, role__in=NEVER_EMPTY).values_list("role", flat=True))):
        _check_lasting_holder(role=Role(role), besides=user)
    _lock(user)
    ended = [_end(held, by=by, actor=actor, reason=reason, at=at) for held in standing.select_for_update().order_by("pk")]
    concerning = RoleProposal.objects.filter(Q(user=user) | Q(proposed_by=user), grant=None, withdrawn_at=None, expires_at__gt=at)
    for proposal in concerning.select_for_update(of=("self",)).select_related("user").order_by("pk"):
        proposal.withdrawn_at = at
        proposal.save(update_fields=["withdrawn_at"])
        _tell(kind="role.proposal_withdrawn", proposal=proposal, actor=actor)
    user.grants_read = None
    return ended


def is_free(*, role: Role, at: datetime) -> bool:
    """Whether nobody holds the role at that moment or later."""
    return not RoleGrant.objects.filter(Q(valid_until=None) | Q(valid_until__gt=at), role=role).exists()


def digest_of(proposal: RoleProposal) -> str:
    """SHA-256 over everything that the second person reads, as 64 hex digits."""
    text = {
        "user": proposal.user_id,
        "role": str(proposal.role),
        "until": proposal.valid_until.isoformat() if proposal.valid_until else None,
        "reason": proposal.reason,
        "proposed_by": proposal.proposed_by_id,
        "proposed_at": proposal.proposed_at.isoformat(),
    }
    return hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest()


def _give(new: RoleGrant, *, actor: str, proposal: RoleProposal | None = None) -> RoleGrant:
    """Insert the grant after the checks that need the person's row locked."""
    user = _lock(new.user)
    _check_room(user, role=Role(new.role), start=new.valid_from, until=new.valid_until)
    _said(new.reason)
    new.save()
    if proposal is not None:
        proposal.grant = new
        proposal.save(update_fields=["grant"])
    new.user.grants_read = None
    append(
        stream=stream_of(user),
        kind="role.granted",
        actor=actor,
        fact={
            "grant": new.pk,
            "person": user.pk,
            "name": user.name,
            "role": str(new.role),
            "from": new.valid_from.isoformat(),
            "until": new.valid_until.isoformat() if new.valid_until else None,
            "granted_by": new.granted_by_id,
            "seconded_by": new.seconded_by_id,
            "reason": new.reason,
        },
        rows=(new,) if proposal is None else (new, proposal),
    )
    return new


def _end(ending: RoleGrant, *, by: User | None, actor: str, reason: str, at: datetime) -> RoleGrant:
    """Write the end of a locked grant."""
    ending.valid_until = max(at, ending.valid_from)
    ending.ended_by = by
    ending.save(update_fields=["valid_until", "ended_by"])
    user = ending.user
    append(
        stream=stream_of(user),
        kind="role.revoked",
        actor=actor,
        fact={"grant": ending.pk, "person": user.pk, "name": user.name, "role": ending.role, "reason": _said(reason)},
        rows=(ending,),
    )
    return ending


def _check_giver(*, user: User, role: Role, by: User, at: datetime) -> None:
    """Nobody gives a role to themselves, and nobody gives one that is not theirs to give."""
    if by.pk == user.pk:
        raise _refused("Nobody gives a role to themselves.", "Ask somebody else who may.")
    permission = ROLES[role].granted_with
    if not may_at(by, permission, at=at):
        names = ", ".join(person.name for person in holders_of(permission, at=at)) or "nobody yet"
        raise _refused(f"{by.name} may not give the role {role.label}.", f"Who may: {names}.")


def _check_room(user: User, *, role: Role, start: datetime, until: datetime | None) -> None:
    """The role must not overlap one that excludes it, nor itself."""
    if not user.is_active:
        raise _refused(f"{user.name} has left.")
    if until is not None and until <= start:
        raise _refused("The end lies before the beginning.", "Choose a later end.")
    held = RoleGrant.objects.filter(Q(valid_until=None) | Q(valid_until__gt=start), user=user)
    if until is not None:
        held = held.filter(valid_from__lt=until)
    for other in map(Role, held.order_by("pk").values_list("role", flat=True)):
        if other == role:
            raise _refused(f"{user.name} is {role.label} already.")
        if other in ROLES[role].excludes:
            raise _refused(f"{other.label} and {role.label} exclude each other.", f"End the role {other.label} first.")
    if role in NEVER_EMPTY and until is not None:
        _check_lasting_holder(role=role, besides=user)


def _check_lasting_holder(*, role: Role, besides: User) -> None:
    """Somebody else holds the role without an end, and goes on holding it while we look."""
    lasting = RoleGrant.objects.select_for_update(of=("self",)).filter(role=role, valid_until=None).order_by("pk")
    others = [held for held in lasting.select_related("user") if held.user_id != besides.pk and held.user.is_active]
    if not others:
        raise _refused(f"{besides.name} would be the last {role.label}.", "Give the role to somebody else first, without an end.")


def _lock(user: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _lock_waiting(proposal: RoleProposal, *, at: datetime) -> RoleProposal:
    waiting = RoleProposal.objects.select_for_update().get(pk=proposal.pk)
    if waiting.grant_id is not None or waiting.withdrawn_at is not None:
        raise Stale("Somebody decided on this proposal already.")
    if waiting.expires_at <= at:
        raise Stale("The proposal lapsed: nobody confirmed it within 72 hours.")
    return waiting


def _tell(*, kind: str, proposal: RoleProposal, actor: str) -> None:
    append(
        stream=stream_of(proposal.user),
        kind=kind,
        actor=actor,
        fact={
            "proposal": proposal.pk,
            "person": proposal.user_id,
            "name": proposal.user.name,
            "role": str(proposal.role),
            "digest": proposal.digest,
            "reason": proposal.reason,
        },
        rows=(proposal,),
    )


def _said(reason: str) -> str:
    """The reason without white space at its ends; refused when nothing is left."""
    if not reason.strip():
        raise _refused("A reason is missing.", "Say in a sentence why.")
    return reason.strip()


def _refused(why: str, instead: str = "") -> Refused:
    return Refused(Clause.ACCESS_RESTRICTED, why, instead)
