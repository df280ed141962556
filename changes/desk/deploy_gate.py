"""The deploy gate: what was asked and answered, and where it lets doubts pass for a time."""

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from changes.delivery.models import Environment, Repository
from changes.desk.calendar.forms import DigestForm, ReasonForm
from changes.gates import modes
from changes.gates.models import GateAnswer, GateMode
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import Scope, scope_for
from portal.access.signed_in import person_of
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Stale
from portal.ui.answers import page as answer
from portal.ui.clock import time_of
from portal.ui.paging import page_of

PAGE = 50
SAID = [("", "All answers"), ("allowed", "Allowed"), ("denied", "Denied"), ("doubts", "Passed on a doubt")]


class OpenForm(ReasonForm):
    """Where the gate shall let doubts pass, until when, and why."""

    repository = forms.ChoiceField(label="Repository")
    environment = forms.ChoiceField(label="Environment", choices=[(name, Environment(name).label) for name in modes.GATED])
    until = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Choose the last day", "invalid": "Choose the last day"},
    )
    field_order = ("repository", "environment", "until", "reason")

    def __init__(self, *args: Any, repositories: list[str], today: date, open_at_most: timedelta, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "open_%s", **kwargs})
        self.today, self.open_at_most = today, open_at_most
        field = self.fields["repository"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in repositories]

    def clean_until(self) -> date:
        """Not before today, and not longer than the policy lets a gate stand open."""
        until: date = self.cleaned_data["until"]
        latest = self.today + self.open_at_most - timedelta(days=1)
        if not self.today <= until <= latest:
            raise forms.ValidationError(f"Choose a day from today until {latest:%-d %B %Y}")
        return until


@requires(P.RELEASE_SEE)
@require_GET
def gate_page(request: HttpRequest) -> HttpResponse:
    """Answers, newest first, and open gates."""
    return _page(request)


@requires(P.WAIVER_DECIDE, fresh=True)
@require_POST
def ask_to_open(request: HttpRequest) -> HttpResponse:
    """First half of letting doubts pass."""
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    zone = ZoneInfo(person_of(request).time_zone or "UTC")
    modes.ask_to_open(
        repository=Repository.objects.get(name=form.cleaned_data["repository"], in_scope_until=None),
        environment=form.cleaned_data["environment"],
        until=datetime.combine(form.cleaned_data["until"] + timedelta(days=1), time(), tzinfo=zone),
        reason=form.cleaned_data["reason"],
        by=person_of(request),
        at=time_of(request),
    )
    messages.success(request, "It is asked for. Another person confirms it within 72 hours.")
    return redirect("deploy-gate")


@requires(P.WAIVER_DECIDE, fresh=True)
@require_POST
def confirm_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Second half."""
    mode, form = get_object_or_404(GateMode, pk=pk), DigestForm(request.POST)
    if not form.is_valid():
        raise Stale("This is not what you read.")
    modes.confirm_open(gate_mode=mode, digest=form.cleaned_data["digest"], by=person_of(request), at=time_of(request))
    messages.success(request, f"The gate of {mode.repository.name} to {mode.environment} lets doubts pass now.")
    return redirect("deploy-gate")


@requires(P.WAIVER_DECIDE)
@require_POST
def close_gate(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an open gate at once."""
    mode, form = get_object_or_404(GateMode, pk=pk), ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, closing=(pk, form), status=422)
    modes.close(
        repository=mode.repository,
        environment=mode.environment,
        reason=form.cleaned_data["reason"],
        by=person_of(request),
        at=time_of(request),
    )
    messages.success(request, f"The gate of {mode.repository.name} to {mode.environment} is closed.")
    return redirect("deploy-gate")


def _form(request: HttpRequest, data: Any = None) -> OpenForm:
    names = list(Repository.objects.filter(in_scope_until=None).order_by("name").values_list("name", flat=True))
    zone = ZoneInfo(person_of(request).time_zone or "UTC")
    at = time_of(request)
    longest = parameters_at(at).gate_open_at_most
    return OpenForm(data, repositories=names, today=at.astimezone(zone).date(), open_at_most=longest)


def _page(
    request: HttpRequest, *, form: OpenForm | None = None, closing: tuple[int, ReasonForm] | None = None, status: int = 200
) -> HttpResponse:
    at, said, repository = (
        time_of(request),
        request.GET.get("said", ""),
        request.GET.get("repository", "")[:200].replace("\x00", ""),
    )
    scope = scope_for(request)
    found = page_of(
        _answers(said, repository, scope),
        by="at",
        size=PAGE,
        older_than=request.GET.get("older", ""),
        newer_than=request.GET.get("newer", ""),
    )
    kept = {name: value for name, value in (("said", said), ("repository", repository)) if value}
    decides = may(request.user, P.WAIVER_DECIDE)
    names = Repository.objects.filter(in_scope_until=None).order_by("name").values_list("name", flat=True)
    context = {
        "rows": found.rows,
        "older": f"?{urlencode({**kept, 'older': found.older})}" if found.older else "",
        "newer": f"?{urlencode({**kept, 'newer': found.newer})}" if found.newer else "",
        "said": said,
        "options": SAID,
        "repository": repository,
        "repositories": [("", "Any repository"), *((name, name) for name in names if scope.covers(repository=name))],
        "open_gates": [_open(row, closing) for row in _open_now(at) if scope.covers(repository=row.repository.name)],
        "waiting": [row for row in modes.waiting(at=at) if scope.covers(repository=row.repository.name)],
        "reader": person_of(request),
        "decides": decides,
        "form": (form or _form(request)) if decides else None,
        "problem": status != 200,
    }
    return answer(request, "changes/desk/deploy_gate.html", context, piece="rows", status=status)


def _answers(said: str, repository: str, scope: Scope) -> QuerySet[GateAnswer]:
    rows = GateAnswer.objects.select_related("by", "token")
    chosen = {"allowed": {"allow": True}, "denied": {"allow": False}, "doubts": {"failed_open": True}}.get(said, {})
    rows = rows.filter(**chosen)
    if repository:
        rows = rows.filter(repository=repository)
    if scope.repositories is not None:
        rows = rows.filter(repository__in=sorted(scope.repositories))
    if scope.window_from is not None:
        rows = rows.filter(at__gte=scope.window_from)
    return rows.filter(at__lt=scope.window_to) if scope.window_to is not None else rows


def _open_now(at: datetime) -> list[GateMode]:
    """The row that counts of each repository and environment, where that is an open gate."""
    newest: dict[tuple[int, str], GateMode] = {}
    for row in modes.in_force(at=at).select_related("repository", "by", "confirmation__by"):
        newest.setdefault((row.repository_id, row.environment), row)
    return [row for row in newest.values() if row.mode == GateMode.Mode.OPEN and row.until and row.until > at]


def _open(row: GateMode, closing: tuple[int, ReasonForm] | None) -> dict[str, Any]:
    bound = closing[1] if closing and closing[0] == row.pk else None
    return {"row": row, "form": bound or ReasonForm(auto_id=f"close_{row.pk}_%s"), "open": bound is not None}
