"""Lists of authorised mergers."""

from django.db import models

from changes.entitlements.by_two import TWO_PEOPLE, WAITS, ByTwo


class MergerList(ByTwo):
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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "branch"], condition=WAITS, name="merger_list_waits_once"),
            models.CheckConstraint(condition=TWO_PEOPLE, name="merger_list_two_people"),
        ]
        indexes = [models.Index(fields=["repository", "branch", "-confirmed_at"], name="merger_list_in_force")]

    def __str__(self) -> str:
        return f"mergers of {self.repository} {self.branch}"
