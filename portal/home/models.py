"""Items of the inbox that somebody put off."""

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
