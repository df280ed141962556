"""People in tests about changes: those of Northwind Labs, signed in and linked."""

from django.db import transaction

from portal.access.models import Identity, User
from portal.ledger.actions import append
from tests.portal.access.browsing import sign_in as sign_in_since
from tests.portal.access.people import LONG_AGO, person

__all__ = ["linked", "person", "sign_in", "who"]


def who(name):
    """The person of that name, made when it is the first time."""
    return User.objects.filter(name=name).first() or person(name)


@transaction.atomic
def linked(user, uid, login=""):
    """Link a GitHub account to the person."""
    row = Identity.objects.create(
        provider="github", uid=str(uid), login=login, user=user, linked_by="shell:test", linked_at=LONG_AGO
    )
    append(stream=f"person:{user.pk}", kind="identity.linked", actor="shell:test", fact={"uid": str(uid)}, rows=[row])
    return row


def sign_in(client, user, *, fresh=True):
    """Sign in, as if the password had been given just now (or an hour ago)."""
    return sign_in_since(client, user, minutes_ago=0 if fresh else 60)
