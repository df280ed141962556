"""What the ledger asks of people: redactions to confirm; alarms of a failed check, a schema that deviates, a refused seal."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from audits.proof.actions import waiting
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.ledger.models import LedgerCheck

ALARMS = {
    "verify": ("The ledger does not match", "/ledger/verify/"),
    "guards": ("The guards of the database deviate", "/ledger/"),
    "seal": ("The seal was refused", "/ledger/"),
}
"""Per sort of check: the title, and where to read on."""
REFUSED_LATELY = timedelta(hours=2)
"""A refusal is written down once an hour while it lasts; an older one is over."""


@inbox.provider
def redactions_to_confirm(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Redactions that somebody else proposed."""
    if not may(user, P.LEDGER_REDACT):
        return
    for row in waiting(at=at).exclude(proposed_by=user).select_related("leaf").order_by("id"):
        yield inbox.Item(
            title="Confirm or turn down a redaction",
            about=f"{row.leaf.kind}, {row.leaf.stream}/{row.leaf.stream_seq}",
            why="A second person confirms it within 72 hours (P-31).",
            due_at=row.expires_at,
            href="/ledger/redactions/",
            act="Look at it",
            tone="warn",
            icon="eraser",
        )


@inbox.provider
def alarms_of_the_ledger(user: User, at: datetime) -> Iterator[inbox.Item]:
    """The last check of each sort, where it failed."""
    if not may(user, P.LEDGER_RECOVER):
        return
    newest = LedgerCheck.objects.filter(what__in=ALARMS).order_by("what", "-at", "-id").distinct("what")
    for check in newest:
        over = check.what == "seal" and check.at < at - REFUSED_LATELY
        if not check.ok and not over:
            title, href = ALARMS[check.what]
            first = check.problems[0]
            yield inbox.Item(
                title=title,
                about=f"{first['place']}: {first['sentence']}",
                why="Compliance managers and administrators look into it at once (P-27).",
                due_at=check.at,
                href=href,
                act="Look at it",
                tone="bad",
                icon="shield-alert",
            )
