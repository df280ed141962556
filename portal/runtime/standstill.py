"""Holds the jobs that follow a clock while a year is told, and until it is told on when it broke off: they would spoil it."""

from datetime import timedelta

from django.db.models.functions import Now

from portal.runtime.models import Lease
from portal.schedule import RESTS, STANDSTILL

HELD_FOR = timedelta(days=7)
"""Whoever broke off and does not come back within that time lets them go."""


def hold() -> None:
    """Hold them. What they would have done is done by whoever holds, and so they are not late."""
    Lease.objects.update_or_create(name=STANDSTILL, defaults={"next_at": Now() + HELD_FOR})
    Lease.objects.filter(name__in=RESTS).update(finished=Now())


def let_go() -> None:
    """They run again."""
    Lease.objects.filter(name__in=RESTS).update(finished=Now())
    Lease.objects.filter(name=STANDSTILL).delete()
