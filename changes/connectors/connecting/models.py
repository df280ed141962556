"""What somebody has given so far to connect a vendor. No evidence: what is connected in the end is (``connectors.actions``)."""

from django.conf import settings
from django.db import models

from changes.connectors.models import Fetch, Source
from portal.secret import SecretBinaryField

PERSON = settings.AUTH_USER_MODEL


class Connecting(models.Model):
    """One vendor that is being connected; any administrator can go on with it. Its secrets are wiped when it ends."""

    kind = models.CharField(max_length=20)
    api_url = models.CharField(max_length=300)
    token_encrypted = SecretBinaryField(blank=True, default=b"")
    secret_encrypted = SecretBinaryField(blank=True, default=b"")
    """What signs deliveries: ours, or Slack's signing secret."""
    app_id = models.CharField(max_length=40, blank=True)
    installation_id = models.CharField(max_length=40, blank=True)
    app_url = models.CharField(max_length=300, blank=True)
    """The page of the App that GitHub made for us, from where it is installed."""
    settings = models.JSONField(default=dict, blank=True)
    """What the credential is for: the account at Cloudflare."""
    state_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the word that comes back from GitHub with the App that it made; empty when none is awaited."""
    checked_at = models.DateTimeField(null=True, blank=True)
    works = models.BooleanField(default=False)
    words = models.TextField(blank=True)
    """What the last test said."""
    offers = models.JSONField(default=list, blank=True)
    """What could be in scope, as the credential sees it."""
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    fetch = models.ForeignKey(Fetch, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    begun_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "connectings"
        constraints = [models.UniqueConstraint(fields=["kind"], condition=models.Q(ended_at=None), name="connecting_once")]

    def __str__(self) -> str:
        return f"{self.kind}, begun {self.begun_at:%Y-%m-%d}"

    @property
    def step(self) -> str:
        """Where it stands: credential, test, scope, done."""
        if self.source_id is not None:
            return "done"
        if not self.token_encrypted:
            return "credential"
        return "scope" if self.works else "test"
