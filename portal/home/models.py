"""Personal things that are no evidence: items of the inbox that somebody put off, and drafts that somebody dropped."""

from django.conf import settings
from django.db import models


class Snooze(models.Model):
    """One item that one person does not want to see before a moment. Personal; the item's clock goes on."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    item = models.CharField(max_length=64)
    """Which item: the digest of its words and address (``inbox.Item.digest``)."""
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "item"], name="snooze_once")]

    def __str__(self) -> str:
        return f"{self.person} until {self.until:%Y-%m-%d %H:%M}"


class Dropped(models.Model):
    """The last draft of its kind that one person dropped, kept for a day so that it can be taken back (``dropped``). Personal."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    """Which sort of draft: each feature has its own."""
    about = models.CharField(max_length=16, blank=True)
    """What the draft was about, where there are several."""
    content = models.JSONField()
    dropped_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="dropped_last_of_kind")]

    def __str__(self) -> str:
        return f"{self.kind} dropped by {self.person}"
