"""Who may do what, on any day, and what changed between two."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from changes.connectors.in_scope import in_scope, names_in, offered
from changes.desk.access.listing import DIFFERENCES, day_in, latest, mark_of, part_of, query_of
from changes.desk.columns import moment_text
from changes.entitlements import queries
from changes.entitlements.facts import Right
from changes.entitlements.models import Entitlement, Thing
from changes.entitlements.own import people_of, person_of_right
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.spreadsheet import answer_with_table

HEAD = (
    *("Source", "Thing", "Thing's key", "Account", "Account's id", "Kind", "Right", "Vendor's word", "Through", "Person"),
    *("Since", "Ended"),
)


@requires(P.ACCESS_SEE)
@require_GET
def access(request: HttpRequest) -> HttpResponse:
    """Rights on a day, newest reading first asked; with ``since``, what changed after that day."""
    kept, rows = _asked(request)
    context = part_of(request, rows, kept)
    people = people_of(context["rows"])
    context |= {
        "kept": kept,
        "lines": [(row, person_of_right(row, people)) for row in context["rows"]],
        "sources": [("", "All sources"), *((name, name) for name in offered(_sources(), scope_for(request)))],
        "rights": [("", "All rights"), *((right.value, right.value) for right in Right)],
        "last": Thing.objects.exclude(last_read_at=None).order_by("-last_read_at").first(),
        **_differences(request),
    }
    return render(request, "changes/access/access.html", context)


@requires(P.ACCESS_SEE)
@require_GET
def access_file(request: HttpRequest) -> HttpResponse:
    """The same as a file, all rows."""
    kept, rows = _asked(request)
    found = list(rows)
    people = people_of(found)
    mark = mark_of(request, what="access rights", count=len(found), query=query_of(kept))
    cells = (_cells(row, person_of_right(row, people)) for row in found)
    return answer_with_table(name="access.csv", mark=mark, header=HEAD, rows=cells)


def _cells(row: Entitlement, person: object) -> tuple[str, ...]:
    return (
        *(row.thing.source, row.thing.name, row.thing.key, row.account_name, row.account_id, row.account_kind, row.right),
        *(row.vendor_word, row.through, str(person or ""), moment_text(row.first_seen_at)),
        moment_text(row.ended_at) if row.ended_at else "",
    )


def _sources() -> list[str]:
    return list(Thing.objects.order_by("source").values_list("source", flat=True).distinct())


def _asked(request: HttpRequest) -> tuple[dict[str, str], QuerySet[Entitlement]]:
    """The filters, and the rights of the day that they ask for."""
    day = day_in(request, "on")
    kept = {name: request.GET.get(name, "")[:100] for name in ("source", "right", "q")}
    kept["on"] = day.isoformat() if day else ""
    rows = in_scope(queries.rights_on(day=day or latest(request).date()), scope_for(request), by="thing__source")
    if not day:
        rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=latest(request)))
    if kept["source"]:
        rows = rows.filter(thing__source=kept["source"])
    if kept["right"]:
        rows = rows.filter(right=kept["right"])
    if kept["q"]:
        words = kept["q"]
        rows = rows.filter(Q(account_name__icontains=words) | Q(account_id=words) | Q(thing__name__icontains=words))
    return kept, rows


def _differences(request: HttpRequest) -> dict[str, Any]:
    """What changed after a day, up to the day that is shown."""
    since = day_in(request, "since")
    if since is None:
        return {"since": ""}
    found = queries.differences(from_day=since, to_day=day_in(request, "on") or latest(request).date())
    began = [(row.first_seen_at, True, row) for row in found.began]
    ended = [(row.ended_at, False, row) for row in found.ended]
    names = names_in(scope_for(request))
    seen = [one for one in (*began, *ended) if names is None or one[2].thing.source in names]
    changes = sorted(seen, key=_when)
    return {"since": since.isoformat(), "changes": changes[:DIFFERENCES], "changes_count": len(changes)}


def _when(change: tuple[Any, bool, Entitlement]) -> tuple[Any, bool, int]:
    return (change[0], change[1], change[2].pk)
