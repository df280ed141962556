"""Finds what a digest on paper belongs to: a revision, a frozen verdict, or an entry of the ledger."""

from dataclasses import dataclass
from datetime import datetime

from changes.desk.timeline import OUTCOMES
from changes.gates.models import Verdict
from changes.proposals.listing import visible
from changes.proposals.models import Revision
from portal.access.scope import Scope
from portal.ledger.models import LedgerLeaf


@dataclass(frozen=True)
class FoundRecord:
    """What it is, in words, where to see it, and since when it stands."""

    what: str
    href: str
    at: datetime


def found_under(digest: str, *, scope: Scope) -> FoundRecord | None:
    """The record with this SHA-256 (64 hexadecimal digits); None when there is none inside what may be seen."""
    revision = Revision.objects.select_related("change").filter(digest=digest).order_by("id").first()
    if revision is not None and visible(number=revision.change.number, scope=scope):
        words = f"Revision {revision.number} of {revision.change}: {revision.title}"
        return FoundRecord(words, f"/changes/{revision.change.number}/", revision.at)
    verdict = Verdict.objects.select_related("change").filter(facts_digest=digest).order_by("id").first()
    if verdict is not None and visible(number=verdict.change.number, scope=scope):
        said = OUTCOMES.get(verdict.outcome, verdict.outcome).lower()
        words = f"{verdict.get_moment_display()}: the verdict on {verdict.change}, {said}"
        return FoundRecord(words, f"/changes/{verdict.change.number}/", verdict.at)
    leaf = LedgerLeaf.objects.filter(hash=bytes.fromhex(digest)).first()
    if leaf is not None:
        return FoundRecord(f"Entry {leaf.stream}/{leaf.stream_seq} of the ledger: {leaf.kind}", "/ledger/", leaf.recorded_at)
    return None
