"""Evidence of this app: none of its own so far."""

from portal.ledger.evidence import EvidenceTable, Hidden, RowRule

EVIDENCE: tuple[EvidenceTable, ...] = ()
RULES: tuple[RowRule, ...] = ()
HIDDEN: tuple[Hidden, ...] = ()
