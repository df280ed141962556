"""What a directory asks: make somebody known, replace what is written, let them go. Each in one transaction with its entries.

Letting go by SCIM is leaving: roles, sessions, tokens and the rest end at once, and what the person did stays.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from portal.access.may import roles_at
from portal.access.models import User
from portal.access.people import stream_of
from portal.access.roles import PRIVILEGED
from portal.access.roster.describing import refused, write
from portal.access.roster.leaving import end_access, reopen
from portal.access.roster.provisioning import provision
from portal.access.scim.documents import Wanted, canonical, document_of, wanted_from
from portal.access.scim.errors import ScimError
from portal.access.scim.filtering import here, named
from portal.access.scim.models import DirectoryEntry, ScimToken
from portal.access.scim.patching import patched
from portal.ledger.actions import append

REASON = "The company's directory says so."
Edit = Callable[[dict[str, Any]], Mapping[str, Any]]


def create(*, document: Mapping[str, Any], token: ScimToken, at: datetime) -> User:
    """Make somebody known; somebody whom the directory had deleted is back, without roles. Raises ``ScimError``, ``Refused``."""
    wanted = wanted_from(canonical(document), user=None)
    actor = actor_of(token)
    with transaction.atomic():
        # Two addresses are the same person in whatever case; a deleted one may be made again (RFC 7644, 3.6).
        user = _deleted(wanted)
        if named(wanted.user_name).exists() or (user is None and User.objects.filter(email=wanted.email).exists()):
            raise ScimError(409, f"{wanted.user_name} is somebody's already.", "uniqueness")
        if user is None:
            user = provision(email=wanted.email, said=wanted.said, actor=actor)
        else:
            DirectoryEntry.objects.filter(user=user).update(deleted_at=None)
            _bring(user, wanted, actor=actor, at=at)
        _enter(user, wanted, at=at)
        _be(user, wanted.active, actor=actor, at=at)
    return user


def replace(*, pk: int, document: Mapping[str, Any], token: ScimToken, at: datetime) -> User:
    """PUT: what is written becomes what the document says."""
    return _edit(pk, lambda _: canonical(document), token=token, at=at)


def patch(*, pk: int, request: Mapping[str, Any], token: ScimToken, at: datetime) -> User:
    """PATCH: all operations, or none."""
    return _edit(pk, lambda present: patched(present, request), token=token, at=at)


@transaction.atomic
def delete(*, pk: int, token: ScimToken, at: datetime) -> None:
    """Let somebody go. They are known to the directory no longer; here they have left."""
    user = _locked(pk)
    _be(user, False, actor=actor_of(token), at=at)
    entry, _ = DirectoryEntry.objects.get_or_create(user=user, defaults={"user_name": user.email, "made_at": at, "changed_at": at})
    entry.deleted_at = entry.changed_at = at
    entry.save(update_fields=["deleted_at", "changed_at"])


def actor_of(token: ScimToken) -> str:
    """The directory as an actor of ledger entries: ``scim:<token>``."""
    return f"scim:{token.pk}"


@transaction.atomic
def _edit(pk: int, edit: Edit, *, token: ScimToken, at: datetime) -> User:
    user = _locked(pk)
    entry = DirectoryEntry.objects.filter(user=user).first()
    wanted = wanted_from(edit(document_of(user, entry, base="")), user=user)
    if named(wanted.user_name).exclude(pk=user.pk).exists():
        raise ScimError(409, f"{wanted.user_name} is somebody else's.", "uniqueness")
    _bring(user, wanted, actor=actor_of(token), at=at)
    _enter(user, wanted, at=at)
    _be(user, wanted.active, actor=actor_of(token), at=at)
    return user


def _locked(pk: int) -> User:
    if not here().filter(pk=pk).exists():
        raise ScimError(404, f"There is no user {pk}.")
    return User.objects.select_for_update(no_key=True).get(pk=pk)


def _deleted(wanted: Wanted) -> User | None:
    """Somebody with this address whom the directory had deleted."""
    return User.objects.filter(email=wanted.email, directory_entry__deleted_at__isnull=False).first()


def _bring(user: User, wanted: Wanted, *, actor: str, at: datetime) -> None:
    """Write the address and the rest."""
    if wanted.email != user.email:
        _readdress(user, wanted.email, actor=actor, at=at)
    write(user=user, said=wanted.said, actor=actor)


def _readdress(user: User, email: str, *, actor: str, at: datetime) -> None:
    """Another address. Not for somebody with a privileged role: whoever has the address can ask for a new password."""
    if not roles_at(user, at=at).isdisjoint(PRIVILEGED):
        raise refused(f"{user.name} holds a privileged role, so the directory does not change the address.", "End the role first.")
    before, user.email = user.email, email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError as taken:
        raise ScimError(409, f"{email} is somebody else's.", "uniqueness") from taken
    fact = {"person": user.pk, "name": user.name, "before": before, "after": email}
    append(stream=stream_of(user), kind="person.readdressed", actor=actor, fact=fact)


def _enter(user: User, wanted: Wanted, *, at: datetime) -> None:
    called = {"user_name": wanted.user_name[:254], "external_id": wanted.external_id[:254], "changed_at": at}
    try:
        with transaction.atomic():
            DirectoryEntry.objects.update_or_create(user=user, defaults=called, create_defaults={**called, "made_at": at})
    except IntegrityError as taken:
        raise ScimError(409, f"{wanted.user_name} is somebody else's.", "uniqueness") from taken


def _be(user: User, active: bool, *, actor: str, at: datetime) -> None:
    """Here, or gone. Raises ``Refused`` for the last administrator or compliance manager."""
    if user.is_active and not active:
        end_access(user=user, by=None, actor=actor, reason=REASON, at=at)
    elif active and not user.is_active:
        reopen(user=user, actor=actor)
