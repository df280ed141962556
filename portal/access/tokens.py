"""Personal tokens for the API: made, revoked, and recognised in this one place.

A token is ``cs_`` and 43 random characters. Only its SHA-256 is kept: with 256 random bits a slow digest would add nothing.
It gives at most what its owner may at the moment of the call, and only within its scopes.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from portal.access.may import may_at, roles_at
from portal.access.models import ApiToken, User
from portal.access.people import stream_of
from portal.access.permissions import FOR_TOKENS, P
from portal.access.roles import Role
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of_text
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

LONGEST = timedelta(days=365)
USE_NOTED_EVERY = timedelta(minutes=1)
PREFIX_LENGTH = 10


@transaction.atomic
def make_token(*, user: User, name: str, scopes: Iterable[P], expires_at: datetime, by: str, at: datetime) -> tuple[ApiToken, str]:
    """A new token and its text, which is never readable again. Raises ``Refused`` when it asks for too much."""
    wanted = frozenset(scopes)
    _check_wish(user=user, name=name, wanted=wanted, expires_at=expires_at, at=at)
    text = f"cs_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        prefix=text[:PREFIX_LENGTH],
        digest=digest_of_text(text),
        scopes=sorted(scope.value for scope in wanted),
        made_at=at,
        expires_at=expires_at,
    )
    _tell("token.made", token, by)
    return token, text


@transaction.atomic
def revoke_token(*, token: ApiToken, by: str, at: datetime) -> None:
    """End a token at once. Raises ``Stale`` when it was ended already."""
    held = ApiToken.objects.select_for_update().get(pk=token.pk)
    if held.revoked_at is not None:
        raise Stale("This token was revoked already.")
    held.revoked_at = at
    held.save(update_fields=["revoked_at"])
    _tell("token.revoked", held, by)


def token_from(request: HttpRequest) -> ApiToken | None:
    """The valid token in ``Authorization: Bearer …``, with its owner, or None. Notes its use, at most once a minute."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text.startswith("cs_"):
        return None
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest_of_text(text.strip()), revoked_at=None, expires_at__gt=now, user__is_active=True)
        .first()
    )
    if token is None or Role.AUDITOR in roles_at(token.user, at=now):
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def allows(*, token: ApiToken, permission: P, at: datetime) -> bool:
    """Whether this token opens that: its scope says so, and its owner may now."""
    return permission.value in token.scopes and may_at(token.user, permission, at=at)


def _check_wish(*, user: User, name: str, wanted: frozenset[P], expires_at: datetime, at: datetime) -> None:
    """A token has a name, an end within a year, and no scope that its owner lacks. Auditors have none."""
    if Role.AUDITOR in roles_at(user, at=at):
        raise _refused("Auditors read in the portal only, so that each page stands in the read log.")
    if not name.strip():
        raise _refused("The token has no name.", "Say what it is for.")
    if not wanted:
        raise _refused("The token has no scope.", "Choose what it may do.")
    if not at < expires_at <= at + LONGEST:
        raise _refused("A token ends within a year.", "Choose an earlier end.")
    if wanted - FOR_TOKENS:
        raise _refused(f"No token may {min(wanted - FOR_TOKENS).sentence}.", "A person does that in the portal.")
    lacking = [permission for permission in sorted(wanted) if not may_at(user, permission, at=at)]
    if lacking:
        raise _refused(f"{user.name} may not {lacking[0].sentence}, so no token of theirs may.")


def _refused(why: str, instead: str = "") -> Refused:
    return Refused(Clause.ACCESS_RESTRICTED, why, instead)


def _tell(kind: str, token: ApiToken, actor: str) -> None:
    append(
        stream=stream_of(token.user),
        kind=kind,
        actor=actor,
        fact={
            "token": token.pk,
            "person": token.user_id,
            "name": token.user.name,
            "token_name": token.name,
            "scopes": token.scopes,
            "expires_at": token.expires_at.isoformat(),
        },
        rows=(token,),
    )
