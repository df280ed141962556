"""Replays the ledger and compares it with the domain tables: what entries said of a row must be what the row says.

Pages read the domain tables. Somebody with rights in the database could change an approval there and leave the ledger
alone; this finds the row, whether it was edited, removed or slipped in.
"""

import json
from typing import Any

from portal.ledger import catalogue, guards, plan, triggers
from portal.ledger.evidence import EvidenceTable
from portal.ledger.report import Problem
from portal.ledger.rows import redactions
from portal.ledger.snapshot import rows
from portal.ledger.triggers import Model

LAST_WORD = """
WITH last_word AS (
    SELECT key, max(l.id) AS leaf_id FROM portal_ledgerleaf l CROSS JOIN unnest(l.rows) AS key GROUP BY key
), said AS (
    SELECT w.key, w.leaf_id, b.payload::jsonb #> ARRAY['rows', w.key] AS said
    FROM last_word w LEFT JOIN portal_ledgerbody b ON b.leaf_id = w.leaf_id
), there AS (
{tables}
)
SELECT key, s.leaf_id, s.said::text, t.there::text FROM said s FULL JOIN there t USING (key)
WHERE s.said IS NULL OR t.there IS NULL OR NOT t.there @> s.said
ORDER BY s.leaf_id NULLS LAST, key
"""


def check(cursor: Any, limit: int) -> tuple[list[Problem], list[str]]:
    """Rows that differ from the last entry about them; rows without an entry; entries whose row is gone.

    The keys of rows that cannot be compared, because the last entry about them was redacted, come second.
    """
    known = plan.known_tables(guards.declared(), catalogue.look(cursor.db))
    redacted = {gone.leaf for gone in redactions(cursor)}
    problems: list[Problem] = []
    not_compared: list[str] = []
    for key, leaf, said, there in rows(cursor, _query(known)):
        if said is None and there is not None and leaf in redacted:
            not_compared.append(key)
            continue
        sentence = _sentence(leaf, said and json.loads(said), there and json.loads(there))
        if sentence and len(problems) < limit:
            problems.append(Problem(key, sentence))
    return problems, not_compared


def _query(known: list[tuple[EvidenceTable, Model]]) -> str:
    tables = "\n    UNION ALL\n".join(
        f"    SELECT '{model._meta.db_table}:' || t.id AS key, ({triggers.row_text(table, model, 't')})::jsonb AS there"  # noqa: S608 - names are Django's
        f" FROM {model._meta.db_table} t"
        for table, model in known
        if table.entry
    )
    return LAST_WORD.replace("{tables}", tables)


def _sentence(leaf: int | None, said: dict[str, Any] | None, there: dict[str, Any] | None) -> str:
    if leaf is None:
        return "the row has no entry in the ledger: it was slipped in"
    if there is None:
        return "the row is gone, but the ledger has an entry about it"
    if said is None:
        return "the last entry about the row has lost its text"
    # A column that a later migration removed says nothing about tampering.
    changed = [column for column in sorted(said) if column in there and there[column] != said[column]]
    return f"the row was changed without an entry: {', '.join(changed)}" if changed else ""
