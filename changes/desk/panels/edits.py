"""The panel of edits at the vendors that belong to the change: who, what by name, and why it is this change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import OuterRef

from changes.delivery.rule_models import RuleEvent
from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.exceptions.models import EditMatch, RuleMatch
from changes.forges import NAMES

MOST = 50
VENDORS = {"cloudflare": "Cloudflare", "doppler": "Doppler"}


def _edits(here: OuterRef) -> Any:
    return EditMatch.objects.filter(change_id=here).order_by("-event__at", "-id")[:MOST]


def _rule_edits(here: OuterRef) -> Any:
    return RuleMatch.objects.filter(change_id=here).order_by("-event__happened_at", "-id")[:MOST]


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Nothing for a change without such edits."""
    shown = [*map(in_console, asked.lists["edits"]), *map(at_forge, asked.lists["rule_edits"])]
    return {"edits": sorted(shown, key=lambda edit: edit["at"], reverse=True)} if shown else None


def in_console(row: Mapping[str, Any]) -> dict[str, Any]:
    """One edit in a vendor's console: who, what, where, when and why. Pure."""
    vendor = str(row["event__kind"]).partition(".")[0]
    return {
        "who": row["event__actor_name"],
        "what": row["event__object_name"],
        "vendor": VENDORS.get(vendor, vendor),
        "at": datetime.fromisoformat(row["event__at"]),
        "reason": row["reason"],
    }


def at_forge(row: Mapping[str, Any]) -> dict[str, Any]:
    """One edit of access or of branch rules, in the same words. Pure."""
    of = "access of" if row["event__kind"] == RuleEvent.Kind.MEMBER else "rules of"
    forge = row["event__repository__forge"]
    return {
        "who": row["event__actor_login"] or "Somebody",
        "what": f"{of} {row['event__subject']} in {row['event__repository__name']}",
        "vendor": NAMES.get(forge, forge),
        "at": datetime.fromisoformat(row["event__happened_at"]),
        "reason": row["reason"],
    }


PANEL = Panel(
    name="edits",
    place="main",
    template="changes/desk/panels/edits.html",
    build=build,
    lists={
        "edits": Listing(_edits, ("event__at", "event__kind", "event__actor_name", "event__object_name", "reason")),
        "rule_edits": Listing(
            _rule_edits,
            (
                *("event__happened_at", "event__kind", "event__actor_login", "event__subject"),
                *("event__repository__name", "event__repository__forge", "reason"),
            ),
        ),
    },
)
