"""The people of Northwind Labs, with the roles that tests give them."""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.access.models import RoleGrant, User
from portal.access.people import stream_of
from portal.access.roles import Role
from portal.ledger.actions import append

ROLE_OF: dict[str, Role] = {
    "Ann": Role.ENGINEER,
    "Bob": Role.APPROVER,
    "Cleo": Role.CHAIR,
    "Dev": Role.ARCHITECT,
    "Mia": Role.COMPLIANCE,
    "Uma": Role.AUDITOR,
    "Rex": Role.ADMINISTRATOR,
}
LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@transaction.atomic
def person(name: str, *roles: Role | str, password: str | None = None, since: datetime = LONG_AGO) -> User:
    """Make a person who holds these roles since long ago; those of Northwind Labs have theirs when none is named."""
    user = User.objects.create_user(email=f"{name.lower().replace(' ', '.')}@northwind.example", name=name, password=password)
    for role in roles or filter(None, [ROLE_OF.get(name)]):
        hold(user, role, since=since)
    return user


@transaction.atomic
def hold(user: User, role: Role | str, *, since: datetime = LONG_AGO, until: datetime | None = None) -> RoleGrant:
    """Let a person hold a role, as if it had been given at the command line."""
    grant = RoleGrant.objects.create(
        user=user, role=Role(role), at_shell="tests", valid_from=since, valid_until=until, reason="For a test."
    )
    append(stream=stream_of(user), kind="role.granted", actor="shell:tests", fact={"role": grant.role}, rows=(grant,))
    user.grants_read = None
    return grant


def everybody() -> dict[str, User]:
    """The seven people, each with their role, by name."""
    return {name: person(name) for name in ROLE_OF}


def now() -> datetime:
    """The moment of an action in a test."""
    return timezone.now()


def soon(**parts: float) -> datetime:
    """A moment from now."""
    return timezone.now() + timedelta(**parts)
