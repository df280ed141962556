"""Who may do what, kept as intervals: things that were read, rights while they were held, and the snapshots that prove both."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from changes.entitlements.facts import Right


class Thing(models.Model):
    """Something at a source whose complete rights were read: a repository, an organisation, a project. Times are UTC."""

    source = models.CharField(max_length=80)
    """Name of the connected source, or ``portal``."""
    key = models.TextField()
    """``<kind>:<id>``, as in ``Held.thing``."""
    name = models.TextField(blank=True)
    first_read_at = models.DateTimeField()
    last_read_at = models.DateTimeField(null=True, blank=True)
    """When its complete rights were read last; None while the first reading is being written."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="thing_once")]

    def __str__(self) -> str:
        return self.name or self.key

    @property
    def provider(self) -> str:
        """The vendor, as linked identities name it: ``github`` for ``github.repository:42``."""
        return self.key.partition(":")[0].partition(".")[0]


class AccessSnapshot(models.Model):
    """A complete reading of some things: the first of a day, or one that differed from the last. Evidence; never changed."""

    source = models.CharField(max_length=80)
    at = models.DateTimeField()
    things = models.JSONField()
    """Each with ``thing``, ``name`` and ``rights`` (how many were held on it)."""
    rights = models.IntegerField()
    began = models.JSONField(default=list)
    """Rights that were new: each with the fields of ``Held``."""
    ended = models.JSONField(default=list)
    """Rights that were no longer there."""
    digest = models.CharField(max_length=64)
    """SHA-256 of every right that was held, as canonical JSON (``actions.digest_of_rights``)."""

    class Meta:
        indexes = [models.Index(fields=["source", "at"], name="snapshot_of_source")]

    def __str__(self) -> str:
        return f"{self.source} {self.at:%Y-%m-%d %H:%M}"


class Entitlement(models.Model):
    """One right of one account on one thing, from the reading that first showed it to the first that no longer did.

    Drawn from the snapshots, which are the evidence; replaying them gives these rows again.
    """

    thing = models.ForeignKey(Thing, on_delete=models.PROTECT, related_name="rights")
    account_id = models.TextField()
    """The vendor's immutable id."""
    account_name = models.TextField(blank=True)
    account_kind = models.CharField(max_length=12, default="person")
    """person, team, app or token."""
    right = models.CharField(max_length=8, choices=[(item.value, item.value) for item in Right])
    through = models.TextField(blank=True)
    """The team or role that gives it."""
    vendor_word = models.TextField(blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    """The last reading that showed it, once it ended. While it is held: see ``seen_at``."""
    ended_at = models.DateTimeField(null=True, blank=True)
    began_in = models.ForeignKey(AccessSnapshot, on_delete=models.PROTECT, related_name="+")
    ended_in = models.ForeignKey(AccessSnapshot, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thing", "account_kind", "account_id", "right", "through", "vendor_word"],
                condition=Q(ended_at=None),
                name="entitlement_held_once",
            ),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(ended_at__gte=F("first_seen_at")), name="entitlement_ends_later"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_in=None) | Q(ended_at__isnull=False, ended_in__isnull=False),
                name="entitlement_end_is_proved",
            ),
        ]
        indexes = [
            models.Index(fields=["account_id"], condition=Q(ended_at=None), name="entitlement_of_account"),
            models.Index(fields=["ended_at", "first_seen_at"], name="entitlement_when"),
        ]

    def __str__(self) -> str:
        return f"{self.account_name or self.account_id}: {self.right} on {self.thing}"

    @property
    def seen_at(self) -> datetime:
        """The last reading that showed it."""
        return self.last_seen_at if self.ended_at else (self.thing.last_read_at or self.last_seen_at)
