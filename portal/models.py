"""Index: Django looks for models here. Each feature's models are imported by name."""

from portal.access.accounts.models import ExplainedAccount, MetAccount
from portal.access.importing.models import ImportRow, PeopleImport
from portal.access.models import ApiToken, FactorGrace, Identity, Invitation, RoleGrant, RoleProposal, User
from portal.access.scim.models import DirectoryEntry, ScimToken
from portal.home.models import Dropped, Snooze
from portal.ledger.models import (
    LedgerAnchor,
    LedgerBody,
    LedgerCheck,
    LedgerCheckpoint,
    LedgerLeaf,
    LedgerRedaction,
    LedgerSealed,
    LedgerTimestamp,
    LedgerVerification,
)
from portal.outbox.models import Effect
from portal.policy.models import PolicyDraft, PolicyVersion
from portal.runtime.models import Lease

__all__ = [
    "ApiToken",
    "DirectoryEntry",
    "Dropped",
    "Effect",
    "ExplainedAccount",
    "FactorGrace",
    "Identity",
    "ImportRow",
    "Invitation",
    "Lease",
    "LedgerAnchor",
    "LedgerBody",
    "LedgerCheck",
    "LedgerCheckpoint",
    "LedgerLeaf",
    "LedgerRedaction",
    "LedgerSealed",
    "LedgerTimestamp",
    "LedgerVerification",
    "MetAccount",
    "PeopleImport",
    "PolicyDraft",
    "PolicyVersion",
    "RoleGrant",
    "RoleProposal",
    "ScimToken",
    "Snooze",
    "User",
]
