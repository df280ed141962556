"""The list of changes: three views of one address, and the same as a file."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from changes.desk.board import board_of
from changes.desk.calendar.views import calendar_page
from changes.desk.csv_file import LIMIT, answer_with, file_of
from changes.desk.list_address import BASIC, Address, read_address, shown_columns
from changes.desk.list_rows import list_rows
from changes.desk.saved import Furniture, furniture_of
from changes.proposals.listing import CHOICES, NOTHING, SORTS, find, matching
from changes.proposals.models import Change
from changes.proposals.searching.language import OPERATORS
from portal.access.guards import requires
from portal.access.may import may
from portal.access.people import actor_of, stream_of
from portal.access.permissions import P
from portal.access.scope import for_auditor, scope_for
from portal.access.signed_in import person_of
from portal.ledger.actions import append
from portal.replica import read_with
from portal.replica_pages import written_in
from portal.ui.answers import page as answer
from portal.ui.answers import wants_piece
from portal.ui.clock import time_of
from portal.ui.paging import asked_in, links

TARGET = "found"
"""The element that the filter bar and the pager swap."""
TABS = {"list": "List", "board": "Board", "calendar": "Calendar"}
ANY = {"routine": "Routine or not", "stage": "Any stage"}


@requires(P.CHANGE_SEE)
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """List, board or calendar; without any address the view that the person has chosen to begin with."""
    around = furniture_of(person_of(request))
    if not request.GET and around.default_query:
        return redirect(f"{reverse('changes')}?{around.default_query}")
    if request.GET.get("view") == "calendar":
        return calendar_page(request)
    return _answer(request, read_address(request.GET), around)


def _answer(request: HttpRequest, address: Address, around: Furniture, *, status: int = 200) -> HttpResponse:
    context = _board(request, address) if address.view == "board" else _rows(request, address, around)
    context |= _frame(request, address) if wants_piece(request) else {**_frame(request, address), **_bar(request, address, around)}
    response = answer(request, "changes/desk/list.html", context, piece=TARGET, status=status)
    if request.headers.get("HX-Target") == TARGET:
        # The form sends every field; the address keeps those that say something.
        response.headers["HX-Push-Url"] = _here(request, address)
    return response


def _rows(request: HttpRequest, address: Address, around: Furniture) -> dict[str, Any]:
    at = time_of(request)
    asked = asked_in(request)
    wanted = address.wanted(reader=person_of(request).pk, today=at.date())
    page = (
        NOTHING
        if address.problems
        else find(wanted=wanted, scope=scope_for(request), sort=address.sort, older=asked.older, newer=asked.newer)
    )
    rows = list_rows(page.rows, at=at, columns=shown_columns(address, around.columns))
    return {"rows": SafeString("".join(rows)), "order": SORTS[address.sort].label, **links(page, address.kept)}


def _board(request: HttpRequest, address: Address) -> dict[str, Any]:
    at = time_of(request)
    reader = person_of(request)
    wanted = address.wanted(reader=reader.pk, today=at.date())
    rows = Change.objects.none() if address.problems else matching(wanted=wanted, scope=scope_for(request))
    lanes = board_of(rows, reader=reader, at=at)
    names = [lane.stage for lane in lanes]
    chosen = request.GET.get("lane", "")
    return {
        "lanes": [(lane, address.but(view="", stage=lane.stage)) for lane in lanes],
        "lane": chosen if chosen in names else next((lane.stage for lane in lanes if lane.cards), names[0]),
        "lane_tabs": [(address.but(lane=lane.stage), f"{lane.name} {lane.count}", lane.stage) for lane in lanes],
    }


def _frame(request: HttpRequest, address: Address) -> dict[str, Any]:
    """What stands directly around the rows and depends on what was asked."""
    return {
        "address": address,
        "here": _here(request, address),
        "tabs": [(address.but(view="" if view == "list" else view), words) for view, words in TABS.items()],
        "tab": address.but(view="" if address.view == "list" else address.view),
        "limit": LIMIT,
        "may_propose": may(request.user, P.CHANGE_PROPOSE),
    }


def _bar(request: HttpRequest, address: Address, around: Furniture) -> dict[str, Any]:
    """The filter bar, the views of the person and the help."""
    options = {name: [("", ANY.get(name, f"Any {name}")), *values] for name, values in CHOICES.items()}
    names = dict.fromkeys([*around.repositories, *filter(None, [address.values["repository"]])])
    return {
        "choices": options,
        "repositories": [("", "Any repository"), *((name, name) for name in names)],
        "sorts": [(code, sort.label) for code, sort in SORTS.items()],
        "whose": [("", "Anybody's"), ("1", "Mine")],
        "more_open": any(name not in BASIC for name in address.filters),
        "views": around.views,
        "help": _help(),
    }


@lru_cache(maxsize=1)
def _help() -> SafeString:
    """The operators in words, drawn once: they are the same for everybody."""
    return render_to_string("changes/desk/list_help.html", {"operators": OPERATORS.items()})


def _here(request: HttpRequest, address: Address) -> str:
    """This page without the empty fields of its form."""
    asked = asked_in(request)
    lane = request.GET.get("lane", "") if address.view == "board" else ""
    return reverse("changes") + address.but(older=asked.older, newer=asked.newer, lane=lane)


@requires(P.CHANGE_SEE)
@require_GET
def changes_file(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The list as it is shown, with all of its rows, as CSV. What cannot be read makes no file, but the page that says so."""
    address = read_address(request.GET)
    person, at = person_of(request), time_of(request)
    around = furniture_of(person)
    if address.problems:
        return _answer(request, address, around, status=422)
    file = read_with(
        lambda copy: file_of(
            rows=matching(wanted=address.wanted(reader=person.pk, today=at.date()), scope=scope_for(request)),
            sort=address.sort,
            columns=shown_columns(address, around.columns),
            asked=address.query,
            reader=person.name,
            at=copy.as_of if copy else at,
        ),
        since=written_in(request),
    )
    auditor = for_auditor(request)
    if not auditor:
        # What auditors read is noted by the wall; what others take out stands in the ledger (P-31).
        fact = {"list": "changes", "asked": address.query, "rows": file.count, "at": at.isoformat()}
        append(stream=stream_of(person), kind="list.exported", actor=actor_of(person), fact=fact)
    name = f"countersign-changes-confidential-{at:%Y%m%dT%H%MZ}.csv"
    return answer_with(request, file, name=name, whole=auditor)
