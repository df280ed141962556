"""What an auditor may write: a few addresses, each through its own narrow role of the database (docs/audits.md). Pure."""

WRITABLE: frozenset[str] = frozenset(
    {
        "build-pack",
        "cancel-job",
        "cancel-pack",
        "freeze-population",
        "compare-later",
        "draw-sample",
        "mark-item",
        "replace-item",
        "ask-request",
        "write-request",
        "close-request",
        "reopen-request",
        "open-finding",
        "retest-finding",
        "close-finding",
        "reopen-finding",
    }
)
"""Names of the addresses whose POST an auditor may send. Everything else an auditor sends is a read, or is refused.

Such a view runs as ``countersign_auditor_writer``: it inserts into tables that are declared ``by_auditors`` in
``audits/evidence.py`` and appends to the ledger. It locks no row (``FOR UPDATE`` needs the right to update); what two people do
at once is told apart by a unique constraint, or waits for an advisory lock (``numbering``).
"""
