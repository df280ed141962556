"""People, their roles and what waits for a second person, as the pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import F, Prefetch, Q

from portal.access.factors import PROOFS
from portal.access.models import ApiToken, Identity, Invitation, RoleGrant, RoleProposal, User
from portal.access.permissions import P
from portal.access.roles import ROLES, Role


@dataclass(frozen=True)
class Person:
    """One person with the roles that are in force, the linked accounts, and whether there is a second factor.

    None for the second factor means that it was not asked for: auditors may not read the table of secrets.
    """

    user: User
    grants: tuple[RoleGrant, ...]
    identities: tuple[Identity, ...]
    second_factor: bool | None


def people(*, at: datetime, with_factors: bool) -> list[Person]:
    """Everybody who is here, by name. Always the same number of queries."""
    in_force = RoleGrant.objects.filter(Q(valid_until=None) | Q(valid_until__gt=at), valid_from__lte=at).order_by("pk")
    linked = Identity.objects.filter(ended_at=None).order_by("provider", "pk")
    users = User.objects.filter(is_active=True).order_by("name", "pk")
    found = users.prefetch_related(
        Prefetch("grants", in_force, to_attr="grants_in_force"), Prefetch("identities", linked, to_attr="identities_linked")
    )
    proofs = Authenticator.objects.filter(type__in=PROOFS).values_list("user_id", flat=True)
    strong = set(proofs) if with_factors else None
    return [_person(user, strong) for user in found]


def people_who_left() -> list[User]:
    """Everybody who is here no longer, the last one first."""
    return list(User.objects.filter(is_active=False).order_by(F("left_at").desc(nulls_last=True), "name", "pk"))


def history_of(user: User) -> list[RoleGrant]:
    """Every role that the person ever had, newest first, with who gave, confirmed and ended it."""
    return list(user.grants.select_related("granted_by", "seconded_by", "ended_by").order_by("-valid_from", "-pk"))


def identities_of(user: User) -> list[Identity]:
    """Every account that was ever linked to the person, the linked ones first."""
    return sorted(user.identities.order_by("-linked_at", "-pk"), key=lambda identity: identity.ended_at is not None)


def waiting_proposals(*, at: datetime) -> list[RoleProposal]:
    """Roles that wait for a second person, the one that lapses next first."""
    waiting = RoleProposal.objects.filter(grant=None, withdrawn_at=None, expires_at__gt=at)
    return list(waiting.select_related("user", "proposed_by").order_by("expires_at", "pk"))


def open_invitations(*, at: datetime) -> list[Invitation]:
    """Letters that may still be used, newest first."""
    waiting = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=at)
    return list(waiting.select_related("invited_by").order_by("-invited_at", "-pk"))


def tokens_of(user: User) -> list[ApiToken]:
    """The person's tokens for the API, newest first."""
    return list(user.api_tokens.order_by("-made_at", "-pk"))


def roles_given_with(permissions: Iterable[P]) -> list[Role]:
    """The roles that somebody with these permissions may give or propose."""
    held = frozenset(permissions)
    return [role for role, definition in ROLES.items() if definition.granted_with in held]


def _person(user: User, strong: set[int] | None) -> Person:
    return Person(
        user=user,
        grants=tuple(getattr(user, "grants_in_force", ())),
        identities=tuple(getattr(user, "identities_linked", ())),
        second_factor=None if strong is None else user.pk in strong,
    )
