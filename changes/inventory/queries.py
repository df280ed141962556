"""What is asked of the inventory."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet

from changes.inventory.models import Asset, Snapshot, SourceReading, VendorEvent


def assets_of(*, source: str, kind: str, within: str = "") -> QuerySet[Asset]:
    """Assets of a kind that are there, by name; ``within``: of one app, zone or organisation only."""
    rows = Asset.objects.filter(source=source, kind=kind, gone_at=None)
    return (rows.filter(within=within) if within else rows).order_by("name", "external_id")


def names_within(assets: Iterable[Asset]) -> dict[tuple[str, str], str]:
    """{(source, external id): its name} of what these belong to, where it is an asset itself. One query."""
    wanted = [(asset.source, asset.within) for asset in assets if asset.within]
    there = Asset.objects.filter(source__in={source for source, _ in wanted}, external_id__in={within for _, within in wanted})
    return {(source, one): name for source, one, name in there.order_by("-pk").values_list("source", "external_id", "name")}


def read_last(*, source: str, kind: str) -> dict[str, datetime]:
    """{scope: when its newest complete reading of exactly this kind was}; the scope of all of the source is empty."""
    rows = SourceReading.objects.filter(source=source, kinds=kind).values("within").annotate(at=Max("read_at"))
    return {row["within"]: row["at"] for row in rows}


def newest_snapshots(*, assets: "QuerySet[Asset] | list[Asset]") -> dict[int, Snapshot]:
    """{asset: its newest snapshot}. One query."""
    found = Snapshot.objects.filter(asset__in=assets).order_by("asset_id", "-id").distinct("asset_id")
    return {snapshot.asset_id: snapshot for snapshot in found}


def events_known(*, source: str, ids: Collection[str]) -> set[str]:
    """Those of these ids that are events of this source already."""
    rows = VendorEvent.objects.filter(source=source, external_id__in=ids)
    return set(rows.values_list("external_id", flat=True))


def events_about(asset: Asset) -> QuerySet[VendorEvent]:
    """What the vendor's log says of an asset, newest first."""
    about = Q(object_id=asset.external_id) | Q(object_id="", object_name=asset.name)
    kind = Q(kind=asset.kind) | Q(kind="")
    return VendorEvent.objects.filter(about, kind, source=asset.source).order_by("-at", "-id")


NOT_SEEN = timedelta(hours=24)
"""After this time without being seen an asset stands first, and in red."""


def matching(*, state: str, source: str, kind: str, environment: str, owner: str, words: str, at: datetime) -> QuerySet[Asset]:
    """Assets for the list. ``state``: there, unseen (for 24 hours), gone or all; ``owner``: nobody, somebody's id, or any."""
    rows = Asset.objects.select_related("owner")
    given = {"source": source, "kind": kind, "environment": environment}
    rows = rows.filter(**{name: value for name, value in given.items() if value})
    if state != "all":
        rows = rows.filter(gone_at__isnull=state != "gone")
    if state == "unseen":
        rows = rows.filter(last_seen_at__lt=at - NOT_SEEN)
    if owner == "nobody":
        rows = rows.filter(owner=None)
    elif owner.isdecimal():
        rows = rows.filter(owner_id=int(owner[:18]))
    return rows.filter(Q(name__icontains=words) | Q(external_id__icontains=words)) if words else rows


def choices() -> tuple[list[str], list[str]]:
    """(sources, kinds) of all assets, for the filters."""
    pairs = Asset.objects.values_list("source", "kind").distinct().order_by("source", "kind")
    return sorted({source for source, _ in pairs}), sorted({kind for _, kind in pairs})


def figures(*, at: datetime) -> dict[str, int]:
    """How many assets are there, how many of them were not seen for 24 hours, and how many nobody owns. One query."""
    there = Q(gone_at=None)
    return Asset.objects.aggregate(
        there=Count("pk", filter=there),
        unseen=Count("pk", filter=there & Q(last_seen_at__lt=at - NOT_SEEN)),
        ownerless=Count("pk", filter=there & Q(owner=None)),
    )
