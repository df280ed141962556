"""What an organisation does not use. Everything else that the guide shows is read from where it stands."""

from django.conf import settings
from django.db import models


class LeftOut(models.Model):
    """A system that somebody said is not used here; it can be taken up again at any time. Both have entries in the ledger."""

    system = models.CharField(max_length=20, unique=True)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "left out"

    def __str__(self) -> str:
        return f"{self.system} is not used here"
