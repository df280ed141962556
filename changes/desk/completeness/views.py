"""Completeness: what every source has and the portal has, in both directions; every number opens its rows (P-02, P-14, P-26)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from changes.completeness.counting import Row, rows
from changes.completeness.coverage import holes_of
from changes.completeness.facts import MATCHED, OUTSIDE, UNMATCHED, Line, Sheet
from changes.completeness.populations import POPULATIONS, Population
from changes.completeness.queries import sheet_of
from changes.delivery.models import Repository
from changes.desk.columns import moment_text
from changes.desk.completeness.asking import Asked, asked_of
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.ledger.canonical import digest_of
from portal.runtime.punctual import late_jobs
from portal.spreadsheet import answer_with_table
from portal.ui.answers import page

SIZE = 50
MOST = 50_000
"""Rows of one file."""
STATES = [("", "All"), (UNMATCHED, "Without a counterpart"), (MATCHED, "Matched"), (OUTSIDE, "Outside")]


@dataclass(frozen=True)
class Group:
    """One population with its lines, for the page."""

    population: Population
    lines: tuple[Line, ...]

    @property
    def unmatched(self) -> int:
        return sum(line.unmatched for line in self.lines)


@requires(P.EXCEPTION_SEE)
@require_GET
def completeness(request: HttpRequest) -> HttpResponse:
    """The sheet of a window and a scope."""
    asked = asked_of(request)
    sheet = sheet_of(since=asked.since, until=asked.until, scope=asked.scope, at=asked.at)
    context = {
        "asked": asked,
        "sheet": sheet,
        "digest": digest_of(sheet.as_json()),
        "forward": _groups(sheet, sheet.forward),
        "backward": _groups(sheet, sheet.backward),
        "repositories": _repositories(request),
        "late": late_jobs(at=asked.at),
    }
    return render(request, "changes/completeness/sheet.html", context)


def _groups(sheet: Sheet, lines: tuple[Line, ...]) -> list[Group]:
    codes = dict.fromkeys(line.population for line in lines)
    return [Group(POPULATIONS[code], tuple(line for line in lines if line.population == code)) for code in codes]


def _repositories(request: HttpRequest) -> list[tuple[str, str]]:
    scope = scope_for(request)
    names = Repository.objects.order_by("name").values_list("name", flat=True)
    return [("", "All"), *((name, name) for name in names if scope.covers(repository=name))]


@requires(P.EXCEPTION_SEE)
@require_GET
def sheet_file(request: HttpRequest) -> HttpResponse:
    """The sheet as JSON, with its digest: SHA-256 over its canonical form."""
    asked = asked_of(request)
    sheet = sheet_of(since=asked.since, until=asked.until, scope=asked.scope, at=asked.at).as_json()
    answer = JsonResponse({"confidential": "change records of Countersign", "sheet": sheet, "digest": digest_of(sheet)})
    answer.headers["Content-Disposition"] = 'attachment; filename="completeness.json"'
    return answer


@requires(P.EXCEPTION_SEE)
@require_GET
def population(request: HttpRequest, code: str) -> HttpResponse:
    """The rows behind a number, newest first."""
    asked = asked_of(request)
    one = _population(code, asked)
    place, state = _filter(request)
    found = rows(
        population=one, window=asked.window, place=place, state=state, before=_cursor(request.GET.get("older", "")), size=SIZE + 1
    )
    shown = found[:SIZE]
    kept = {"place": place or "", "state": state or ""}
    context = {
        "population": one,
        "asked": asked,
        "rows": shown,
        "place": place or "",
        "state": state or "",
        "states": STATES,
        "query": _address(asked, kept),
        "older": f"?{_address(asked, {**kept, 'older': shown[-1].cursor})}" if len(found) > SIZE else "",
    }
    return page(request, "changes/completeness/rows.html", context, piece="rows")


@requires(P.EXCEPTION_SEE)
@require_GET
def population_file(request: HttpRequest, code: str) -> HttpResponseBase:
    """The same rows as a file."""
    asked = asked_of(request)
    one = _population(code, asked)
    place, state = _filter(request)
    found = rows(population=one, window=asked.window, place=place, state=state, size=MOST + 1)
    mark = [
        f"Confidential: {one.title.lower()}, from Countersign",
        f"the first {MOST} of more rows: narrow the window" if len(found) > MOST else f"{len(found)} rows",
        f"source: {one.source}; asked: {one.asked}",
        f"window: {moment_text(asked.window.since)} to {moment_text(asked.window.until)} (UTC), half open",
        f"filter: {_address(asked, {'place': place or '', 'state': state or ''})}",
        f"made {moment_text(asked.at)} (UTC) by {person_of(request).email}",
    ]
    head = ("When", "Place", "Name", "What", "State", "Exception", "Exception is", "Due")
    return answer_with_table(
        name=f"{code}.csv", mark="; ".join(mark), header=head, rows=(tuple(_cells(row)) for row in found[:MOST])
    )


@requires(P.EXCEPTION_SEE)
@require_GET
def outages(request: HttpRequest) -> HttpResponse:
    """Outages and missed deliveries that touch the window."""
    asked = asked_of(request)
    source = request.GET.get("source", "")
    found = [hole for hole in reversed(holes_of(window=asked.window)) if not source or hole.source == source]
    context = {"asked": asked, "holes": found[:500], "count": len(found), "source": source}
    return render(request, "changes/completeness/outages.html", context)


def _population(code: str, asked: Asked) -> Population:
    if code not in POPULATIONS or not asked.window.covers(POPULATIONS[code].systems):
        raise Http404(f"There is no population {code}.")
    return POPULATIONS[code]


def _filter(request: HttpRequest) -> tuple[str | None, str | None]:
    state = request.GET.get("state", "")
    place = request.GET.get("place", "").replace("\x00", "")
    return place or None, state if state in (MATCHED, UNMATCHED, OUTSIDE) else None


def _cursor(text: str) -> tuple[datetime, str] | None:
    """What ``Row.cursor`` has made; anything else is the beginning."""
    moment, _, key = text.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (at, key[:200]) if at.tzinfo is not None and "\x00" not in key else None


def _address(asked: Asked, kept: dict[str, str]) -> str:
    more = urlencode({name: value for name, value in kept.items() if value})
    return "&".join(filter(None, (asked.query, more)))


def _cells(row: Row) -> Iterator[str]:
    yield moment_text(row.at)
    yield row.place
    yield row.name
    yield row.words
    yield row.state
    yield str(row.exception) if row.exception else ""
    yield row.exception_state or ""
    yield moment_text(row.due) if row.due else ""
