"""Who could do something on a day: the roles that were in force then, each with who gave it and why (P-19, P-20)."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from portal.access.models import RoleGrant, User
from portal.access.permissions import P
from portal.access.roles import Role, roles_with
from portal.policy.clocks import bounds_of


@dataclass(frozen=True)
class Held:
    """One role of one person that was in force on the day, from ``begins`` to ``ends`` (None: it still is)."""

    user: User
    grant: RoleGrant
    begins: datetime
    ends: datetime | None
    whole_day: bool

    @property
    def role(self) -> str:
        """The role's name."""
        return Role(self.grant.role).label

    @property
    def given(self) -> str:
        """Who stands behind it, in words."""
        grant = self.grant
        parts = [
            f"given by {grant.granted_by.name}" if grant.granted_by else "",
            f"confirmed by {grant.seconded_by.name}" if grant.seconded_by else "",
            f"at the command line by {grant.at_shell}" if grant.at_shell else "",
        ]
        return ", ".join(filter(None, parts))


def who_could(*, permission: P, day: date) -> list[Held]:
    """Every role that allowed it at any moment of the day (UTC), by the person's name. One query.

    What a role allows is read from the table of roles as it stands now; which role somebody held, from the dated grants.
    """
    start, end = bounds_of(day)
    grants = RoleGrant.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=start), role__in=roles_with(permission), valid_from__lt=end
    )
    ordered = grants.select_related("user", "granted_by", "seconded_by").order_by("user__name", "user_id", "valid_from", "pk")
    found = [_held(grant, start, end) for grant in ordered]
    return [held for held in found if held.ends is None or held.ends > max(start, held.begins)]


def _held(grant: RoleGrant, start: datetime, end: datetime) -> Held:
    """A grant counts until its end, and never beyond the moment at which the person left."""
    left = None if grant.user.is_active else grant.user.left_at
    ends = min(filter(None, (grant.valid_until, left)), default=None)
    return Held(grant.user, grant, grant.valid_from, ends, grant.valid_from <= start and (ends is None or ends >= end))
