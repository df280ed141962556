"""How it went: follow-ups of reviews, marks on deploys, rollbacks that people record, and drills. Times are UTC."""

from django.conf import settings
from django.db import models

from changes.delivery.models import Release
from changes.proposals.models import Change, ReviewAfter


class FollowUp(models.Model):
    """What a review afterwards asks somebody to do by a day."""

    review = models.ForeignKey(ReviewAfter, on_delete=models.PROTECT, related_name="follow_ups")
    text = models.TextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="follow_ups")
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    done_note = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "due_on"], condition=models.Q(done_at=None), name="follow_up_waiting")]

    def __str__(self) -> str:
        return self.text


class DeployMark(models.Model):
    """A person's word that a deploy failed, or that it fixed one that had: the pipeline alone cannot know it."""

    class What(models.TextChoices):
        FAILED = "failed", "This deploy failed"
        FIXED = "fixed", "This deploy fixed it"

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="marks")
    what = models.CharField(max_length=8, choices=What.choices)
    resolves = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="resolved_by")
    """For a fix: the failure that it ended."""
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["release", "what"], condition=models.Q(withdrawn_at=None), name="deploy_mark_stands_once"
            ),
            models.CheckConstraint(
                condition=models.Q(what="failed", resolves=None) | models.Q(what="fixed"), name="deploy_mark_only_fixes_resolve"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release} {self.what}"


class RecordedRollback(models.Model):
    """A person says that they roll a change back: to what, what is lost, from which snapshot. The facts follow (P-17, P-18)."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="recorded_rollbacks")
    target = models.TextField()
    """The release to go back to, as people name it."""
    snapshot = models.TextField(blank=True)
    data_loss = models.TextField()
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.change} back to {self.target}"


class RollbackDrill(models.Model):
    """A rollback that was practised: from where to where, how long it took, whether it worked (P-17)."""

    class Outcome(models.TextChoices):
        WORKED = "worked", "It worked"
        PARTLY = "partly", "Partly"
        FAILED = "failed", "It failed"

    app = models.CharField(max_length=120)
    environment = models.CharField(max_length=60)
    target = models.TextField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    began_at = models.DateTimeField()
    seconds = models.PositiveIntegerField()
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["app", "-began_at"], name="drill_of_app")]

    def __str__(self) -> str:
        return f"{self.app} {self.outcome}"

    @property
    def minutes(self) -> float:
        """How long it took, in minutes with one decimal."""
        return round(self.seconds / 60, 1)
