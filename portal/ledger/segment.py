"""Some entries of the ledger with proofs that they stand in it: for an evidence pack, and for anybody who asks about one change.

Who has a segment, the checkpoint and the public key needs neither the other entries nor the portal.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from portal.ledger import keys
from portal.ledger.places import Places
from portal.ledger.proofs import Levels
from portal.ledger.snapshot import moment, rows
from portal.ledger.tree import packed_hashes

FIELDS = """json_build_object(
    'seq', s.seq, 'event_id', l.event_id, 'stream', l.stream, 'stream_seq', l.stream_seq, 'kind', l.kind,
    'actor', l.actor, 'recorded_at', encode(timestamptz_send(l.recorded_at), 'hex'), 'rows', l.rows,
    'salt', encode(b.salt, 'hex'), 'payload', b.payload, 'payload_digest', encode(l.payload_digest, 'hex'),
    'prev_hash', encode(l.prev_hash, 'hex'), 'hash', encode(l.hash, 'hex')
)::text"""
SEALED = """portal_ledgersealed s JOIN portal_ledgerleaf l ON l.id = s.leaf_id LEFT JOIN portal_ledgerbody b ON b.leaf_id = l.id"""
# With the entries that took texts of theirs away, or a text that is gone would not be explained.
CHOSEN = f"""
WITH wanted AS (
    SELECT id FROM portal_ledgerleaf WHERE stream = ANY(%(streams)s)
    UNION SELECT leaf_id FROM portal_ledgersealed WHERE seq = ANY(%(numbers)s)
), together AS (
    SELECT id FROM wanted
    UNION SELECT e.id FROM portal_ledgerredaction r JOIN wanted w ON w.id = r.leaf_id
        JOIN portal_ledgerleaf e ON e.stream = 'redaction:' || r.id
)
SELECT s.seq, {FIELDS} FROM {SEALED} JOIN together t ON t.id = l.id WHERE s.seq < %(size)s ORDER BY s.seq
"""  # noqa: S608 - texts of ours
HEAD = """
SELECT size, note FROM portal_ledgercheckpoint WHERE %(size)s::bigint IS NULL OR size = %(size)s ORDER BY size DESC LIMIT 1
"""
EARLIER = """
SELECT size, note FROM portal_ledgercheckpoint WHERE size > 0 AND size < %(size)s AND (size = ANY(%(also)s::bigint[]) OR size IN (
    SELECT DISTINCT ON ((sealed_at AT TIME ZONE 'UTC')::date) size FROM portal_ledgercheckpoint WHERE size < %(size)s
    ORDER BY (sealed_at AT TIME ZONE 'UTC')::date, size DESC
)) ORDER BY size
"""
FETCHED = 1_000


class NothingSealed(Exception):
    """There is no checkpoint yet against which anything could be proved."""


@dataclass(frozen=True)
class Chosen:
    """Which entries: whole streams, and single ones by their number in the tree. Redactions of them come by themselves.

    ``checkpoints`` are sizes of earlier checkpoints that shall be there beside the last one of each day.
    """

    streams: Collection[str] = ()
    numbers: Collection[int] = ()
    checkpoints: Collection[int] = ()


@dataclass(frozen=True)
class Segment:
    """``lines`` are one JSON text an entry, each with its ``proof`` against ``checkpoint``; read them once, in order.

    ``history``: the last checkpoint of each earlier day with its consistency proof to ``checkpoint``, one JSON text each. ``keys``
    are the log's public keys. ``root`` is what the entries give now; that of the checkpoint, unless somebody changed them.
    """

    size: int
    root: bytes
    checkpoint: str
    keys: tuple[str, ...]
    history: tuple[str, ...]
    lines: Iterator[str]


@contextmanager
def segment(*, chosen: Chosen, where: Places) -> Iterator[Segment]:
    """Open a segment against the last checkpoint, at one moment of the database. Raises ``NothingSealed``."""
    with moment() as (cursor, _):
        yield segment_on(cursor, chosen=chosen, where=where)


def segment_on(cursor: Any, *, chosen: Chosen, where: Places, size: int | None = None) -> Segment:
    """A segment as this cursor sees the ledger, against the checkpoint of this size; against the last one, when not given.

    Raises ``NothingSealed`` where there is no such checkpoint. Takes 64 bytes of memory for each entry of the whole ledger while
    its lines are read, whatever is chosen; the cursor must not be used for anything else meanwhile.
    """
    found = rows(cursor, HEAD, {"size": size})
    if not found:
        raise NothingSealed("nothing is sealed yet")
    against, note = found[0]
    levels = Levels.of(b"".join(packed_hashes(cursor)))
    history = tuple(
        json.dumps({"note": text, "proof": _hex(levels.consistency(first, against))}, ensure_ascii=False)
        for first, text in rows(cursor, EARLIER, {"size": against, "also": list(chosen.checkpoints)})
    )
    public = tuple(key.text() for key in keys.public_keys(where=where))
    return Segment(against, levels.head(against), note, public, history, _lines(cursor, chosen, levels, against))


def _lines(cursor: Any, chosen: Chosen, levels: Levels, size: int) -> Iterator[str]:
    cursor.execute(CHOSEN, {"streams": list(chosen.streams), "numbers": list(chosen.numbers), "size": size})
    while found := cursor.fetchmany(FETCHED):
        for seq, text in found:
            # The proof goes behind the fields as the database wrote them: those are hashed, and never written anew.
            yield f'{text[:-1]}, "proof" : {json.dumps(_hex(levels.inclusion(seq, size)))}}}'


def _hex(nodes: list[bytes]) -> list[str]:
    return [node.hex() for node in nodes]
