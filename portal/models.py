"""Index: Django looks for models here. Each feature's models are imported by name."""

from portal.access.models import ApiToken, Identity, Invitation, RoleGrant, RoleProposal, User
from portal.outbox.models import Effect

__all__ = ["ApiToken", "Effect", "Identity", "Invitation", "RoleGrant", "RoleProposal", "User"]
