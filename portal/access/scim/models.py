"""Provisioning from outside: its tokens, and what the company's directory calls each person."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from portal.access.models import User
from portal.secret import SecretField


class ScimToken(models.Model):
    """What a directory proves itself with. It opens provisioning and nothing else; only its digest is kept."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    """The first characters, shown in lists so that a person recognises it."""
    digest = SecretField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="scim_tokens")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="scim_token_expires_later"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class DirectoryEntry(models.Model):
    """What the directory calls somebody. Deleted there means: left here; what they did stays."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="directory_entry")
    user_name = models.CharField(max_length=254)
    external_id = models.CharField(max_length=254, blank=True)
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "directory entries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("user_name"), condition=Q(deleted_at=None), name="directory_name_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["external_id"], name="directory_by_external_id")]

    def __str__(self) -> str:
        return self.user_name
