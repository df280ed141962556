"""Assets of all sources: the list, the same as a file, and one asset with its history."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods

from changes.connectors.in_scope import in_scope, offered
from changes.delivery.models import Environment
from changes.desk.columns import moment_text
from changes.desk.inventory.forms import KeepForm
from changes.inventory import keeping, queries
from changes.inventory.models import Asset, Snapshot
from changes.inventory.queries import NOT_SEEN
from changes.proposals.word_diff import Piece, compare
from portal.access.guards import requires
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.home import loading
from portal.policy.refusal import Refused
from portal.spreadsheet import answer_with_table
from portal.ui.answers import page
from portal.ui.clock import time_of
from portal.ui.paging import asked_in, links, page_of

STATES = (("", "There"), ("unseen", "Not seen for 24 hours"), ("gone", "Gone"), ("all", "All"))
ENVIRONMENTS = [("", "Any environment"), *Environment.choices]
NAMES = ("state", "source", "kind", "environment", "owner", "q")
HEAD = (
    *("Source", "Kind", "Id", "Name", "Environment", "Within", "Owner", "Criticality"),
    *("First seen", "Last seen", "Gone", "Configuration digest"),
)
HISTORY = 50
"""Snapshots and events that the page of an asset shows; the ledger has all."""


@dataclass(frozen=True)
class Step:
    """One snapshot on the page, with what differs from the one before it, word by word."""

    snapshot: Snapshot
    pieces: Sequence[Piece]


@requires(P.INVENTORY_SEE)
@require_GET
def inventory(request: HttpRequest) -> HttpResponse:
    """All assets that are there, those not seen for the longest time first."""
    asked, at = _asked(request), time_of(request)
    where = asked_in(request)
    found = page_of(_matching(request, asked), by="last_seen_at", older_than=where.older, newer_than=where.newer, ascending=True)
    sources, kinds = queries.choices()
    names = queries.names_within(found.rows)
    owners = User.objects.filter(pk__in=Asset.objects.exclude(owner=None).values("owner")).order_by("name")
    context = {
        "loading": loading.said(request),
        "rows": [(row, names.get((row.source, row.within), row.within)) for row in found.rows],
        **links(found, asked),
        "asked": asked,
        "filtered": any(asked.values()),
        "query": urlencode({name: value for name, value in asked.items() if value}),
        "figures": queries.figures(at=at),
        "unseen_before": at - NOT_SEEN,
        "states": STATES,
        "environments": ENVIRONMENTS,
        "sources": [("", "Any source"), *((name, name) for name in offered(sources, scope_for(request)))],
        "kinds": [("", "Any kind"), *((name, name) for name in kinds)],
        "owners": [("", "Any owner"), ("nobody", "Nobody"), *((str(owner.pk), owner.name) for owner in owners)],
    }
    return page(request, "changes/inventory/list.html", context, piece="rows")


@requires(P.INVENTORY_SEE)
@require_GET
def inventory_file(request: HttpRequest) -> HttpResponse:
    """The same as a file, all rows."""
    asked, at = _asked(request), time_of(request)
    rows = list(_matching(request, asked).order_by("last_seen_at", "pk"))
    mark = [
        "Confidential: inventory of Countersign",
        f"{len(rows)} rows",
        f"filter: {urlencode({name: value for name, value in asked.items() if value}) or 'none'}",
        f"made {moment_text(at)} (UTC) by {person_of(request).email}",
    ]
    return answer_with_table(name="inventory.csv", mark="; ".join(mark), header=HEAD, rows=map(_cells, rows))


@requires(P.INVENTORY_SEE)
@require_GET
def asset(request: HttpRequest, pk: int) -> HttpResponse:
    """One asset: its configuration, its history, and what the vendor's log says of it."""
    row = get_object_or_404(in_scope(Asset.objects.select_related("owner"), scope_for(request)), pk=pk)
    return _asset_page(request, row, KeepForm(asset=row))


@requires(P.INVENTORY_KEEP)
@require_http_methods(["POST"])
def keep_asset(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who owns it and how much depends on it."""
    row = get_object_or_404(Asset.objects.select_related("owner"), pk=pk)
    form = KeepForm(request.POST, asset=row)
    if not form.is_valid():
        return _asset_page(request, row, form, status=422)
    given = {name: form.cleaned_data[name] for name in ("owner", "criticality")}
    try:
        changed = keeping.keep(asset=row, seen=form.seen(), by=person_of(request), at=time_of(request), **given)
    except Refused as problem:
        form.add_error(None, problem.words)
        return _asset_page(request, row, form, status=422)
    messages.success(request, "Kept." if changed else "Nothing was different.")
    return redirect("asset", pk=pk)


def _asset_page(request: HttpRequest, row: Asset, form: KeepForm, status: int = 200) -> HttpResponse:
    snapshots = list(row.snapshots.order_by("-id")[: HISTORY + 1])
    inside = Asset.objects.filter(source=row.source, within=row.external_id, gone_at=None).order_by("kind", "name")
    context: dict[str, Any] = {
        "asset": row,
        "newest": snapshots[0] if snapshots else None,
        "configuration": _text(snapshots[0]) if snapshots else "",
        "steps": _steps(snapshots),
        "events": list(queries.events_about(row)[:HISTORY]),
        "parent": Asset.objects.filter(source=row.source, external_id=row.within).order_by("pk").first() if row.within else None,
        "inside": list(inside[:HISTORY]),
        "unseen": row.gone_at is None and row.last_seen_at < time_of(request) - NOT_SEEN,
        "form": form,
        "may_keep": may(request.user, P.INVENTORY_KEEP),
    }
    return render(request, "changes/inventory/asset.html", context, status=status)


def _steps(snapshots: Sequence[Snapshot]) -> list[Step]:
    """Newest first. The first one of an asset has nothing before it; one beyond what is shown is only compared with."""
    pairs = zip(snapshots, [*snapshots[1:], None], strict=True)
    steps = [
        Step(snapshot, compare(_text(before), _text(snapshot)) if before and snapshot.differs else []) for snapshot, before in pairs
    ]
    return steps[:HISTORY]


def _text(snapshot: Snapshot) -> str:
    """A configuration as people read it: indented, names sorted."""
    return json.dumps(snapshot.configuration, indent=2, sort_keys=True, ensure_ascii=False)


def _asked(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").replace("\x00", "")[:200] for name in NAMES}


def _matching(request: HttpRequest, asked: dict[str, str]) -> Any:
    rows = queries.matching(
        state=asked["state"],
        source=asked["source"],
        kind=asked["kind"],
        environment=asked["environment"],
        owner=asked["owner"],
        words=asked["q"],
        at=time_of(request),
    )
    return in_scope(rows, scope_for(request))


def _cells(row: Asset) -> tuple[str, ...]:
    return (
        *(row.source, row.kind, row.external_id, row.name, row.environment, row.within),
        *(row.owner.name if row.owner else "", row.get_criticality_display() if row.criticality else ""),
        *(moment_text(row.first_seen_at), moment_text(row.last_seen_at), moment_text(row.gone_at) if row.gone_at else ""),
        row.digest,
    )
