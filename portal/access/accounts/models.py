"""Accounts at vendors that belong to no person of the portal: who was met, and what they were explained as."""

from django.db import models
from django.db.models import F, Q

from portal.access.models import User


class MetAccount(models.Model):
    """An account that somebody unknown used at a vendor's door, such as a Slack command. No evidence: only that it was met."""

    provider = models.CharField(max_length=20)
    uid = models.TextField()
    login = models.TextField(blank=True)
    name = models.TextField(blank=True)
    email = models.TextField(blank=True)
    """Only one that the vendor has confirmed."""
    is_bot = models.BooleanField(default=False)
    times = models.IntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "uid"], name="met_account_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.login or self.uid}"


class ExplainedAccount(models.Model):
    """What an account is that no person answers for: a bot or service, or somebody outside. Ended when it was wrong."""

    class As(models.TextChoices):
        SERVICE = "service", "Bot or service"
        OUTSIDER = "outsider", "Somebody outside"

    provider = models.CharField(max_length=20)
    uid = models.TextField()
    login = models.TextField(blank=True)
    explained_as = models.CharField(max_length=10, choices=As.choices)
    reason = models.TextField()
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Who answers for a bot or service; None for outsiders."""
    explained_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    explained_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "uid"], condition=Q(ended_at=None), name="explained_account_once"),
            models.CheckConstraint(condition=Q(explained_as__in=["service", "outsider"]), name="explained_account_known_as"),
            models.CheckConstraint(condition=~Q(reason=""), name="explained_account_has_reason"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("explained_at")), name="explained_account_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.login or self.uid}: {self.get_explained_as_display()}"
