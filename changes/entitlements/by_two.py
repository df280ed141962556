"""What one person proposes and another confirms word for word: the columns of such a row, and what both halves have in common."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q

from portal.access.models import User
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

PERSON = settings.AUTH_USER_MODEL
LIVES = timedelta(hours=72)
"""How long a proposal waits for the second person."""
WAITS = Q(confirmed_at=None, withdrawn_at=None)
TWO_PEOPLE = Q(confirmed_at=None, confirmed_by=None) | Q(confirmed_at__isnull=False, confirmed_by__isnull=False) & ~Q(
    confirmed_by=models.F("proposed_by")
)


class ByTwo(models.Model):
    """A row that is in force once another person has confirmed exactly it."""

    digest = models.CharField(max_length=64)
    """Of what the second person reads; the confirmation repeats it."""
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """When the proposal lapses unless somebody confirms it."""
    confirmed_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    """From then on it is in force."""
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    """When the proposal was taken back or lapsed, or what was in force ended early."""

    class Meta:
        abstract = True


def save_alone(*, row: ByTwo, about: str) -> None:
    """Save a proposal; ``Stale`` when another about the same waits already."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as problem:
        raise Stale(f"A proposal about {about} waits for its second person already.") from problem


def check_waits(*, row: ByTwo, at: datetime) -> None:
    """``Stale`` for a proposal that is confirmed, withdrawn or too old."""
    if row.confirmed_at or row.withdrawn_at or row.expires_at <= at:
        raise Stale("This proposal no longer waits.")


def check_same(*, row: ByTwo, digest: str) -> None:
    """``Stale`` when the second person read something else."""
    if row.digest != digest:
        raise Stale("The proposal is not the one that you read.")


def check_other(*, row: ByTwo, by: User, clause: Clause) -> None:
    """``Refused`` for whoever proposed it."""
    if by.pk == row.proposed_by_id:
        raise Refused(clause, "You proposed this yourself.", "Another person confirms it.")


def confirm(*, row: ByTwo, by: User, at: datetime) -> None:
    """Write the second half; the ledger entry is the caller's."""
    row.confirmed_by, row.confirmed_at = by, at
    row.save(update_fields=["confirmed_by", "confirmed_at"])
