"""The portal's own roles as rights, and whose any account is."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Q

from changes.entitlements.actions import take
from changes.entitlements.facts import Held, Right
from changes.entitlements.models import AccessSnapshot, Entitlement
from portal.access.models import Identity, RoleGrant, User
from portal.access.roles import Role

PORTAL = "portal"
THING = "portal.roles:countersign"
RIGHTS: dict[Role, Right] = {
    Role.ENGINEER: Right.WRITE,
    Role.APPROVER: Right.APPROVE,
    Role.ARCHITECT: Right.APPROVE,
    Role.CHAIR: Right.APPROVE,
    Role.COMPLIANCE: Right.ADMIN,
    Role.AUDITOR: Right.READ,
    Role.ADMINISTRATOR: Right.ADMIN,
    Role.LEARNER: Right.READ,
}


def take_own(*, at: datetime) -> AccessSnapshot | None:
    """Who holds which role here now, kept like the rights at any vendor."""
    rows = RoleGrant.objects.filter(Q(valid_until=None) | Q(valid_until__gt=at), valid_from__lte=at, user__is_active=True)
    held = [
        Held(str(row.user_id), row.user.name, THING, "Countersign", RIGHTS[Role(row.role)], vendor_word=row.role)
        for row in rows.select_related("user").order_by("pk")
    ]
    return take(source=PORTAL, things=[THING], held=held, at=at)


def people_of(rights: Iterable[Entitlement]) -> Mapping[tuple[str, str], User]:
    """By provider and account: whose it is, for accounts that are linked to somebody. Two queries."""
    keys = {(row.thing.provider, row.account_id) for row in rights if row.account_kind == "person"}
    own = [int(uid) for provider, uid in keys if provider == PORTAL and uid.isdecimal()]
    found = {(PORTAL, str(user.pk)): user for user in User.objects.filter(pk__in=own)}
    links = Identity.objects.filter(ended_at=None, uid__in={uid for _, uid in keys}).select_related("user")
    found |= {(link.provider, link.uid): link.user for link in links if (link.provider, link.uid) in keys}
    return found


def person_of_right(row: Entitlement, people: Mapping[tuple[str, str], User]) -> User | None:
    """Whose a right is."""
    return people.get((row.thing.provider, row.account_id)) if row.account_kind == "person" else None
