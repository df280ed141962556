"""Checks of the ledger's rows that name what is wrong: every entry's hash and body, every stream, every number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from portal.ledger.report import Problem
from portal.ledger.snapshot import rows

NAMED = """
WITH broken AS MATERIALIZED ({found})
SELECT s.seq, l.id, l.stream, l.stream_seq FROM broken JOIN portal_ledgerleaf l ON l.id = broken.id
LEFT JOIN portal_ledgersealed s ON s.leaf_id = l.id ORDER BY s.seq NULLS LAST, l.id LIMIT %(limit)s
"""
# The hash once more, apart from the function that made it (sql/append.sql): PostgreSQL sends an array as 20 bytes, then each
# element behind its length in four bytes, which is how the fields are hashed, and in fewer steps than one by one. What is sent
# is UTF-8, the encoding of our connections.
FALSE_HASH = """l.hash IS DISTINCT FROM sha256('\\x00'::bytea || substr(array_send(ARRAY[
    uuid_send(l.event_id), textsend(l.stream), int8send(l.stream_seq), textsend(l.kind), textsend(l.actor),
    timestamptz_send(l.recorded_at), l.payload_digest, textsend(array_to_string(l.rows, chr(10))), l.prev_hash
]), 21))"""
FALSE_HASHES = f"SELECT l.id FROM portal_ledgerleaf l WHERE l.id BETWEEN %(low)s AND %(high)s AND {FALSE_HASH}"  # noqa: S608 - texts of ours
# Texts that two people took away, each by an entry that names exactly this one; r.back when the text is there again.
REDACTED = """
SELECT l.id, b.leaf_id AS entry, w.seq, x.leaf_id IS NOT NULL AS back, s.seq AS of, l.stream, l.stream_seq
FROM portal_ledgerredaction r
JOIN portal_ledgerleaf l ON l.id = r.leaf_id
JOIN portal_ledgerleaf e ON e.stream = 'redaction:' || r.id AND e.kind = 'redaction.confirmed'
JOIN portal_ledgerbody b ON b.leaf_id = e.id
LEFT JOIN portal_ledgersealed w ON w.leaf_id = e.id
LEFT JOIN portal_ledgersealed s ON s.leaf_id = l.id
LEFT JOIN portal_ledgerbody x ON x.leaf_id = l.id
WHERE b.payload::jsonb #>> '{fact,hash}' = encode(l.hash, 'hex')
  AND b.payload::jsonb #> '{fact,proposed_by}' <> b.payload::jsonb #> '{fact,confirmed_by}'
"""
FALSE_TEXT = "l.payload_digest IS DISTINCT FROM sha256(b.salt || textsend(b.payload))"
FALSE_BODIES = f"""
SELECT l.id FROM portal_ledgerleaf l
LEFT JOIN portal_ledgerbody b ON b.leaf_id = l.id AND b.leaf_id BETWEEN %(low)s AND %(high)s
WHERE l.id BETWEEN %(low)s AND %(high)s AND {FALSE_TEXT}
  AND NOT (b.leaf_id IS NULL AND EXISTS (SELECT FROM ({REDACTED}) redacted WHERE redacted.id = l.id))
"""  # noqa: S608 - texts of ours
FALSE_STREAMS = """
SELECT id FROM (
    SELECT id, stream_seq, prev_hash, lag(stream_seq, 1, 0::bigint) OVER before AS last_seq,
        lag(hash, 1, ''::bytea) OVER before AS last_hash
    FROM portal_ledgerleaf WINDOW before AS (PARTITION BY stream ORDER BY stream_seq)
) entry WHERE stream_seq <> last_seq + 1 OR prev_hash <> last_hash
"""
MARKS = """
    SELECT array_agg(size ORDER BY size) AS sizes, array_agg(sealed_at ORDER BY size) AS times, max(size) AS last
    FROM portal_ledgercheckpoint
"""
# Three questions: does the number point to this entry, has every entry that should have one a number, and was no entry
# written with a time long before the checkpoint in front of it (no transaction is open for an hour)?
FALSE_NUMBER = """l.hash IS DISTINCT FROM s.hash AND (
    s.seq IS NOT NULL OR l.xid < (SELECT floor FROM portal_ledgercheckpoint WHERE size = marks.last)
) OR l.recorded_at < marks.times[width_bucket(s.seq, marks.sizes)] - interval '1 hour'"""
# Only what was found is sorted: without MATERIALIZED, PostgreSQL sorts everything first and then asks.
FALSE_NUMBERS = f"""
WITH marks AS ({MARKS}), broken AS MATERIALIZED (
    SELECT s.seq, l.id, l.stream, l.stream_seq, l.hash IS DISTINCT FROM s.hash AS differs
    FROM portal_ledgersealed s FULL JOIN portal_ledgerleaf l ON l.id = s.leaf_id CROSS JOIN marks
    WHERE {FALSE_NUMBER}
)
SELECT * FROM broken ORDER BY seq NULLS LAST, id LIMIT %(limit)s
"""  # noqa: S608 - texts of ours
GAPS = """
SELECT last + 1 FROM (SELECT seq, lag(seq, 1, -1::bigint) OVER (ORDER BY seq) AS last FROM portal_ledgersealed) numbered
WHERE seq <> last + 1 ORDER BY seq LIMIT %(limit)s
"""
LOOSE_BODIES = """
SELECT b.leaf_id FROM portal_ledgerbody b WHERE NOT EXISTS (SELECT FROM portal_ledgerleaf l WHERE l.id = b.leaf_id)
ORDER BY b.leaf_id LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Span:
    """Ids of entries, from ``low`` to ``high``."""

    low: int
    high: int


@dataclass(frozen=True)
class Redacted:
    """An entry whose text two people took away, and the entry that says so."""

    leaf: int
    place: str
    seq: int | None
    by: str
    back: bool


def redactions(cursor: Any) -> list[Redacted]:
    """All entries that were redacted, by their id."""
    return [
        Redacted(leaf, _named(seq, leaf, stream, number), seq, f"unsealed entry {entry}" if by is None else f"entry {by}", back)
        for leaf, entry, by, back, seq, stream, number in sorted(rows(cursor, REDACTED))
    ]


def hashes(cursor: Any, limit: int, span: Span) -> Iterator[Problem]:
    """Entries of the span whose fields do not give their hash."""
    yield from _entries(cursor, FALSE_HASHES, limit, "its fields were changed: they do not give its hash", span)


def texts(cursor: Any, limit: int, span: Span) -> Iterator[Problem]:
    """Entries of the span whose text is not the text that was written, or is gone."""
    yield from _entries(cursor, FALSE_BODIES, limit, "its text was changed or is gone: it does not give the digest", span)


def loose_texts(cursor: Any, limit: int) -> Iterator[Problem]:
    """Texts without an entry."""
    for (leaf,) in rows(cursor, LOOSE_BODIES, {"limit": limit}):
        yield Problem(f"body {leaf}", "belongs to no entry")


def texts_back(redacted: Iterable[Redacted]) -> Iterator[Problem]:
    """Texts that are there although they were redacted."""
    for gone in redacted:
        if gone.back:
            yield Problem(gone.place, f"its text is there, though {gone.by} redacted it", gone.seq)


def streams(cursor: Any, limit: int) -> Iterator[Problem]:
    """Entries that do not follow on the one before in their stream."""
    sentence = "does not follow on the entry before it: one is missing or was changed"
    yield from _entries(cursor, FALSE_STREAMS, limit, sentence)


def gaps(cursor: Any, limit: int) -> Iterator[Problem]:
    """Numbers that are missing between the others."""
    for (seq,) in rows(cursor, GAPS, {"limit": limit}):
        yield Problem(f"entry {seq}", "the number is missing", seq)


def numbers(cursor: Any, limit: int) -> Iterator[Problem]:
    """Numbers that point to nothing or to something else; entries that were left out of the tree, or are backdated."""
    for seq, leaf, stream, stream_seq, differs in rows(cursor, FALSE_NUMBERS, {"limit": limit}):
        if leaf is None:
            yield Problem(f"entry {seq}", "is gone", seq)
        elif seq is None:
            yield Problem(_named(seq, leaf, stream, stream_seq), "was left out of the tree")
        else:
            backdated = "was written with a time long before the checkpoint in front of it: it is backdated"
            sentence = "is not the entry that was sealed" if differs else backdated
            yield Problem(_named(seq, leaf, stream, stream_seq), sentence, seq)


def _entries(cursor: Any, found: str, limit: int, sentence: str, span: Span | None = None) -> Iterator[Problem]:
    values = {"limit": limit, **(vars(span) if span else {})}
    for seq, leaf, stream, stream_seq in rows(cursor, NAMED.replace("{found}", found), values):
        yield Problem(_named(seq, leaf, stream, stream_seq), sentence, seq)


def _named(seq: int | None, leaf: int, stream: str, stream_seq: int) -> str:
    name = f"unsealed entry {leaf}" if seq is None else f"entry {seq}"
    return f"{name} ({stream}, number {stream_seq})"
