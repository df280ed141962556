"""Evidence of this app, and what auditors must not read of it."""

from portal.access.guard_sql import REDACTION_RULES, ROLE_RULES
from portal.ledger.evidence import EvidenceTable, Hidden, RowRule

EVIDENCE: tuple[EvidenceTable, ...] = (
    EvidenceTable("portal.LedgerLeaf", append_only=True, entry=False, written_by_function=True),
    EvidenceTable("portal.LedgerBody", append_only=True, entry=False, written_by_function=True, released=True),
    EvidenceTable("portal.LedgerSealed", append_only=True, entry=False),
    EvidenceTable("portal.LedgerCheckpoint", append_only=True, entry=False),
    EvidenceTable("portal.LedgerCheck", append_only=True, entry=False),
    # What an authority outside signed proves itself; taking one away has to be seen.
    EvidenceTable("portal.LedgerTimestamp", append_only=True, entry=False),
    EvidenceTable(
        "portal.LedgerRedaction",
        columns=("confirmed_by_id", "confirmed_at", "withdrawn_by_id", "withdrawn_at"),
        fixed=("leaf_id", "reason", "digest", "proposed_by_id", "proposed_at", "expires_at"),
    ),
    EvidenceTable(
        "portal.RoleGrant",
        columns=("valid_until", "ended_by_id"),
        fixed=("user_id", "role", "granted_by_id", "seconded_by_id", "at_shell", "valid_from", "reason"),
    ),
    EvidenceTable(
        "portal.Identity",
        columns=("ended_at",),
        fixed=("provider", "uid", "user_id", "linked_by", "linked_at"),
    ),
    EvidenceTable(
        "portal.RoleProposal",
        columns=("grant_id", "withdrawn_at"),
        fixed=("user_id", "role", "valid_until", "reason", "digest", "proposed_by_id", "proposed_at", "expires_at"),
    ),
    EvidenceTable(
        "portal.Invitation",
        columns=("accepted_at", "accepted_by_id", "withdrawn_at"),
        fixed=("email", "name", "roles", "token_digest", "invited_by_id", "at_shell", "invited_at", "expires_at"),
        unspoken=("token_digest",),
    ),
    EvidenceTable(
        "portal.ApiToken",
        columns=("revoked_at",),
        fixed=("user_id", "name", "prefix", "digest", "scopes", "made_at", "expires_at"),
        unspoken=("digest",),
    ),
    EvidenceTable(
        "portal.ScimToken",
        columns=("revoked_at",),
        fixed=("name", "prefix", "digest", "made_by_id", "made_at", "expires_at"),
        unspoken=("digest",),
    ),
    EvidenceTable("portal.FactorGrace", append_only=True),
    EvidenceTable(
        "portal.ExplainedAccount",
        columns=("ended_at",),
        fixed=("provider", "uid", "login", "explained_as", "reason", "owner_id", "explained_by_id", "explained_at"),
    ),
    EvidenceTable(
        "portal.PolicyVersion",
        columns=("state", "decided_at", "decision", "effective_at"),
        fixed=("number", "text", "parameters", "summary", "material", "digest", "based_on", "sent_by_id", "sent_at", "wanted_at"),
        moves=frozenset({("sent", "adopted"), ("sent", "rejected"), ("sent", "withdrawn")}),
        born=frozenset({"sent", "adopted"}),
    ),
)
RULES: tuple[RowRule, ...] = (*ROLE_RULES, *REDACTION_RULES)
HIDDEN: tuple[Hidden, ...] = (
    Hidden("portal.Snooze", why="personal"),
    # These columns are SecretFields (portal/secret.py): pages for auditors do not select them.
    Hidden(
        "portal.User",
        why="password hash",
        shown=(
            *("id", "last_login", "email", "name", "is_active", "joined_at", "left_at", "theme", "time_zone", "shortcuts"),
            *("density", "kind", "team", "employer", "joined_on", "leaves_on"),
        ),
    ),
    Hidden(
        "portal.ApiToken",
        why="token digests",
        shown=("id", "user_id", "name", "prefix", "scopes", "made_at", "expires_at", "last_used_at", "revoked_at"),
    ),
    Hidden(
        "portal.Invitation",
        why="token digests",
        shown=(
            "id",
            "email",
            "name",
            "roles",
            "invited_by_id",
            "at_shell",
            "invited_at",
            "expires_at",
            "accepted_at",
            "accepted_by_id",
            "withdrawn_at",
        ),
    ),
    Hidden(
        "portal.ScimToken",
        why="token digests",
        shown=("id", "name", "prefix", "made_by_id", "made_at", "expires_at", "last_used_at", "revoked_at"),
    ),
    Hidden(
        "portal.PeopleImport",
        why="files of people as they were uploaded",
        shown=(
            *("id", "uploaded_by_id", "uploaded_at", "file_name", "digest", "state", "total", "checked", "held_until", "trouble"),
            *("wanted_by_id", "done_at"),
        ),
    ),
    Hidden(
        "portal.Effect",
        why="letters in the outbox carry invitation links",
        shown=("id", "kind", "key", "subject", "state", "attempts", "not_before", "created_at", "done_at", "result", "error"),
    ),
)
