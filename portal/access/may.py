"""The only question about rights: may this person do that? Roles are dated grants and count at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from portal.access.models import RoleGrant, RoleGrantQuerySet, User
from portal.access.permissions import EVERYBODY, P
from portal.access.roles import Role, permissions_of, roles_with

NONE: frozenset[P] = frozenset()


@dataclass(frozen=True)
class WhoMay:
    """Which roles carry a permission, and who holds one of them. For refusals and for gates that wait."""

    permission: P
    roles: tuple[Role, ...]
    people: tuple[User, ...]


def may(user: User | AnonymousUser, permission: P) -> bool:
    """Whether the person may do it now. Reads the grants once per object, hence once per request.

    For views and templates. An action asks ``may_at`` inside its transaction, which reads the database anew.
    """
    return permission in all_that(user)


def all_that(user: User | AnonymousUser) -> frozenset[P]:
    """Every permission that ``may`` grants the person now; none to strangers and to people who left."""
    if not isinstance(user, User) or not user.is_active:
        return NONE
    return permissions_of(roles_of(user)) | EVERYBODY


def may_at(user: User, permission: P, *, at: datetime) -> bool:
    """Whether the person might do it at that moment, as the database says now. Never answers from memory."""
    if not User.objects.filter(pk=user.pk, is_active=True).exists():
        return False
    return permission in EVERYBODY or permission in permissions_of(roles_at(user, at=at))


def roles_of(user: User | AnonymousUser) -> frozenset[Role]:
    """The roles that the person holds now, read once per object."""
    if not isinstance(user, User):
        return frozenset()
    if user.grants_read is None:
        user.grants_read = tuple(RoleGrant.objects.filter(user_id=user.pk).order_by("valid_from", "pk"))
    now = timezone.now()
    return frozenset(
        Role(grant.role)
        for grant in user.grants_read
        if grant.valid_from <= now and (grant.valid_until is None or grant.valid_until > now)
    )


def roles_at(user: User, *, at: datetime) -> frozenset[Role]:
    """The roles that the person held at a moment, read from the database."""
    return frozenset(map(Role, _valid(at).filter(user_id=user.pk).values_list("role", flat=True)))


def holders_of(permission: P, *, at: datetime) -> tuple[User, ...]:
    """Active people who may do it at that moment, by name."""
    holding = _valid(at).filter(role__in=roles_with(permission)).values("user_id")
    people = User.objects.filter(is_active=True).order_by("name", "pk")
    return tuple(people if permission in EVERYBODY else people.filter(pk__in=holding))


def holders_of_role(role: Role, *, at: datetime) -> tuple[User, ...]:
    """Active people who hold this role at that moment, by name."""
    holding = _valid(at).filter(role=role).values("user_id")
    return tuple(User.objects.filter(is_active=True, pk__in=holding).order_by("name", "pk"))


def people_with_roles(roles: Iterable[Role], *, at: datetime) -> dict[Role, tuple[User, ...]]:
    """Active people who hold each of these roles at that moment, by name. One query."""
    found: dict[Role, list[User]] = {role: [] for role in roles}
    grants = _valid(at).filter(role__in=list(found), user__is_active=True).select_related("user")
    for grant in grants.order_by("user__name", "user_id"):
        found[Role(grant.role)].append(grant.user)
    return {role: tuple(people) for role, people in found.items()}


def who_may(permission: P, *, at: datetime) -> WhoMay:
    """Roles and people that a 403 page or a waiting gate can name."""
    return WhoMay(permission=permission, roles=roles_with(permission), people=holders_of(permission, at=at))


def _valid(at: datetime) -> RoleGrantQuerySet:
    return RoleGrantQuerySet(RoleGrant).valid(at=at)
