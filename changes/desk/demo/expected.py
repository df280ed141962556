"""What the portal has to find in the demo company: each planted deviation as ``kind:subject``, and nothing else.

docs/demo.md tells the same list as a story. The commit of the direct push is known only once it has been made.
"""

from dataclasses import dataclass

from changes.connectors.models import Delivery, Reading, Settling
from changes.exceptions.models import ExceptionRecord, ExceptionState
from portal.standins import company

WEB, API, BILLING = "northwind/web", "northwind/api", "northwind/billing"
EVERYWHERE = ""
"""Of no repository."""


@dataclass(frozen=True, order=True)
class Finding:
    """One exception: where, and ``kind:subject``."""

    repository: str
    text: str


NONE: frozenset[Finding] = frozenset()
FIRST_MEETING = Finding(EVERYWHERE, "meeting_missed:1")


def expected(*, direct_push: str, year: frozenset[Finding] = NONE) -> frozenset[Finding]:
    """All that the portal must find. ``direct_push`` is the whole name of the commit that Rex pushed to prod.

    ``year``: what the year before the week left to be found. It has a missed meeting of its own, and so the week has none.
    """
    week = frozenset(
        {
            Finding(WEB, "failed_ci_merged:#4"),
            Finding(API, "no_review:#2"),
            Finding(API, "self_approval:#4"),
            Finding(API, "unknown_release:northwind-api-prod v5"),
            Finding(BILLING, "no_staging:#4"),
            Finding(BILLING, f"direct_push:prod:{direct_push[:12]}"),
            Finding(BILLING, "force_push:prod"),
            Finding(BILLING, "access_granted_outside_process:"),
            FIRST_MEETING,
            Finding(EVERYWHERE, f"dns_edited_outside_process:status.{company.ZONE}"),
        }
    )
    return (week - {FIRST_MEETING}) | year if year else week


def found() -> frozenset[Finding]:
    """What the portal shows as an exception now, cleared ones left out."""
    rows = ExceptionRecord.objects.exclude(state=ExceptionState.CLEARED).select_related("repository")
    return frozenset(Finding(row.repository.name if row.repository else "", str(row)) for row in rows)


def at_rest() -> bool:
    """Whether the workers have nothing left to do about what came in."""
    waiting = Delivery.objects.filter(state=Delivery.State.NEW).exists()
    unread = Reading.objects.filter(done_at=None, attempts=0).exists()
    return not (waiting or unread or Settling.objects.exists())


def differences(*, direct_push: str, year: frozenset[Finding] = NONE) -> list[str]:
    """How what was found differs from what was planted, in sentences; empty when it is exactly that."""
    wanted, shown = expected(direct_push=direct_push, year=year), found()
    missing = [f"not found: {item.repository} {item.text}" for item in sorted(wanted - shown)]
    return missing + [f"found but not planted: {item.repository} {item.text}" for item in sorted(shown - wanted)]
