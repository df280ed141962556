"""The second factor that privileged people and auditors are asked for, or everybody, and the days of grace that they get."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from portal.access.may import roles_of
from portal.access.models import FactorGrace, RoleGrant, User
from portal.access.people import PORTAL, stream_of
from portal.access.roles import PRIVILEGED
from portal.ledger.actions import append

GRACE = timedelta(days=7)
PROOFS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
GRANTS = f"""
SELECT g.*, EXISTS (SELECT FROM {Authenticator._meta.db_table} a WHERE a.user_id = g.user_id AND a.type = ANY(%s)) AS proven
FROM {RoleGrant._meta.db_table} g WHERE g.user_id = %s ORDER BY g.valid_from, g.id
"""  # noqa: S608  # table names come from the models


@dataclass(frozen=True)
class Missing:
    """A person who is asked for a second factor has none yet. ``until`` is when the portal will insist, None when it only asks."""

    until: datetime | None

    def is_over(self, *, at: datetime) -> bool:
        """Whether the days of grace have run out."""
        return self.until is not None and self.until <= at


def missing_factor(user: User) -> Missing | None:
    """What the person is to be told about their second factor; None when there is nothing to say.

    One question, which each page asks: the grants come with it, for ``may``. Written by hand, since building two anew took
    longer than asking them.
    """
    grants = tuple(RoleGrant.objects.raw(GRANTS, [[proof.value for proof in PROOFS], user.pk]))
    user.grants_read = grants
    if not (settings.MFA_OF_EVERYBODY or not roles_of(user).isdisjoint(PRIVILEGED)) or _has_one(user, grants):
        return None
    if not settings.REQUIRE_MFA:
        return Missing(until=None)
    grace = FactorGrace.objects.filter(user=user).first()
    return Missing(until=grace.ends_at if grace else None)


def _has_one(user: User, grants: tuple[RoleGrant, ...]) -> bool:
    """Each grant says it; only who never had a role is asked about on their own."""
    if grants:
        return bool(vars(grants[0])["proven"])
    return bool(Authenticator.objects.filter(user=user, type__in=PROOFS).exists())


@transaction.atomic
def begin_grace(*, user: User, at: datetime) -> datetime:
    """Start the days of grace, once; returns their end. The ledger says when the person was asked."""
    grace, new = FactorGrace.objects.get_or_create(user=user, defaults={"asked_at": at, "ends_at": at + GRACE})
    if new:
        fact = {"person": user.pk, "name": user.name, "until": grace.ends_at.isoformat()}
        append(stream=stream_of(user), kind="second_factor.asked", actor=PORTAL, fact=fact, rows=(grace,))
    return grace.ends_at
