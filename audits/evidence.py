"""Evidence of this app, and what auditors must not read of it."""

from portal.ledger.evidence import EvidenceTable, Hidden, RowRule

EVIDENCE: tuple[EvidenceTable, ...] = (
    EvidenceTable(
        "audits.Engagement",
        columns=("confirmed_by_id", "confirmed_at", "ended_by_id", "ended_at"),
        fixed=(
            "name",
            "auditor_id",
            "window_from",
            "window_to",
            "starts_at",
            "ends_at",
            "repositories",
            "digest",
            "created_by_id",
            "created_at",
        ),
    ),
    EvidenceTable("audits.ControlRun", append_only=True),
    EvidenceTable("audits.Population", append_only=True),
    # Their digest is the population's: an entry for each of 100,000 rows would prove nothing more.
    EvidenceTable("audits.PopulationRow", append_only=True, entry=False),
    EvidenceTable("audits.Sample", append_only=True),
    EvidenceTable("audits.SampleItem", append_only=True),
    EvidenceTable("audits.Mark", append_only=True),
    EvidenceTable(
        "audits.Pack",
        columns=("state", "digest", "size", "expires_at", "ended_at", "trouble"),
        fixed=("engagement_id", "number", "asked_by_id", "asked_at", "contents"),
        moves=frozenset(
            {("waiting", "ready"), ("waiting", "failed"), ("waiting", "cancelled"), ("ready", "cancelled"), ("ready", "expired")}
        ),
        born=frozenset({"waiting"}),
    ),
    EvidenceTable("audits.PackCancel", append_only=True),
    # One row for each page: the ledger gets a digest of each day instead of an entry for each row.
    EvidenceTable("audits.ReadLog", append_only=True, entry=False),
)
RULES: tuple[RowRule, ...] = ()
HIDDEN: tuple[Hidden, ...] = (
    Hidden("audits.ReadLog", why="what auditors read is for the compliance manager"),
    Hidden("audits.ControlRun", why="it names rows of every repository, and an engagement may be narrower"),
)
