"""Pages of saved views: keep a list under a name, rename it, begin with it, delete it and take that back; choose columns."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from changes.desk import saved
from changes.desk.columns import COLUMNS, columns_of, written
from changes.desk.csv_file import LIMIT
from changes.desk.list_address import Address, read_address, shown_columns
from changes.desk.models import SavedView
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import for_auditor
from portal.access.signed_in import person_of
from portal.ui.clock import time_of

LONGEST_NAME = 80


class NameForm(forms.Form):
    """The name of a view."""

    name = forms.CharField(label="Name", max_length=LONGEST_NAME)


class SaveForm(NameForm):
    """A new view: the list is that of the page on which the form stands."""

    default = forms.BooleanField(label="Begin with this view", required=False)
    query = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)


class ColumnsForm(forms.Form):
    """Which columns are shown. None is possible: number and title always are."""

    columns = forms.MultipleChoiceField(
        label="Columns",
        choices=[(name, column.label) for name, column in COLUMNS.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    query = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)


@requires(P.CHANGE_SEE)
@require_GET
def saved_views(request: HttpRequest) -> HttpResponse:
    """How this list looks, and all lists that the person has kept."""
    return _page(request, read_address(request.GET))


def _page(request: HttpRequest, address: Address, *, save: SaveForm | None = None, status: int = 200) -> HttpResponse:
    person = person_of(request)
    around = saved.furniture_of(person)
    shown = shown_columns(address, around.columns)
    deleted = _mine(request).filter(key=request.GET.get("deleted", ""), deleted_at__isnull=False).first()
    context = {
        "address": address,
        "views": around.views,
        "most": saved.MOST,
        "full": len(around.views) >= saved.MOST,
        "save_form": save or SaveForm(initial={"query": address.query}),
        "columns_form": ColumnsForm(initial={"columns": list(shown), "query": address.query}),
        "deleted": deleted,
        "limit": LIMIT,
        "base": request.build_absolute_uri(reverse("saved-views")),
        "reads_only": for_auditor(request),
    }
    return render(request, "changes/desk/list_views.html", context, status=status)


def _mine(request: HttpRequest) -> QuerySet[SavedView]:
    return SavedView.objects.filter(person=person_of(request))


def _address_in(query: str) -> Address:
    """A list's address from the hidden field of a form: read like any other, so that nothing foreign is kept."""
    return read_address(QueryDict(query[: 4 * saved.LONGEST_QUERY]))


@requires(P.CHANGE_SEE)
@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the list under a name, and show it."""
    form = SaveForm(request.POST)
    address = _address_in(request.POST.get("query", ""))
    if form.is_valid():
        given = form.cleaned_data
        try:
            saved.save_view(
                person=person_of(request), name=given["name"], query=address.query, default=given["default"], at=time_of(request)
            )
        except ValidationError as problem:
            form.add_error("name", problem)
        else:
            messages.success(request, f"“{given['name']}” is kept.")
            return _to_list(address.query)
    return _page(request, address, save=form, status=422)


@requires(P.CHANGE_SEE)
@require_GET
def open_view(request: HttpRequest, key: str) -> HttpResponse:
    """The list behind a link that somebody shared. It shows what the reader may see, no more."""
    return _to_list(get_object_or_404(SavedView, key=key, deleted_at=None).query)


@requires(P.CHANGE_SEE)
@require_POST
def rename_view(request: HttpRequest, key: str) -> HttpResponse:
    """Another name for a view of one's own."""
    view = get_object_or_404(_mine(request), key=key, deleted_at=None)
    form = NameForm(request.POST)
    words = " ".join(str(error) for errors in form.errors.values() for error in errors)
    if form.is_valid():
        try:
            saved.rename_view(view=view, name=form.cleaned_data["name"])
        except ValidationError as problem:
            words = " ".join(problem.messages)
    return _back(request, words, f"It is called “{form.cleaned_data.get('name', '')}” now.")


@requires(P.CHANGE_SEE)
@require_POST
def default_view(request: HttpRequest, key: str) -> HttpResponse:
    """Begin with this view, or with everything again."""
    view = get_object_or_404(_mine(request), key=key, deleted_at=None)
    saved.choose_default(view=view, default=not view.is_default)
    done = "The list begins with everything again." if view.is_default else f"The list begins with “{view}” now."
    return _back(request, "", done)


@requires(P.CHANGE_SEE)
@require_POST
def delete_view(request: HttpRequest, key: str) -> HttpResponse:
    """Delete a view; the page then offers to take it back."""
    view = get_object_or_404(_mine(request), key=key, deleted_at=None)
    saved.delete_view(view=view, at=time_of(request))
    return redirect(f"{reverse('saved-views')}?deleted={view.key}")


@requires(P.CHANGE_SEE)
@require_POST
def restore_view(request: HttpRequest, key: str) -> HttpResponse:
    """Take a deletion back."""
    view = get_object_or_404(_mine(request), key=key, deleted_at__isnull=False)
    words = ""
    try:
        saved.restore_view(view=view)
    except ValidationError as problem:
        words = " ".join(problem.messages)
    return _back(request, words, f"“{view}” is back.")


def _back(request: HttpRequest, problem: str, done: str) -> HttpResponse:
    messages.add_message(request, messages.ERROR if problem else messages.SUCCESS, problem or done)
    return redirect("saved-views")


@requires(P.CHANGE_SEE)
@require_POST
def choose_columns(request: HttpRequest) -> HttpResponse:
    """Show these columns, here and wherever the address names none."""
    chosen = written(columns_of(",".join(request.POST.getlist("columns"))))
    saved.remember_columns(person=person_of(request), columns=chosen)
    address = _address_in(request.POST.get("query", ""))
    return _to_list(address.but(columns=chosen)[1:])


def _to_list(query: str) -> HttpResponse:
    """The list behind a question; without it when it is longer than a redirect may be."""
    return redirect(f"{reverse('changes')}?{query if 0 < len(query) <= saved.LONGEST_QUERY else 'view=list'}")
