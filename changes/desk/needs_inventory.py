"""What the inventory asks of people: a month to sign, drift without an answer. For inbox and palette."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.http import HttpRequest

from changes.drift import queries as drift
from changes.inventory import reconciling
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.ui import palette


@inbox.provider
def inventory_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """The oldest month that waits, for who signs; drift without an answer, for who settles it."""
    if may(user, P.INVENTORY_SIGN):
        for month in reconciling.waiting(at=at)[:1]:
            due = reconciling.end_of_month(month) + reconciling.DAYS_TO_SIGN
            yield inbox.Item(
                title="Sign the reconciliation",
                about=f"Inventory, {month:%B %Y}",
                why="Each month the inventory is compared with its sources and signed (P-23).",
                due_at=due,
                href=f"/inventory/reconciliation/{month.year}-{month.month}/sign/",
                act="Compare",
                tone="bad" if due <= at else "info",
                icon="signature",
            )
    if may(user, P.INVENTORY_KEEP) and (count := drift.open_count()):
        yield inbox.Item(
            title="Settle drift",
            about="1 case without an answer" if count == 1 else f"{count} cases without an answer",
            why="What runs is not what Git says (P-07): change one of them, or say why it stays.",
            due_at=None,
            href="/drift/?state=open",
            act="Look",
            tone="warn",
            icon="git-compare",
        )


@palette.provider
def inventory_called(request: HttpRequest, words: str) -> Iterable[palette.Hit]:
    """The pages of the inventory by their name."""
    if not words.lower().strip().startswith(("inv", "asset", "drift", "reconc")) or not may(request.user, P.INVENTORY_SEE):
        return []
    return [
        palette.Hit("boxes", "Inventory", "/inventory/", "What there is"),
        palette.Hit("git-compare", "Drift", "/drift/", "What runs beside what Git says"),
        palette.Hit("signature", "Reconciliation", "/inventory/reconciliation/", "Months to sign"),
    ]
