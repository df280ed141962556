"""Evidence of this app, and what auditors must not read of it."""

from audits.engagements.guard_sql import ENGAGEMENT_RULES, steps
from audits.findings import lifecycle as findings
from audits.requests import lifecycle as requests
from portal.ledger.evidence import EvidenceTable, Hidden, RowRule

EVIDENCE: tuple[EvidenceTable, ...] = (
    EvidenceTable(
        "audits.Engagement",
        columns=("confirmed_by_id", "confirmed_at", "ended_by_id", "ended_at"),
        fixed=(
            "name",
            "kind",
            "window_from",
            "window_to",
            "starts_at",
            "ends_at",
            "systems",
            "repositories",
            "criteria",
            "digest",
            "created_by_id",
            "created_at",
        ),
    ),
    EvidenceTable(
        "audits.Admission",
        columns=("ended_by_id", "ended_at"),
        fixed=("engagement_id", "person_id", "starts_at", "ends_at", "added_by_id", "seconded_by_id"),
    ),
    EvidenceTable(
        "audits.AdmissionProposal",
        columns=("withdrawn_at", "admission_id"),
        fixed=("engagement_id", "person_id", "ends_at", "reason", "digest", "proposed_by_id", "proposed_at", "expires_at"),
    ),
    EvidenceTable("audits.ControlRun", append_only=True),
    # The run holds their digest, and is in the ledger.
    EvidenceTable("audits.ControlFinding", append_only=True, entry=False),
    EvidenceTable("audits.Population", append_only=True, by_auditors=True),
    # Their digest is the population's: an entry for each of 100,000 rows would prove nothing more.
    EvidenceTable("audits.PopulationRow", append_only=True, entry=False, by_auditors=True),
    EvidenceTable("audits.SecondReading", append_only=True),
    EvidenceTable("audits.Sample", append_only=True, by_auditors=True),
    EvidenceTable("audits.SampleItem", append_only=True, by_auditors=True),
    EvidenceTable("audits.Mark", append_only=True, by_auditors=True),
    EvidenceTable("audits.Request", append_only=True, by_auditors=True),
    EvidenceTable("audits.RequestMessage", append_only=True, by_auditors=True),
    EvidenceTable("audits.Finding", append_only=True, by_auditors=True),
    EvidenceTable("audits.FindingStep", append_only=True, by_auditors=True),
    EvidenceTable(
        "audits.Pack",
        columns=("state", "digest", "size", "expires_at", "ended_at", "trouble"),
        fixed=("engagement_id", "number", "asked_by_id", "asked_at", "contents"),
        moves=frozenset(
            {("waiting", "ready"), ("waiting", "failed"), ("waiting", "cancelled"), ("ready", "cancelled"), ("ready", "expired")}
        ),
        born=frozenset({"waiting"}),
        by_auditors=True,
    ),
    EvidenceTable(
        "audits.Job",
        columns=("state", "ended_at", "trouble", "result"),
        fixed=("kind", "engagement_id", "title", "asked", "asked_by_id", "asked_at"),
        moves=frozenset({("waiting", "done"), ("waiting", "failed"), ("waiting", "cancelled")}),
        born=frozenset({"waiting"}),
        by_auditors=True,
    ),
    EvidenceTable("audits.JobCancel", append_only=True, by_auditors=True),
    EvidenceTable("audits.PackCancel", append_only=True, by_auditors=True),
    # One row for each page: the ledger gets a digest of each day instead of an entry for each row.
    EvidenceTable("audits.ReadLog", append_only=True, entry=False),
)
RULES: tuple[RowRule, ...] = (
    *ENGAGEMENT_RULES,
    steps(name="request_moves", model="audits.RequestMessage", parent="request_id", moves=requests.triples()),
    steps(name="finding_moves", model="audits.FindingStep", parent="finding_id", moves=findings.triples()),
)
HIDDEN: tuple[Hidden, ...] = (Hidden("audits.ReadLog", why="what auditors read is for the compliance manager"),)
