"""Delegations end with either of the two people, so that nothing is asked of somebody who is gone."""

from datetime import datetime

from django.db.models import Q

from changes.approvals.delegating import end
from changes.approvals.models import Delegation
from portal.access.models import User
from portal.access.roster.leaving import ends_with_person


@ends_with_person("delegations")
def end_delegations(user: User, by: User | None, at: datetime) -> int:
    """End every delegation from or to this person that runs or is to run. Gives how many."""
    standing = Delegation.objects.filter(Q(absent=user) | Q(delegate=user), ended_at=None, ends_at__gt=at)
    rows = list(standing.select_for_update(of=("self",)).select_related("absent", "delegate").order_by("pk"))
    for row in rows:
        # The table asks for a person behind each end: where the portal acts, it is whoever leaves.
        end(row, by=by or user, at=at)
    return len(rows)
