"""Reviews of deployments at the forge: what is kept of who let a run into a guarded environment, or kept it out."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from changes.delivery.models import Reported, Repository

UNTOLD = 0
"""The attempt of a review that only the list of a run has shown: it names none."""


class DeploymentReview(Reported):
    """One word on one environment of one workflow run. Reports of the same word are one row."""

    class State(models.TextChoices):
        REQUESTED = "requested", "Review asked for"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="deployment_reviews")
    run = models.BigIntegerField()
    attempt = models.IntegerField(default=UNTOLD)
    environment = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices)
    login = models.CharField(max_length=120, blank=True)
    uid = models.BigIntegerField(null=True, blank=True)
    commit_sha = models.CharField(max_length=64, blank=True)
    comment = models.TextField(blank=True)
    reviewers = ArrayField(models.TextField(), default=list, blank=True)
    """Who was asked: people, and teams as "team <name>"."""
    at = models.DateTimeField()
    """When its delivery came, or when the list showed it first: GitHub says no time of a review."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "run", "attempt", "environment", "state", "uid"],
                name="deployment_review_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["repository", "commit_sha"], name="deployment_review_commit")]

    def __str__(self) -> str:
        return f"{self.state} {self.environment} run {self.run}"
