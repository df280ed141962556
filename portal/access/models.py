"""People, what they may do and when, and which vendor accounts are theirs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from portal.access.roles import ORDINARY, Role
from portal.secret import SecretField


class UserManager(BaseUserManager["User"]):
    """Makes people; an e-mail address is kept in one case only."""

    def create_user(self, email: str, name: str, password: str | None = None, **extra: Any) -> "User":
        user = self.model(email=email.strip().lower(), name=name.strip(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class PersonKind(models.TextChoices):
    """How somebody belongs to the company. All of them are people of the policy: P-28 and P-29 hold for everyone involved."""

    EMPLOYEE = "employee", "Employee"
    CONTRACTOR = "contractor", "Contractor"
    THIRD_PARTY = "third_party", "Third party"


class User(AbstractBaseUser):
    """A person. Vendor accounts are linked to it; rules of separation run on persons, never on accounts."""

    password = SecretField(max_length=128, verbose_name="password")
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True, blank=True)
    kind = models.CharField(max_length=12, choices=PersonKind.choices, default=PersonKind.EMPLOYEE, db_default=PersonKind.EMPLOYEE)
    team = models.CharField(max_length=120, blank=True, default="", db_default="")
    employer = models.CharField(max_length=120, blank=True, default="", db_default="")
    """The company that somebody who is no employee comes from."""
    joined_on = models.DateField(null=True, blank=True)
    """First day of work, as the company has it; ``joined_at`` is when the portal came to know the person."""
    leaves_on = models.DateField(null=True, blank=True)
    """Last day; the portal ends every access when it is over (UTC)."""
    theme = models.CharField(max_length=6, default="system")
    density = models.CharField(max_length=11, default="comfortable", db_default="comfortable")
    """How close lists and tables stand: comfortable or compact."""
    time_zone = models.CharField(max_length=64, default="UTC")
    shortcuts = models.BooleanField(default=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    grants_read: "tuple[RoleGrant, ...] | None" = None
    """The grants that this object has read already; one object lives as long as one request."""

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(condition=Q(kind__in=PersonKind.values), name="user_known_kind"),
            models.CheckConstraint(
                condition=Q(joined_on=None) | Q(leaves_on=None) | Q(leaves_on__gte=F("joined_on")), name="user_leaves_after_joining"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: "models.QuerySet[Any] | None" = None,
    ) -> None:
        """Read the row again, and forget the roles read before."""
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        self.grants_read = None


class Identity(models.Model):
    """An account at a vendor that belongs to a person. Keyed by the vendor's number: login names are given away again."""

    provider = models.CharField(max_length=20)
    """github or slack."""
    uid = models.TextField()
    login = models.TextField(blank=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="identities")
    linked_by = models.TextField()
    """The actor, as the ledger writes it."""
    linked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["provider", "uid"], condition=Q(ended_at=None), name="identity_of_one_person"),
            models.CheckConstraint(condition=~Q(uid=""), name="identity_has_uid"),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(ended_at__gte=F("linked_at")), name="identity_ends_after_link"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.login or self.uid}"


class RoleGrantQuerySet(models.QuerySet["RoleGrant"]):
    """Filters over dated grants."""

    def valid(self, *, at: datetime) -> "RoleGrantQuerySet":
        """Those in force at a moment; the end itself no longer counts."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=at), valid_from__lte=at)


class RoleGrant(models.Model):
    """A role of a person from one moment to another. Dated, never overwritten; only its end may be set.

    The database holds what must not happen whoever writes: nobody grants to self, two persons stand behind a privileged
    role, conflicting roles never overlap, and the last lasting compliance manager or administrator stays
    (see ``guard_sql``).
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=20, choices=[(role.value, role.label) for role in Role])
    granted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    seconded_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at_shell = models.CharField(max_length=64, blank=True, default="")
    """The operating system's account that granted it at the command line; empty in the portal."""
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    objects: ClassVar[models.Manager["RoleGrant"]] = RoleGrantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "valid_from"], name="role_grant_by_user")]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=[role.value for role in Role]), name="role_grant_known_role"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="role_grant_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(granted_by=None) | ~Q(granted_by=F("user")), name="role_grant_not_to_self"),
            models.CheckConstraint(
                condition=Q(seconded_by=None) | (~Q(seconded_by=F("user")) & ~Q(seconded_by=F("granted_by"))),
                name="role_grant_seconded_by_another",
            ),
            models.CheckConstraint(condition=Q(granted_by__isnull=False) | ~Q(at_shell=""), name="role_grant_by_somebody"),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in sorted(ORDINARY)]) | Q(seconded_by__isnull=False) | ~Q(at_shell=""),
                name="role_grant_privileged_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role}"


class RoleProposal(models.Model):
    """A privileged role that one person proposed. Another confirms exactly this text within 72 hours, or it lapses."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_proposals")
    role = models.CharField(max_length=20, choices=[(role.value, role.label) for role in Role])
    valid_until = models.DateTimeField(null=True, blank=True)
    """The end of the role that is proposed, not of the proposal."""
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    """SHA-256 of what the second person reads; the confirmation repeats it."""
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    grant = models.OneToOneField(RoleGrant, null=True, blank=True, on_delete=models.PROTECT, related_name="proposal")

    class Meta:
        indexes = [models.Index(fields=["expires_at"], condition=Q(grant=None, withdrawn_at=None), name="role_proposal_waiting")]
        constraints = [
            models.CheckConstraint(condition=~Q(proposed_by=F("user")), name="role_proposal_not_for_self"),
            models.CheckConstraint(condition=Q(grant=None) | Q(withdrawn_at=None), name="role_proposal_one_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.role} for {self.user}"


class Invitation(models.Model):
    """A letter that lets one address join. Only the digest of its token is kept."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120)
    roles = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    token_digest = SecretField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at_shell = models.CharField(max_length=64, blank=True, default="")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(invited_by__isnull=False) | ~Q(at_shell=""), name="invitation_by_somebody"),
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by=None) | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_paired",
            ),
            models.UniqueConstraint(Lower("email"), condition=Q(accepted_at=None, withdrawn_at=None), name="invitation_open_once"),
        ]

    def __str__(self) -> str:
        return self.email


class ApiToken(models.Model):
    """A personal token for /api/v1/. Stored as a digest; never gives more than its owner may at that moment."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    """The first characters, shown in lists so that a person recognises it."""
    digest = SecretField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="api_token_expires_later"),
            models.CheckConstraint(condition=~Q(scopes=[]), name="api_token_has_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class FactorGrace(models.Model):
    """When a privileged person was first asked for a second factor, and until when they may do without."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="factor_grace")
    asked_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} until {self.ends_at:%Y-%m-%d}"
