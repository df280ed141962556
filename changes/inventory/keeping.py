"""Who owns an asset and how much depends on it (P-23): said by a person, with evidence."""

from datetime import datetime

from django.db import transaction

from changes.inventory.models import Asset, Criticality
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring


@transaction.atomic
def keep(*, asset: Asset, owner: User | None, criticality: str, seen: tuple[int | None, str], by: User, at: datetime) -> bool:
    """Say who owns an asset and how critical it is. ``seen``: owner's id and criticality that stood on the page.

    False when nothing is different. Raises ``Stale`` when somebody was faster, ``Refused`` for who may not, or an owner who left.
    """
    if not may_at(by, P.INVENTORY_KEEP, at=at):
        raise Refused(Clause.INVENTORY, f"{by.name} may not say who owns an asset.", "Ask an approver or compliance.")
    if owner is not None and not owner.is_active:
        raise Refused(Clause.INVENTORY, f"{owner.name} has left.", "Choose somebody who is here.")
    if criticality not in {"", *Criticality.values}:
        raise Refused(Clause.INVENTORY, "There is no such criticality.", "Choose one of the list.")
    row = Asset.objects.select_for_update().get(pk=asset.pk)
    if (row.owner_id, row.criticality) != seen:
        raise Stale("Somebody changed the owner or the criticality of this asset meanwhile.")
    if (row.owner, row.criticality) == (owner, criticality):
        return False
    was = {"owner": row.owner.name if row.owner else "", "criticality": row.criticality}
    row.owner, row.criticality = owner, criticality
    row.save(update_fields=["owner", "criticality"])
    append(
        stream=f"inventory:{row.source}",
        kind="asset.kept",
        actor=actor_of(by),
        fact={
            "asset": f"{row.kind} {row.external_id}",
            "was": was,
            "owner": owner.name if owner else "",
            "criticality": criticality,
            "at": at,
        },
        rows=[row],
    )
    ring("inventory")
    return True
