"""That a release stands in the one channel of production changes (P-14)."""

from django.db import models

from changes.delivery.models import Release


class ReleaseLog(models.Model):
    """The message that logs a release. Several releases of one commit share a message."""

    release = models.OneToOneField(Release, on_delete=models.PROTECT, related_name="log")
    channel = models.CharField(max_length=40)
    ts = models.CharField(max_length=40)
    permalink = models.CharField(max_length=400, blank=True)
    posted_at = models.DateTimeField()
    """When Slack had taken the message, by the portal's clock."""
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.release} in {self.channel}"
