"""After a restore from a backup: what was lost is named in an entry that two people sign, and the sealer goes on from there.

A restored backup looks like a roll-back, because it is one: the sealer stops. Nothing here makes the lost range come back;
it says, for everybody who verifies later, which checkpoints outside belong to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.ledger import keys, publishing, sealer, tree
from portal.ledger.actions import append
from portal.ledger.chain import Frontier
from portal.ledger.models import LedgerCheckpoint
from portal.ledger.notes import Head
from portal.ledger.places import Places
from portal.ledger.snapshot import moment

STREAM = "recovery"


@dataclass(frozen=True)
class Signatory:
    """One of the two who agree: how the ledger names them, and their name for people."""

    actor: str
    name: str


@dataclass(frozen=True)
class Damage:
    """What the places outside know of and this database does not have: heads, and who keeps how many of them."""

    kept: LedgerCheckpoint
    lost: tuple[Head, ...]
    keepers: dict[str, int]

    @property
    def through(self) -> int:
        """Size of the largest head that was lost; that of the last kept one when nothing was."""
        return max((head.size for head in self.lost), default=self.kept.size)


def damage(*, where: Places) -> Damage:
    """Compare the database with every place outside. Raises ``SealingStopped`` when its own last checkpoint is not sound."""
    last = LedgerCheckpoint.objects.order_by("-size").first()
    if last is None:
        raise sealer.SealingStopped("there is no checkpoint to adopt")
    with moment() as (cursor, _):
        leaves = tree.leaf_hashes(cursor)
        known, _ = tree.given_up(cursor)
    if Frontier().extended(leaves[: last.size]).root() != bytes(last.root):
        raise sealer.SealingStopped(f"the sealed entries do not give the root of checkpoint {last.size}")
    stored = {size: bytes(root) for size, root in LedgerCheckpoint.objects.values_list("size", "root")}
    heads = [(keeper, head) for keeper, head in tree.outside(where, last.size).heads if head not in known]
    missing = [(keeper, head) for keeper, head in heads if stored.get(head.size) != head.root]
    keepers = [keeper for keeper, _ in missing]
    lost = tuple(sorted({head for _, head in missing}, key=lambda head: (head.size, head.root)))
    return Damage(last, lost, {keeper: keepers.count(keeper) for keeper in sorted(set(keepers))})


def adopt(*, where: Places, signed_by: Sequence[Signatory], reason: str, at: datetime) -> Damage:
    """Take the database's last checkpoint as the sealer's own, and say so in an entry with the lost range.

    ``signed_by`` are two different people; the caller made sure who they are. The entry is sealed and written outside at
    once. Raises ``SealingStopped``, ``keys.KeyProblem``, or ``ValueError`` for one signatory or no reason.
    """
    if len({one.actor for one in signed_by}) != 2:
        raise ValueError("two different people sign a recovery")
    if not reason.strip():
        raise ValueError("a recovery needs a reason")
    signer = keys.load(where=where)
    found = damage(where=where)
    head = Head(signer.origin, found.kept.size, bytes(found.kept.root))
    with transaction.atomic(durable=True):
        append(stream=STREAM, kind="recovery.adopted", actor=signed_by[0].actor, fact=_fact(found, signed_by, reason))
    keys.remember(where=where, note=signer.sign(head))
    publishing.rewind(where=where, size=head.size, note=found.kept.note)
    sealer.seal(at=at, where=where, origin=signer.origin, force=True)
    return found


def _fact(found: Damage, signed_by: Sequence[Signatory], reason: str) -> dict[str, object]:
    return {
        "kept": found.kept.size,
        "root": bytes(found.kept.root).hex(),
        "lost_from": found.kept.size,
        "lost_to": found.through,
        "lost": [f"{head.size} {head.root.hex()} {head.origin}" for head in found.lost],
        "keepers": found.keepers,
        "signed_by": [{"actor": one.actor, "name": one.name} for one in signed_by],
        "reason": reason.strip(),
    }
