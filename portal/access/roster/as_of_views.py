"""The page that answers "who could approve for production on 3 March?", and the same as a file."""

from collections.abc import Iterator
from datetime import date, datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access.guards import requires
from portal.access.permissions import EVERYBODY, P
from portal.access.roles import roles_with
from portal.access.roster.as_of import Held, who_could
from portal.access.signed_in import person_of
from portal.spreadsheet import answer_with_table

HEADER = ("Person", "E-mail", "Kind", "Employer", "Role", "From (UTC)", "Until (UTC)", "Whole day", "Given", "Reason")


class AsOfForm(forms.Form):
    """What, and on which day."""

    may = forms.ChoiceField(
        label="Who could",
        choices=[(permission.value, permission.sentence) for permission in P if permission not in EVERYBODY],
        error_messages={"required": "Choose what they could do"},
    )
    day = forms.DateField(
        label="On",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Choose a day", "invalid": "Write the day as 2026-03-03"},
    )


@requires(P.ROLE_HISTORY_SEE)
@require_safe
def could(request: HttpRequest) -> HttpResponse:
    """Who could do something on a day, with what the right came from. ``?file=csv`` gives it as a file."""
    now = timezone.now()
    asked = {"may": request.GET.get("may", P.CHANGE_APPROVE.value), "day": request.GET.get("day", now.date().isoformat())}
    form = AsOfForm(asked)
    if not form.is_valid():
        return render(request, "portal/people/could.html", {"form": form}, status=422)
    permission, day = P(form.cleaned_data["may"]), form.cleaned_data["day"]
    held = who_could(permission=permission, day=day)
    if request.GET.get("file") == "csv":
        return _file(held, permission, day, reader=person_of(request).name, at=now)
    context = {
        "form": form,
        "held": held,
        "people": len({one.user.pk for one in held}),
        "permission": permission,
        "roles": [role.label for role in roles_with(permission)],
        "day": day,
        "ahead": day > now.date(),
    }
    return render(request, "portal/people/could.html", context)


def _file(held: list[Held], permission: P, day: date, *, reader: str, at: datetime) -> HttpResponse:
    mark = (
        f"Confidential: who could {permission.sentence} on {day:%-d %B %Y} (UTC); "
        f"{len(held)} roles; made {at:%Y-%m-%d %H:%M} (UTC) by {reader}"
    )
    name = f"who-could-{permission.value.replace('.', '-').replace('_', '-')}-{day.isoformat()}.csv"
    return answer_with_table(name=name, mark=mark, header=HEADER, rows=_rows(held))


def _rows(held: list[Held]) -> Iterator[tuple[str, ...]]:
    for one in held:
        ends = f"{one.ends:%Y-%m-%d %H:%M:%S}" if one.ends else ""
        whole = "yes" if one.whole_day else "no"
        about = (one.user.name, one.user.email, one.user.get_kind_display(), one.user.employer)
        yield (*about, one.role, f"{one.begins:%Y-%m-%d %H:%M:%S}", ends, whole, one.given, one.grant.reason)
