"""The ledger in a pack: every entry about what the pack holds, with the proof that it stands under the checkpoint.

An entry keeps what its rows said, so that the verifier compares each record of the pack with it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from audits.findings.models import Finding
from audits.packs.contents.work import Work
from audits.requests.models import Request
from portal.ledger import keys
from portal.ledger.models import LedgerCheckpoint
from portal.ledger.places import Places
from portal.ledger.proofs import Levels

ENTRIES = """
SELECT s.seq, json_build_object(
    'seq', s.seq, 'event_id', l.event_id, 'stream', l.stream, 'stream_seq', l.stream_seq, 'kind', l.kind,
    'actor', l.actor, 'recorded_at', encode(timestamptz_send(l.recorded_at), 'hex'), 'rows', l.rows,
    'salt', encode(b.salt, 'hex'), 'payload', b.payload, 'payload_digest', encode(l.payload_digest, 'hex'),
    'prev_hash', encode(l.prev_hash, 'hex'), 'hash', encode(l.hash, 'hex')
)::text
FROM portal_ledgerleaf l JOIN portal_ledgersealed s ON s.leaf_id = l.id LEFT JOIN portal_ledgerbody b ON b.leaf_id = l.id
WHERE l.stream = ANY(%s) AND s.seq < %s ORDER BY s.seq
"""
HASHES = """
SELECT max(seq), string_agg(hash, ''::bytea ORDER BY seq)
FROM (SELECT seq, hash FROM portal_ledgersealed WHERE seq > %s AND seq < %s ORDER BY seq LIMIT %s) sealed
"""
AT_ONCE = 100_000
KEYS = {"CHG-": "change:", "EXC-": "exception:"}
"""Beginnings of keys of populations, and the stream of the ledger that is about such a thing."""


@dataclass(frozen=True)
class Segment:
    """The entries as lines, each with its place in the tree."""

    entries: list[tuple[int, str]]


def read_segment(work: Work) -> Segment:
    """The entries about the engagement, what was done in it, and the sampled records."""
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES, [sorted(_streams(work)), work.checkpoint.size])
        return Segment([(seq, line) for seq, line in cursor])


def _streams(work: Work) -> Iterator[str]:
    """The streams about the engagement and its things, and about the records that were sampled."""
    yield from (f"engagement:{work.engagement.pk}", f"pack:{work.pack.pk}")
    for table, stream in ((Request, "request"), (Finding, "finding")):
        for pk in table.objects.filter(engagement=work.engagement).order_by("pk").values_list("pk", flat=True):
            yield f"{stream}:{pk}"
    for sample in work.samples:
        for item in work.items(sample):
            yield from stream_of_key(item.row.key)


def stream_of_key(key: str) -> Iterator[str]:
    """The stream about a row of a population; nothing where there is none of its own."""
    for beginning, stream in KEYS.items():
        if key.startswith(beginning) and key.removeprefix(beginning).isdigit():
            yield stream + key.removeprefix(beginning)


def put_segment(work: Work, segment: Segment, where: Places) -> None:
    """Entries with proofs, the checkpoint over them, earlier ones with the proof that it continues them, and the public keys."""
    levels = Levels.of(_hashes(work.checkpoint.size))
    if levels.head() != bytes(work.checkpoint.root):
        raise ValueError("the ledger does not give the root of its own checkpoint")
    with work.archive.entry("ledger/entries.jsonl") as file:
        for seq, line in segment.entries:
            path = json.dumps([node.hex() for node in levels.inclusion(seq)])
            file.write(f'{line[:-1]}, "proof": {path}}}\n'.encode())
    work.archive.put("ledger/checkpoint.note", work.checkpoint.note)
    with work.archive.entry("ledger/checkpoints.jsonl") as file:
        for older in _older(work):
            proof = [node.hex() for node in levels.consistency(older.size)]
            file.write((json.dumps({"note": older.note, "proof": proof}, ensure_ascii=False) + "\n").encode())
    work.archive.put("ledger/keys.txt", "".join(f"{key.text()}\n" for key in keys.public_keys(where=where)))


def _hashes(size: int) -> bytes:
    pieces: list[bytes] = []
    seq = -1
    with connection.cursor() as cursor:
        while True:
            cursor.execute(HASHES, [seq, size, AT_ONCE])
            last, packed = cursor.fetchone()
            if packed is None:
                return b"".join(pieces)
            seq = last
            pieces.append(bytes(packed))


def _older(work: Work) -> Iterable[LedgerCheckpoint]:
    """The last checkpoint of each day since the day before the engagement was opened: what an auditor kept is among them."""
    since = work.engagement.created_at - timedelta(days=1)
    rows = LedgerCheckpoint.objects.filter(sealed_at__gte=since, size__lt=work.checkpoint.size, size__gt=0).order_by("size")
    last = {row.sealed_at.date(): row for row in rows.only("size", "note", "sealed_at").iterator()}
    first = rows.filter(sealed_at__gte=work.engagement.created_at).first()
    chosen = {row.size: row for row in (*last.values(), *([first] if first else ()))}
    return [chosen[size] for size in sorted(chosen)]
