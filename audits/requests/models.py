"""Questions of an audit to people who work here, each a thread of messages. Nothing here is ever changed. Times are UTC."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from audits.engagements.models import Engagement


class Request(models.Model):
    """One question, who answers it and until when. What became of it, its messages say."""

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="requests")
    number = models.PositiveIntegerField()
    """Within the engagement, from 1."""
    subject = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="audit_requests")
    due_at = models.DateTimeField()
    links = ArrayField(models.TextField(), default=list)
    """Names and addresses inside of the portal: ``audits.engagements.links``."""
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engagement", "number"], name="audit_request_number_once"),
            models.CheckConstraint(condition=Q(due_at__gt=F("asked_at")), name="audit_request_due_later"),
        ]

    def __str__(self) -> str:
        return f"Request {self.number}"


class RequestMessage(models.Model):
    """One message, what it did (``lifecycle.Move``) and what the request is since (``lifecycle.State``)."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="messages")
    number = models.PositiveIntegerField()
    """Within the request, from 1 without a gap: of two at once only one is kept."""
    move = models.CharField(max_length=8)
    state = models.CharField(max_length=10)
    text = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="audit_message_number_once"),
            models.CheckConstraint(condition=~Q(text="") | Q(move__in=["close"]), name="audit_message_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.request}, message {self.number}"
