"""Pages of a file of people: upload it, see what each row would do, import it as a whole."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.access.guards import requires
from portal.access.importing import actions
from portal.access.importing.forms import UploadForm
from portal.access.importing.models import ImportRow, PeopleImport
from portal.access.importing.reading import COLUMNS, MOST_BYTES
from portal.access.importing.waiting import MOST_WAITING, gives_way, waiting_of
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused
from portal.spreadsheet import answer_with_table

SHOWN = 100
"""Rows of each outcome on the page; the file of wrong rows has all."""


@requires(P.PERSON_KEEP)
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """The files of before, and the form for the next."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            held = actions.upload(raw=file.read(MOST_BYTES + 1), file_name=file.name, by=person_of(request), at=timezone.now())
        except Refused as refusal:
            form.add_error("file", refusal.words)
        else:
            return redirect("import", held.pk)
    files = PeopleImport.objects.defer("content").select_related("uploaded_by").order_by("-pk")[:50]
    oldest = gives_way(waiting_of(person_of(request)))
    context = {"form": form, "files": files, "columns": COLUMNS, "most": MOST_WAITING, "gives_way": oldest}
    return render(request, "portal/people/imports.html", context, status=422 if form.is_bound else 200)


@requires(P.PERSON_KEEP)
@require_GET
def one_import(request: HttpRequest, pk: int) -> HttpResponse:
    """What each row would do, or did; while a worker is at it, how far it is."""
    held = get_object_or_404(PeopleImport.objects.defer("content").select_related("uploaded_by", "wanted_by"), pk=pk)
    counts = dict(held.rows.values_list("outcome").annotate(count=Count("pk")).order_by())
    context: dict[str, Any] = {
        "held": held,
        "working": held.state in (PeopleImport.State.CHECKING, PeopleImport.State.WANTED),
        "counts": [(label, counts.get(value, 0)) for value, label in ImportRow.Outcome.choices],
        "wrong": counts.get(ImportRow.Outcome.WRONG, 0),
        "to_do": counts.get(ImportRow.Outcome.NEW, 0) + counts.get(ImportRow.Outcome.CHANGED, 0),
        "groups": [] if held.state == PeopleImport.State.CHECKING else _groups(held),
        "shown": SHOWN,
    }
    # htmx asks for the part that moves while a worker is at it; when it is done, the whole page comes.
    if request.headers.get("HX-Request") == "true":
        if not context["working"]:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "portal/people/import_progress.html", context)
    return render(request, "portal/people/import.html", context)


@requires(P.PERSON_KEEP)
@require_GET
def wrong_rows(request: HttpRequest, pk: int) -> HttpResponse:
    """All wrong rows as a file: the line, what is wrong, and what stands there."""
    held = get_object_or_404(PeopleImport.objects.defer("content"), pk=pk)
    rows = held.rows.filter(outcome=ImportRow.Outcome.WRONG).order_by("line")
    mark = f"Confidential: wrong rows of {held.file_name}, made {timezone.now():%Y-%m-%d %H:%M} (UTC) by {person_of(request).name}"
    cells = ((str(row.line), "; ".join(row.notes), row.said.get("email", ""), row.said.get("name", "")) for row in rows)
    return answer_with_table(name=f"wrong-rows-{held.pk}.csv", mark=mark, header=("Line", "Wrong", "E-mail", "Name"), rows=cells)


@requires(P.PERSON_KEEP, fresh=True)
@require_POST
def want(request: HttpRequest, pk: int) -> HttpResponse:
    """Import the whole file."""
    held = get_object_or_404(PeopleImport.objects.defer("content"), pk=pk)
    actions.want(held=held, by=person_of(request), at=timezone.now())
    messages.success(request, "The file is being imported, as a whole or not at all.")
    return redirect("import", held.pk)


@requires(P.PERSON_KEEP)
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Check the rows once more against the people who are here now."""
    held = actions.check_again(held=get_object_or_404(PeopleImport.objects.defer("content"), pk=pk))
    return redirect("import", held.pk)


def _groups(held: PeopleImport) -> list[tuple[str, str, int, list[ImportRow]]]:
    """The outcomes that matter, wrong rows first, each with its first rows."""
    order = (ImportRow.Outcome.WRONG, ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED)
    rows = {outcome: held.rows.filter(outcome=outcome) for outcome in order}
    return [
        (outcome.value, outcome.label, rows[outcome].count(), list(rows[outcome].order_by("line")[:SHOWN])) for outcome in order
    ]
