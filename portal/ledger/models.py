"""The ledger's tables. Rows are inserted, never changed; the database refuses everything else.

A *leaf* is one entry: its place in its stream, and digests. Its *body* is the text that people read. The sealer
gives leaves their number in the tree (``LedgerSealed``) and signs the tree's head (``LedgerCheckpoint``).
"""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class TransactionId(models.Field):  # type: ignore[type-arg]  # generic only in the stubs, not at run time
    """PostgreSQL's 64-bit transaction number (``xid8``): never reused within one cluster."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> int:
        return int(value)

    def get_prep_value(self, value: Any) -> str:
        return str(value)


class LedgerLeaf(models.Model):
    """One entry. Written only by the function ``portal_ledger_append``, which computes every field but the first few."""

    event_id = models.UUIDField()
    """122 random bits from the database. Nothing looks an entry up by it, and an index of random values costs every entry
    a page of its own, so it is not checked for being unique."""
    stream = models.TextField()
    stream_seq = models.BigIntegerField()
    """1, 2, 3 … within the stream, without a gap."""
    kind = models.TextField()
    actor = models.TextField()
    payload_digest = models.BinaryField()
    """SHA-256 of salt and payload; stays when the body is redacted."""
    rows = ArrayField(models.TextField())
    """The evidence rows that this entry covers, each ``table:key``."""
    recorded_at = models.DateTimeField()
    """The database's clock, never the application's."""
    xid = TransactionId()
    prev_hash = models.BinaryField()
    """Hash of the stream's entry before this one; empty at the start."""
    hash = models.BinaryField()
    """Leaf hash of RFC 6962 over the fields above (see chain.py)."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "stream_seq"], name="ledger_stream_once")]
        indexes = [
            models.Index("xid", models.F("rows__0"), name="ledger_by_transaction"),
            models.Index("xid", models.F("rows__1"), name="ledger_by_transaction_too", condition=models.Q(rows__1__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.stream}/{self.stream_seq} {self.kind}"


class LedgerBody(models.Model):
    """What the entry says: canonical JSON, kept byte for byte, and the salt of its digest."""

    leaf = models.OneToOneField(LedgerLeaf, primary_key=True, on_delete=models.PROTECT, related_name="body", db_constraint=False)
    salt = models.BinaryField()
    payload = models.TextField()

    class Meta:
        verbose_name_plural = "ledger bodies"

    def __str__(self) -> str:
        return f"body of {self.leaf_id}"


class LedgerSealed(models.Model):
    """The number of a leaf in the Merkle tree: 0, 1, 2 … without a gap."""

    seq = models.BigIntegerField(primary_key=True)
    leaf = models.OneToOneField(LedgerLeaf, on_delete=models.PROTECT, related_name="sealed", db_constraint=False)
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "sealed leaves"

    def __str__(self) -> str:
        return f"{self.seq}"


class LedgerCheckpoint(models.Model):
    """A signed head of the tree: everything below ``size`` is fixed by ``root``."""

    size = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    note = models.TextField()
    """The signed note (C2SP) as it was written outside."""
    frontier = models.BinaryField()
    """The tree's open nodes, 32 bytes each, from the lowest level up: enough to go on without reading old leaves."""
    floor = TransactionId()
    """Every leaf of a transaction older than this is sealed."""
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checkpoint {self.size}"


class LedgerCheck(models.Model):
    """The result of one verification, or of a seal that was refused."""

    what = models.TextField()
    """verify, seal or guards."""
    ok = models.BooleanField()
    entries = models.BigIntegerField()
    checkpoints = models.BigIntegerField()
    problems = models.JSONField(default=list)
    """[{"place": "entry 17", "sentence": "…"}], the first broken entry first."""
    remarks = models.JSONField(default=list)
    """Sentences that weaken the proof but break nothing."""
    fingerprint = models.CharField(max_length=64, blank=True)
    """Of the schema; where ``what`` is guards."""
    seconds = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-at", "-id"], name="ledger_check_newest")]

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%Y-%m-%d %H:%M}"


class LedgerRedaction(models.Model):
    """That the text of one entry shall be taken away: one person proposes it, another confirms exactly that, within 72 hours.

    The database lets the body go in the transaction that confirms, and only then (sql/redact.sql).
    """

    leaf = models.ForeignKey(LedgerLeaf, on_delete=models.PROTECT, related_name="redactions", db_constraint=False)
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    """SHA-256 over all that the second person reads: the entry's hash, the reason, who proposed it and when."""
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["leaf"], condition=models.Q(confirmed_at__isnull=False), name="redaction_once"),
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("proposed_by")), name="redaction_by_two"
            ),
        ]

    def __str__(self) -> str:
        return f"redaction {self.pk}"


class LedgerAnchor(models.Model):
    """What the portal knows of one place outside: the last checkpoint that it took, and why it took none since."""

    name = models.CharField(max_length=20, unique=True)
    size = models.BigIntegerField(default=0)
    """Size of the last checkpoint there."""
    at = models.DateTimeField(null=True, blank=True)
    """When it was written there."""
    place = models.TextField(blank=True)
    """Where, for people."""
    problem = models.TextField(blank=True)
    """Why the last attempt failed; empty when it did not."""

    def __str__(self) -> str:
        return self.name


class LedgerTimestamp(models.Model):
    """The time stamp (RFC 3161) of an authority outside over the note of one checkpoint, verified before it was kept."""

    size = models.BigIntegerField(unique=True)
    """Of the checkpoint."""
    note_digest = models.CharField(max_length=64)
    """SHA-256 of the note: what the stamp is over."""
    answer = models.BinaryField()
    """The authority's whole answer (TimeStampResp, DER)."""
    at = models.DateTimeField()
    """By the authority's clock."""
    authority = models.TextField()

    def __str__(self) -> str:
        return f"time stamp {self.size}"


class LedgerVerification(models.Model):
    """A verification that somebody asked for, with its progress while it runs. Its result is a ``LedgerCheck``."""

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    """When its worker last wrote down how far it is. A worker that is silent for long is dead, and another begins anew."""
    finished_at = models.DateTimeField(null=True, blank=True)
    entries = models.BigIntegerField(default=0)
    """Entries there are to check."""
    progress = models.JSONField(default=dict)
    """Step -> entries checked so far."""
    check_kept = models.ForeignKey(LedgerCheck, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(finished_at=None), name="ledger_verification_waiting")]

    def __str__(self) -> str:
        return f"verification {self.pk}"
