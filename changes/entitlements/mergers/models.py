"""Lists of authorised mergers."""

from django.conf import settings
from django.db import models
from django.db.models import Q

PERSON = settings.AUTH_USER_MODEL


class MergerList(models.Model):
    """Who may merge into one branch of one repository: proposed by one person, in force once another confirmed exactly it."""

    class Branch(models.TextChoices):
        MAIN = "main", "main"
        PROD = "prod", "prod"

    repository = models.ForeignKey("changes.Repository", on_delete=models.PROTECT, related_name="merger_lists")
    branch = models.CharField(max_length=4, choices=Branch.choices)
    """The branch's part in the policy, whatever it is called at the vendor."""
    people = models.JSONField()
    """Each with ``id`` and ``name``, by id. Nobody may be empty: then nobody merges."""
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """When the proposal lapses unless somebody confirms it."""
    confirmed_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    """From then on it is in force, until the next one is."""
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "branch"], condition=Q(confirmed_at=None, withdrawn_at=None), name="merger_list_waits_once"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at=None, confirmed_by=None)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False) & ~Q(confirmed_by=models.F("proposed_by")),
                name="merger_list_two_people",
            ),
        ]
        indexes = [models.Index(fields=["repository", "branch", "-confirmed_at"], name="merger_list_in_force")]

    def __str__(self) -> str:
        return f"mergers of {self.repository} {self.branch}"
