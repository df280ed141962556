"""Whose vendor account is whose. Linked by the person's own sign-in at the vendor, or by somebody who answers for it."""

from datetime import datetime

from django.db import IntegrityError, transaction

from portal.access.models import Identity, User
from portal.access.people import stream_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale


@transaction.atomic
def link_identity(*, user: User, provider: str, uid: str, login: str, by: str, at: datetime) -> Identity:
    """Link the account with this number to the person. ``by`` is the actor, as the ledger writes it.

    Linking again changes nothing. Raises ``Refused`` when the account belongs to somebody else.
    """
    held = Identity.objects.select_for_update().filter(provider=provider, uid=uid, ended_at=None).first()
    if held is not None:
        return _own(held, user)
    try:
        with transaction.atomic():
            new = Identity.objects.create(user=user, provider=provider, uid=uid, login=login, linked_by=by, linked_at=at)
    except IntegrityError:
        # Somebody linked the same account in this very moment.
        return _own(Identity.objects.get(provider=provider, uid=uid, ended_at=None), user)
    _tell("identity.linked", new, by)
    return new


@transaction.atomic
def unlink_identity(*, identity: Identity, by: str, at: datetime) -> None:
    """End a link. What the account did while it was linked stays the person's. Raises ``Stale`` when it has ended."""
    held = Identity.objects.select_for_update().get(pk=identity.pk)
    if held.ended_at is not None:
        raise Stale("This account was unlinked already.")
    held.ended_at = at
    held.save(update_fields=["ended_at"])
    _tell("identity.unlinked", held, by)


def _own(held: Identity, user: User) -> Identity:
    if held.user_id != user.pk:
        raise Refused(
            Clause.ACCESS_RESTRICTED,
            "This account is linked to another person.",
            "That person, or an administrator, unlinks it first.",
        )
    return held


def _tell(kind: str, identity: Identity, actor: str) -> None:
    append(
        stream=stream_of(identity.user),
        kind=kind,
        actor=actor,
        fact={
            "identity": identity.pk,
            "person": identity.user_id,
            "name": identity.user.name,
            "provider": identity.provider,
            "uid": identity.uid,
            "login": identity.login,
        },
        rows=(identity,),
    )
