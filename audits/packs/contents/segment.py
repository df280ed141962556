"""The ledger in a pack: every entry about what the pack holds, with the proof that it stands under the checkpoint.

An entry keeps what its rows said, so that the verifier compares each record of the pack with it. What an entry of these streams
covers stands in the pack, and nothing else: so nothing is missing, and nothing is there that the checkpoint does not cover.
"""

from collections.abc import Iterator

from django.db import connection

from audits.engagements.models import Engagement
from audits.findings.models import Finding
from audits.packs.actions import stream_of
from audits.packs.contents.work import Work
from audits.packs.models import Pack
from audits.requests.models import Request
from portal.ledger.models import LedgerCheckpoint, LedgerTimestamp
from portal.ledger.places import Places
from portal.ledger.segment import Chosen, segment_on

COVERED = """
SELECT DISTINCT unnest(l.rows) FROM portal_ledgerleaf l JOIN portal_ledgersealed s ON s.leaf_id = l.id
WHERE l.stream = ANY(%s) AND s.seq < %s
"""
KEYS = {"CHG-": "change:", "EXC-": "exception:", "release-": "release:", "meeting-": "meeting:", "emergency-": "change:"}
"""Beginnings of keys of populations, and the stream of the ledger that is about such a thing."""


def covered_under(*, pack: Pack, checkpoint: LedgerCheckpoint) -> frozenset[str]:
    """The rows (``table:key``) that entries about the engagement and what was done in it cover, below the checkpoint."""
    with connection.cursor() as cursor:
        cursor.execute(COVERED, [sorted(_own_streams(pack)), checkpoint.size])
        return frozenset(row for (row,) in cursor)


def _own_streams(pack: Pack) -> Iterator[str]:
    yield from (f"engagement:{pack.engagement_id}", stream_of(pack))
    for table, stream in ((Request, "request"), (Finding, "finding")):
        for pk in table.objects.filter(engagement=pack.engagement_id).values_list("pk", flat=True):
            yield f"{stream}:{pk}"


def stream_of_key(key: str) -> Iterator[str]:
    """The stream about a row of a population; nothing where there is none of its own."""
    for beginning, stream in KEYS.items():
        if key.startswith(beginning) and key.removeprefix(beginning).isdecimal():
            yield stream + key.removeprefix(beginning)


def put_segment(work: Work, where: Places) -> None:
    """Entries with proofs, the checkpoint over them, earlier ones with the proof that it continues them, and the public keys."""
    sampled = {stream for sample in work.samples for item in work.items(sample) for stream in stream_of_key(item.row.key)}
    stamped = work.pack.contents.get("timestamps", [])
    chosen = Chosen(streams=sorted({*_own_streams(work.pack), *sampled}), checkpoints=[*_first_of(work.engagement), *stamped])
    with connection.cursor() as cursor:
        found = segment_on(cursor, chosen=chosen, where=where, size=work.checkpoint.size)
        if found.root != bytes(work.checkpoint.root):
            raise ValueError("the ledger does not give the root of its own checkpoint")
        with work.archive.entry("ledger/entries.jsonl") as file:
            for line in found.lines:
                file.write(f"{line}\n".encode())
    work.archive.put("ledger/checkpoint.note", found.checkpoint)
    work.archive.put("ledger/checkpoints.jsonl", "".join(f"{line}\n" for line in found.history))
    work.archive.put("ledger/keys.txt", "".join(f"{key}\n" for key in found.keys))
    _put_timestamps(work, stamped)


def _put_timestamps(work: Work, sizes: list[int]) -> None:
    """Each stamp with the note that it is over, also for ``openssl ts -verify``."""
    notes = dict(LedgerCheckpoint.objects.filter(size__in=sizes).values_list("size", "note"))
    for row in LedgerTimestamp.objects.filter(size__in=sizes).order_by("size"):
        work.archive.put(f"ledger/timestamps/{row.size:012d}.note", notes[row.size])
        work.archive.put(f"ledger/timestamps/{row.size:012d}.tsr", bytes(row.answer))


def _first_of(engagement: Engagement) -> list[int]:
    """The first checkpoint since the engagement was opened: what an auditor was given then is among those of the pack."""
    rows = LedgerCheckpoint.objects.filter(sealed_at__gte=engagement.created_at).order_by("size")
    return list(rows.values_list("size", flat=True)[:1])
