"""What is asked of the inventory."""

from datetime import datetime

from django.db.models import Max, Q, QuerySet

from changes.inventory.models import Asset, Snapshot, SourceReading, VendorEvent


def assets_of(*, source: str, kind: str, within: str = "") -> QuerySet[Asset]:
    """Assets of a kind that are there, by name; ``within``: of one app, zone or organisation only."""
    rows = Asset.objects.filter(source=source, kind=kind, gone_at=None)
    return (rows.filter(within=within) if within else rows).order_by("name", "external_id")


def read_last(*, source: str, kind: str) -> dict[str, datetime]:
    """{scope: when its newest complete reading of exactly this kind was}; the scope of all of the source is empty."""
    rows = SourceReading.objects.filter(source=source, kinds=kind).values("within").annotate(at=Max("read_at"))
    return {row["within"]: row["at"] for row in rows}


def newest_snapshots(*, assets: "QuerySet[Asset] | list[Asset]") -> dict[int, Snapshot]:
    """{asset: its newest snapshot}. One query."""
    found = Snapshot.objects.filter(asset__in=assets).order_by("asset_id", "-id").distinct("asset_id")
    return {snapshot.asset_id: snapshot for snapshot in found}


def events_about(asset: Asset) -> QuerySet[VendorEvent]:
    """What the vendor's log says of an asset, newest first."""
    about = Q(object_id=asset.external_id) | Q(object_id="", object_name=asset.name)
    kind = Q(kind=asset.kind) | Q(kind="")
    return VendorEvent.objects.filter(about, kind, source=asset.source).order_by("-at", "-id")
