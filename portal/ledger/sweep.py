"""One pass over all entries, each together with its text and its number, by several connections at once.

It only says whether something is wrong, and roughly where: joining the three tables in the order of ids once, instead of
once for each question, takes half the time. What is wrong is then named by the queries of ``rows.py``, which look at
that span alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from portal.ledger import rows as exact
from portal.ledger.progress import Progress
from portal.ledger.report import Problem, in_order
from portal.ledger.rows import Redacted, Span
from portal.ledger.snapshot import rows

SPAN = 25_000
"""Entries of one query. Small enough that two connections end at about the same time."""
LOWEST = -(2**63)
END = "SELECT max(id), count(*) FROM (SELECT id FROM portal_ledgerleaf WHERE id >= %(low)s ORDER BY id LIMIT %(many)s) span"
# Each of the conditions holds whenever a query of rows.py would name an entry of the span; nothing is left to it to find
# beside numbers and texts of no entry, which the totals tell. Bounds on all three tables let PostgreSQL read each in order.
LOOK = f"""
WITH marks AS MATERIALIZED ({exact.MARKS})
SELECT count(*), count(s.leaf_id), count(b.leaf_id),
    count(*) FILTER (WHERE {exact.FALSE_HASH}),
    count(*) FILTER (WHERE {exact.FALSE_TEXT}),
    count(*) FILTER (WHERE {exact.FALSE_NUMBER})
FROM portal_ledgerleaf l
LEFT JOIN portal_ledgerbody b ON b.leaf_id = l.id AND b.leaf_id BETWEEN %(low)s AND %(high)s
LEFT JOIN portal_ledgersealed s ON s.leaf_id = l.id AND s.leaf_id BETWEEN %(low)s AND %(high)s
CROSS JOIN marks WHERE l.id BETWEEN %(low)s AND %(high)s
"""  # noqa: S608 - texts of ours
TOTALS = """
SELECT sealed.many, sealed.many = sealed.beyond, (SELECT count(*) FROM portal_ledgerbody)
FROM (SELECT count(*) AS many, coalesce(max(seq) + 1, 0) AS beyond FROM portal_ledgersealed) sealed
"""
TOGETHER = ("hashes", "texts", "numbers")


def spans(cursor: Any, entries: int) -> Iterator[Span]:
    """All ids in spans of equally many entries, however far apart or below zero somebody put them."""
    low, many = LOWEST, max(SPAN, entries // 100)
    while (found := rows(cursor, END, {"low": low, "many": many})[0])[1]:
        yield Span(low, found[0])
        low = found[0] + 1


@dataclass(frozen=True)
class Totals:
    """Numbers there are, whether they begin at 0 and have no gap, and texts there are."""

    sealed: int
    without_gap: bool
    bodies: int


@dataclass
class Sweep:
    """What the pass found so far. ``count`` and ``look`` may run in several threads, each with a cursor of its own."""

    limit: int
    progress: Progress
    hashes: list[Problem] = field(default_factory=list)
    texts: list[Problem] = field(default_factory=list)
    numbered: int = 0
    with_text: int = 0
    doubtful: bool = False
    """Whether a number does not fit its entry."""
    totals: Totals = Totals(0, True, 0)
    _one: Lock = field(default_factory=Lock)

    def count(self, cursor: Any) -> None:
        """Count what there is, to be compared with what was met."""
        self.totals = Totals(*rows(cursor, TOTALS)[0])

    def look(self, cursor: Any, span: Span) -> None:
        """Look at one span, and closer where something is wrong."""
        many, numbered, with_text, hashes, texts, numbers = rows(cursor, LOOK, vars(span))[0]
        false_hashes = list(exact.hashes(cursor, self.limit, span)) if hashes else []
        false_texts = list(exact.texts(cursor, self.limit, span)) if texts else []
        with self._one:
            self.hashes += false_hashes
            self.texts += false_texts
            self.numbered += numbered
            self.with_text += with_text
            self.doubtful = self.doubtful or numbers > 0
        self.progress.add(TOGETHER, many)

    def problems(self, cursor: Any, redacted: Iterable[Redacted]) -> list[Problem]:
        """All of it, once everything was counted and every span looked at; up to ``limit`` of each sort."""
        totals, numbers, texts = self.totals, list[Problem](), [*in_order(self.texts)]
        if not totals.without_gap:
            numbers += exact.gaps(cursor, self.limit)
        if self.doubtful or totals.sealed != self.numbered:
            numbers += exact.numbers(cursor, self.limit)
        if totals.bodies != self.with_text:
            texts += exact.loose_texts(cursor, self.limit)
        texts += exact.texts_back(redacted)
        for step in TOGETHER:
            self.progress.finish(step)
        return [problem for sort in (in_order(self.hashes), texts, numbers) for problem in sort[: self.limit]]
