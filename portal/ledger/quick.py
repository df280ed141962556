"""A short check that only reads and needs no worker: the newest entries, and the newest checkpoints with their signatures.

For whoever may not start a verification, as auditors. Computes the hashes here, with none of the database's functions.
"""

from dataclasses import dataclass

from django.db.models import QuerySet

from portal.ledger import chain, keys, notes
from portal.ledger.chain import Fields, Frontier
from portal.ledger.models import LedgerCheckpoint, LedgerLeaf
from portal.ledger.notes import BadNote
from portal.ledger.places import Places
from portal.ledger.report import Problem

ENTRIES = 500
CHECKPOINTS = 20
UNSIGNED = "signatures could not be checked here: no public key on this machine"


@dataclass(frozen=True)
class Quick:
    """What was looked at and what does not match; ``remark`` says what could not be checked, empty for nothing."""

    entries: int
    checkpoints: int
    redacted: int
    problems: tuple[Problem, ...]
    remark: str = ""


def look(*, where: Places) -> Quick:
    """The newest 500 entries (hash, text, number) and the newest 20 checkpoints (signature, root)."""
    leaves = list(LedgerLeaf.objects.select_related("body", "sealed").order_by("-id")[:ENTRIES])
    checkpoints = list(LedgerCheckpoint.objects.order_by("-size")[:CHECKPOINTS])
    gone = {leaf.pk for leaf in _redacted([leaf.pk for leaf in leaves])}
    problems = [problem for leaf in leaves if (problem := _of_entry(leaf, gone)) is not None]
    known = keys.public_keys(where=where)
    problems += [problem for one in checkpoints if (problem := _of_checkpoint(one, known)) is not None]
    return Quick(len(leaves), len(checkpoints), len(gone), tuple(problems), "" if known else UNSIGNED)


def _redacted(among: list[int]) -> QuerySet[LedgerLeaf]:
    return LedgerLeaf.objects.filter(pk__in=among, redactions__confirmed_at__isnull=False).distinct()


def _of_entry(leaf: LedgerLeaf, gone: set[int]) -> Problem | None:
    fields = Fields(
        event_id=leaf.event_id,
        stream=leaf.stream,
        stream_seq=leaf.stream_seq,
        kind=leaf.kind,
        actor=leaf.actor,
        recorded_at=leaf.recorded_at,
        payload_digest=bytes(leaf.payload_digest),
        rows=leaf.rows,
        prev_hash=bytes(leaf.prev_hash),
    )
    body, sealed = getattr(leaf, "body", None), getattr(leaf, "sealed", None)
    if chain.entry_hash(fields) != bytes(leaf.hash):
        return Problem(str(leaf), "its fields were changed: they do not give its hash")
    if body is None and leaf.pk not in gone:
        return Problem(str(leaf), "its text is gone")
    if body is not None and chain.payload_digest(bytes(body.salt), body.payload) != fields.payload_digest:
        return Problem(str(leaf), "its text was changed")
    if sealed is not None and bytes(sealed.hash) != bytes(leaf.hash):
        return Problem(str(leaf), "is not the entry that was sealed")
    return None


def _of_checkpoint(one: LedgerCheckpoint, known: list[notes.PublicKey]) -> Problem | None:
    """Without a key the note is left out: a machine that only shows pages may have none."""
    place = f"checkpoint {one.size}"
    if known:
        try:
            head = notes.opened(one.note, known)
        except BadNote as problem:
            return Problem(place, str(problem))
        if (head.size, head.root) != (one.size, bytes(one.root)):
            return Problem(place, "the signed note says something else")
    if Frontier.unpacked(one.size, bytes(one.frontier)).root() != bytes(one.root):
        return Problem(place, "its open nodes do not give its root")
    return None
