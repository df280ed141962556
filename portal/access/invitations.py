"""How somebody joins: by a letter to one address. There is no open sign-up.

The letter's token is kept as a digest; on its way through the outbox it is sealed. Accepting makes the person and gives
the ordinary roles; privileged ones become proposals of the inviter, which another person confirms.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from portal import vault
from portal.access import actions
from portal.access.may import may_at
from portal.access.models import Invitation, User
from portal.access.people import actor_of, shell_actor, stream_of
from portal.access.permissions import P
from portal.access.roles import PRIVILEGED, ROLES, Role
from portal.ledger.actions import append
from portal.outbox.actions import enqueue
from portal.outbox.mail import deliver_mail
from portal.outbox.registry import deliverer
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

LIVES = timedelta(days=7)
MAIL = "invitation"


@transaction.atomic
def invite(*, email: str, name: str, roles: Iterable[Role], by: User, at: datetime) -> tuple[Invitation, str]:
    """Invite an address, in the name of ``by``. Returns the invitation and its token, which is not kept.

    Raises ``Refused`` when the address belongs to somebody already, or when ``by`` may not give one of the roles.
    """
    wanted = sorted(set(roles))
    if not may_at(by, P.PERSON_INVITE, at=at):
        raise _refused(f"{by.name} may not invite people.")
    _check_roles(wanted, by=by, at=at)
    return _send(Invitation(email=email, name=name, roles=wanted, invited_by=by, invited_at=at), actor=actor_of(by))


@transaction.atomic
def invite_at_shell(
    *, email: str, name: str, roles: Iterable[Role], os_user: str, at: datetime, by: User | None = None
) -> tuple[Invitation, str]:
    """Invite from the server's command line. The roles are given as ``actions.grant_at_shell`` gives them."""
    wanted = sorted(set(roles))
    _check_roles(wanted, by=by, at=at)
    new = Invitation(email=email, name=name, roles=wanted, invited_by=by, at_shell=os_user, invited_at=at)
    return _send(new, actor=shell_actor(os_user))


@transaction.atomic
def accept(*, token: str, name: str, password: str, at: datetime) -> User:
    """Make the person whom the token invites. Raises ``Stale`` when it is unknown, used, withdrawn or too old."""
    invitation = open_invitation(token=token, at=at, lock=True)
    if invitation is None:
        raise Stale("This invitation is used up, withdrawn, or older than a week.")
    user = _joined(invitation.email, name=name, password=password)
    invitation.accepted_at = at
    invitation.accepted_by = user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    _tell("invitation.accepted", invitation, actor=actor_of(user), stream=stream_of(user))
    for role in map(Role, invitation.roles):
        if _may_still_give(role, by=invitation.invited_by, at=at):
            _give(invitation, user=user, role=role, at=at)
    return user


def _joined(email: str, *, name: str, password: str) -> User:
    """The new person; or the one who was made known by a file or by provisioning, and chooses a password now."""
    user = User.objects.select_for_update(no_key=True).filter(email=email).first()
    if user is None:
        return User.objects.create_user(email=email, name=name, password=password)
    if not may_join(user):
        raise Stale("This address has an account already. Sign in with it.")
    user.set_password(password)
    user.save(update_fields=["password"])
    return user


def may_join(user: User) -> bool:
    """Whether somebody who was made known from outside has not come yet: no password, no sign-in, no role so far."""
    return user.is_active and user.last_login is None and not user.has_usable_password() and not user.grants.exists()


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User, at: datetime) -> None:
    """Make an open invitation worthless. Raises ``Stale`` when it is open no longer."""
    if not may_at(by, P.PERSON_INVITE, at=at):
        raise _refused(f"{by.name} may not withdraw invitations.")
    held = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if held.accepted_at is not None or held.withdrawn_at is not None:
        raise Stale("This invitation is open no longer.")
    held.withdrawn_at = at
    held.save(update_fields=["withdrawn_at"])
    _tell("invitation.withdrawn", held, actor=actor_of(by))


def open_invitation(*, token: str, at: datetime, lock: bool = False) -> Invitation | None:
    """The invitation that this token opens at that moment, or None."""
    rows = Invitation.objects.select_for_update(of=("self",)) if lock else Invitation.objects.all()
    digest = hashlib.sha256(token.encode()).hexdigest()
    return rows.filter(token_digest=digest, accepted_at=None, withdrawn_at=None, expires_at__gt=at).first()


def address_of(token: str) -> str:
    """The page where this token is accepted."""
    return settings.BASE_URL + reverse("invitation", args=[token])


@deliverer(MAIL)
def deliver_invitation(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the letter and hand it to the mail server. Nothing is sent when the invitation was withdrawn meanwhile."""
    invitation = Invitation.objects.select_related("invited_by").get(pk=payload["invitation"])
    if invitation.withdrawn_at is not None or invitation.accepted_at is not None:
        return {"not_sent": "the invitation is open no longer"}
    address = address_of(vault.open(base64.b64decode(payload["sealed"])))
    host = invitation.invited_by.name if invitation.invited_by else "The administrator of Countersign"
    text = (
        f"Hello {invitation.name},\n\n{host} invites you to Countersign, where changes to production are decided and proven.\n\n"
        f"Choose a password here, until {invitation.expires_at:%-d %B %Y, %H:%M} UTC:\n\n{address}\n\n"
        "The address works once and is for you only. If you do not expect it, ignore this letter.\n"
    )
    mail = {"key": payload["key"], "to": [invitation.email], "subject": "Join Countersign: choose a password", "text": text}
    return deliver_mail(mail)


def _send(invitation: Invitation, *, actor: str) -> tuple[Invitation, str]:
    invitation.email = invitation.email.strip().lower()
    invitation.name = invitation.name.strip()
    if not invitation.name:
        raise _refused("The invitation has no name.", "Say whom you invite.")
    known = User.objects.filter(email=invitation.email).first()
    if known is not None and not may_join(known):
        raise _refused(f"{invitation.email} has an account already.", "Give that person the role instead.")
    _replace_older(invitation)
    token = secrets.token_urlsafe(32)
    invitation.token_digest = hashlib.sha256(token.encode()).hexdigest()
    invitation.expires_at = invitation.invited_at + LIVES
    invitation.save()
    _tell("invitation.sent", invitation, actor=actor)
    payload = {"invitation": invitation.pk, "sealed": base64.b64encode(vault.seal(token)).decode()}
    enqueue(kind=MAIL, key=f"invitation:{invitation.pk}", payload=payload, at=invitation.invited_at)
    return invitation, token


def _replace_older(invitation: Invitation) -> None:
    """A second letter to the same address makes the first one worthless."""
    older = Invitation.objects.select_for_update().filter(email=invitation.email, accepted_at=None, withdrawn_at=None)
    for held in older.order_by("pk"):
        held.withdrawn_at = invitation.invited_at
        held.save(update_fields=["withdrawn_at"])
        _tell("invitation.withdrawn", held, actor="portal")


def _check_roles(wanted: list[Role], *, by: User | None, at: datetime) -> None:
    """The roles fit together, and the inviter may give each of them."""
    for role in wanted:
        clash = next((other for other in wanted if other in ROLES[role].excludes), None)
        if clash is not None:
            raise _refused(f"{role.label} and {clash.label} exclude each other.", "Choose one of them.")
        if not _may_still_give(role, by=by, at=at):
            raise _refused(f"The role {role.label} is not yours to give.", "Leave it out, or name who gives it.")


def _may_still_give(role: Role, *, by: User | None, at: datetime) -> bool:
    """Whether ``by`` may give it at that moment; the command line alone only while nobody holds it."""
    return actions.is_free(role=role, at=at) if by is None else may_at(by, ROLES[role].granted_with, at=at)


def _give(invitation: Invitation, *, user: User, role: Role, at: datetime) -> None:
    """Give one role that the invitation carries."""
    inviter, reason = invitation.invited_by, "Invited"
    if inviter is None or invitation.at_shell:
        actions.grant_at_shell(user=user, role=role, os_user=invitation.at_shell, by=inviter, reason=reason, at=at)
    elif role in PRIVILEGED:
        actions.propose_role(user=user, role=role, by=inviter, reason=reason, at=at)
    else:
        actions.grant(user=user, role=role, by=inviter, reason=reason, at=at)


def _refused(why: str, instead: str = "") -> Refused:
    return Refused(Clause.ACCESS_RESTRICTED, why, instead)


def _tell(kind: str, invitation: Invitation, *, actor: str, stream: str = "") -> None:
    append(
        stream=stream or f"invitation:{invitation.pk}",
        kind=kind,
        actor=actor,
        fact={
            "invitation": invitation.pk,
            "name": invitation.name,
            "roles": list(map(str, invitation.roles)),
            "person": invitation.accepted_by_id,
        },
        rows=(invitation,),
    )
