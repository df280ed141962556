"""Tokens of provisioning: made by an administrator, ``cst_`` and 43 random characters, kept as SHA-256, a year at most.

One works only while whoever made it may still make one, so it ends with them too.
"""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.access.roster.describing import refused
from portal.access.roster.leaving import ends_with_person
from portal.access.scim.models import ScimToken
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of_text
from portal.policy.refusal import Stale

PREFIX = "cst_"
PREFIX_LENGTH = 11
LONGEST = timedelta(days=365)
USE_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def make_token(*, name: str, expires_at: datetime, by: User, at: datetime) -> tuple[ScimToken, str]:
    """A new token and its text, which is never readable again. Raises ``Refused``."""
    _check(by, at=at)
    if not name.strip():
        raise refused("The token has no name.", "Say which directory it is for.")
    if not at < expires_at <= at + LONGEST:
        raise refused("A token ends within a year.", "Choose an earlier end.")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ScimToken.objects.create(
        name=name.strip(), prefix=text[:PREFIX_LENGTH], digest=digest_of_text(text), made_by=by, made_at=at, expires_at=expires_at
    )
    _tell("scim_token.made", token, actor=actor_of(by))
    return token, text


@transaction.atomic
def revoke_token(*, token: ScimToken, by: User, at: datetime) -> None:
    """End a token at once. Raises ``Stale`` when it was ended already."""
    _check(by, at=at)
    _revoke(token, actor=actor_of(by), at=at)


def token_from(request: HttpRequest, *, at: datetime) -> ScimToken | None:
    """The valid token in ``Authorization: Bearer …``, or None. Notes its use, at most once a minute."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text.startswith(PREFIX):
        return None
    standing = ScimToken.objects.select_related("made_by").filter(
        digest=digest_of_text(text.strip()), revoked_at=None, expires_at__gt=at
    )
    token = standing.first()
    if token is None or not may_at(token.made_by, P.PROVISIONING_MANAGE, at=at):
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED_EVERY)
    ScimToken.objects.filter(stale, pk=token.pk).update(last_used_at=at)
    return token


@ends_with_person("provisioning_tokens")
def end_tokens(user: User, by: User | None, at: datetime) -> int:
    """Revoke what somebody made who leaves. Gives how many."""
    standing = list(ScimToken.objects.filter(made_by=user, revoked_at=None, expires_at__gt=at).order_by("pk"))
    for token in standing:
        _revoke(token, actor=actor_of(by) if by else PORTAL, at=at)
    return len(standing)


def _revoke(token: ScimToken, *, actor: str, at: datetime) -> None:
    held = ScimToken.objects.select_for_update().get(pk=token.pk)
    if held.revoked_at is not None:
        raise Stale("This token was revoked already.")
    held.revoked_at = at
    held.save(update_fields=["revoked_at"])
    _tell("scim_token.revoked", held, actor=actor)


def _check(by: User, *, at: datetime) -> None:
    if not may_at(by, P.PROVISIONING_MANAGE, at=at):
        raise refused(f"{by.name} may not {P.PROVISIONING_MANAGE.sentence}.", "An administrator does that.")


def _tell(kind: str, token: ScimToken, *, actor: str) -> None:
    fact = {"token": token.pk, "token_name": token.name, "expires_at": token.expires_at.isoformat()}
    append(stream=f"scim_token:{token.pk}", kind=kind, actor=actor, fact=fact, rows=(token,))
