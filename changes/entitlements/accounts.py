"""Accounts that hold a right somewhere, for the list of those that nobody explained."""

from collections.abc import Iterator

from django.db.models import Count, Max, Min

from changes.entitlements.models import Entitlement
from changes.entitlements.own import PORTAL
from portal.access.accounts.seeing import Seen, provider

MACHINES = ("app", "token")


@provider
def holding_accounts() -> Iterator[Seen]:
    """Every person's and machine's account that holds a right now; teams are explained by who is in them. One query."""
    rows = Entitlement.objects.filter(ended_at=None).exclude(account_kind="team").exclude(thing__source=PORTAL)
    counts = rows.values("thing__key", "account_id", "account_kind").annotate(
        rights=Count("pk"), since=Min("first_seen_at"), last=Max("thing__last_read_at"), name=Max("account_name")
    )
    found: dict[tuple[str, str], Seen] = {}
    held: dict[tuple[str, str], int] = {}
    for row in counts:
        key = (row["thing__key"].partition(":")[0].partition(".")[0], row["account_id"])
        known = found.get(key)
        held[key] = held.get(key, 0) + row["rights"]
        since = min(row["since"], known.since) if known is not None and known.since is not None else row["since"]
        last = max(row["last"], known.last_at) if known is not None and known.last_at is not None else row["last"]
        words = "holds 1 right" if held[key] == 1 else f"holds {held[key]} rights"
        bot = row["account_kind"] in MACHINES
        found[key] = Seen(*key, row["name"], "", frozenset(), bot, words, last, since)
    yield from found.values()
