"""What stands around an approval: who acts for whom while away, conditions, and waivers where nobody may approve. Evidence.

Times are UTC. Ends are exclusive: at ``ends_at`` a delegation no longer counts.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from changes.proposals.models import Approval, Change, Revision


class Delegation(models.Model):
    """Somebody's approvals in the hands of somebody else for some days, who may approve anyway. It gives no new right.

    Only its end can be brought forward (``ended_at``).
    """

    absent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["delegate", "ends_at"], name="delegation_by_delegate"),
            models.Index(fields=["absent", "ends_at"], name="delegation_by_absent"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(absent=F("delegate")), name="delegation_to_another"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="delegation_ends_later"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="delegation_ended_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.absent}"


class Condition(models.Model):
    """What has to be done by whom before a step, set with an approval (or with a decision of a meeting: no approval then).

    Its state is the last of its steps (``changes.approvals.policy.progress``).
    """

    class Before(models.TextChoices):
        MERGE = "merge", "Before the merge to production"
        RELEASE = "release", "Before the release to production"
        AFTER = "after", "After the release, until its due date"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="conditions")
    approval = models.ForeignKey(Approval, null=True, blank=True, on_delete=models.PROTECT, related_name="conditions")
    text = models.TextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    before = models.CharField(max_length=8, choices=Before.choices)
    due_at = models.DateTimeField()
    to_confirm = models.BooleanField(default=False)
    """Whoever set it has to agree that it is done."""
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["owner", "due_at"], name="condition_by_owner")]

    def __str__(self) -> str:
        return f"Condition of {self.change}"


class ConditionStep(models.Model):
    """One step of a condition: its owner says that it is done, and who set it agrees, or sends it back."""

    class Kind(models.TextChoices):
        FULFILLED = "fulfilled", "Done, says its owner"
        CONFIRMED = "confirmed", "Confirmed"
        SENT_BACK = "sent_back", "Not done yet"

    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    note = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.condition}"


class Waiver(models.Model):
    """In place of an approval that nobody may give: decided by the chair and the compliance manager, with a review afterwards.

    Both sign exactly the text behind ``digest`` within 72 hours. It binds to the text, the commit and the classes of the
    change as they were; the roles of both are checked by the database as well.
    """

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="waivers")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    head_sha = models.CharField(max_length=64)
    """The commit; empty only for an emergency, then whatever commit follows."""
    classes = models.CharField(max_length=60)
    """Category, size and kind of the change then."""
    nobody = models.JSONField(default=list)
    """Why nobody could approve: [{"name", "why"}], as the two read it."""
    reason = models.TextField()
    review_at = models.DateTimeField()
    """Until when somebody looks whether it was right."""
    digest = models.CharField(max_length=64)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    chair = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    chair_at = models.DateTimeField(null=True, blank=True)
    compliance = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    compliance_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    lapsed_at = models.DateTimeField(null=True, blank=True)
    lapse_reason = models.TextField(blank=True)
    """Why a decided waiver no longer counts: a new push, an edit, another class."""
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_note = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["change", "-id"], name="waiver_by_change"),
            models.Index(fields=["review_at"], condition=Q(reviewed_at=None), name="waiver_to_review"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(chair=None, chair_at=None) | Q(chair__isnull=False, chair_at__isnull=False), name="waiver_chair_paired"
            ),
            models.CheckConstraint(
                condition=Q(compliance=None, compliance_at=None) | Q(compliance__isnull=False, compliance_at__isnull=False),
                name="waiver_compliance_paired",
            ),
            models.CheckConstraint(condition=Q(chair=None) | ~Q(chair=F("compliance")), name="waiver_by_two"),
            models.CheckConstraint(
                condition=Q(reviewed_at=None) | Q(chair__isnull=False, compliance__isnull=False), name="waiver_review_of_a_decision"
            ),
        ]

    def __str__(self) -> str:
        return f"Waiver for {self.change}"
