"""The panel of edits in the vendors' consoles that belong to the change: who, what by name, and why it is this change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import OuterRef

from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.exceptions.models import EditMatch

MOST = 50
VENDORS = {"cloudflare": "Cloudflare", "doppler": "Doppler"}


def _edits(here: OuterRef) -> Any:
    return EditMatch.objects.filter(change_id=here).order_by("-event__at", "-id")[:MOST]


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Nothing for a change without such edits."""
    rows = asked.lists["edits"]
    return {"edits": [shown(row) for row in rows]} if rows else None


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """One edit with its time and the vendor's name. Pure."""
    vendor = str(row["event__kind"]).partition(".")[0]
    return {**row, "at": datetime.fromisoformat(row["event__at"]), "vendor": VENDORS.get(vendor, vendor)}


PANEL = Panel(
    name="edits",
    place="main",
    template="changes/desk/panels/edits.html",
    build=build,
    lists={
        "edits": Listing(_edits, ("event__at", "event__kind", "event__action", "event__actor_name", "event__object_name", "reason"))
    },
)
