"""Planning a window, and overriding a freeze for a change: the posts of the panel "Schedule"."""

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from changes.calendar import actions, overriding
from changes.calendar.facts import Span
from changes.calendar.models import Freeze, FreezeOverride
from changes.calendar.providers import said
from changes.calendar.queries import apps_of, assets_of, freezes_within, freezing_of, standing_windows, windows_with_assets
from changes.calendar.scheduling import conflicts_of
from changes.desk.answering import asked_for, back
from changes.desk.calendar.forms import DigestForm, OverrideForm, WindowForm
from changes.desk.views import change_context
from changes.proposals.models import Change
from portal.access.freshness import authenticated_at
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Stale
from portal.ui.clock import time_of


@requires(P.CHANGE_SCHEDULE)
@require_POST
def plan_window(request: HttpRequest, number: int) -> HttpResponse:
    """Plan when the change goes to an environment. Conflicts are shown first; then it is planned all the same."""
    change, person, at = asked_for(request, number), person_of(request), time_of(request)
    form = WindowForm(request.POST, zone=person.time_zone, at=at, state=change.state)
    if not form.is_valid() or form.span is None:
        return _again(request, change, "window", form)
    environment = form.cleaned_data["environment"]
    form.conflicts = _conflicts(change, environment, form.span)
    if form.conflicts and not form.cleaned_data["anyway"]:
        form.add_error("anyway", "Something stands in the way. Choose another time, or plan it anyway.")
        return _again(request, change, "window", form)
    actions.plan(change=change, environment=environment, span=form.span, by=person, at=at)
    return back(request, change, "The window is planned.")


def _conflicts(change: Change, environment: str, span: Span) -> tuple[str, ...]:
    names = change.repository_names
    found = conflicts_of(
        span=span,
        assets=assets_of(environment=environment, repositories=names, apps=apps_of(names)),
        windows=windows_with_assets(standing_windows(span=span)),
        freezes=[freezing_of(row) for row in freezes_within(span=span)],
        own=change.number,
    )
    return tuple(map(said, found))


@requires(P.CHANGE_SCHEDULE)
@require_POST
def cancel_window(request: HttpRequest, number: int, environment: str) -> HttpResponse:
    """Give a planned window back."""
    change = asked_for(request, number)
    actions.cancel(change=change, environment=environment, by=person_of(request), at=time_of(request))
    return back(request, change, "The window is cancelled.")


@requires(P.FREEZE_OVERRIDE, fresh=True)
@require_POST
def ask_override(request: HttpRequest, number: int) -> HttpResponse:
    """Ask that the change may go out in a freeze."""
    change = asked_for(request, number)
    form = OverrideForm(request.POST)
    if not form.is_valid():
        return _again(request, change, "override", form)
    overriding.ask_override(
        change=change,
        freeze=get_object_or_404(Freeze, pk=form.cleaned_data["freeze"]),
        reason=form.cleaned_data["reason"],
        by=person_of(request),
        at=time_of(request),
    )
    return back(request, change, "The override is asked for. Somebody else confirms it within 72 hours.")


@requires(P.FREEZE_OVERRIDE, fresh=True)
@require_POST
def confirm_override(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """The second person's yes."""
    change = asked_for(request, number)
    override = get_object_or_404(FreezeOverride, pk=pk, change=change)
    form = DigestForm(request.POST)
    if not form.is_valid():
        raise Stale("The override is not the one that you read.")
    overriding.confirm_override(
        override=override,
        digest=form.cleaned_data["digest"],
        by=person_of(request),
        authenticated_at=authenticated_at(request),
        at=time_of(request),
    )
    return back(request, change, f"{change} may go out in the freeze {override.freeze.name}.")


@requires(P.FREEZE_OVERRIDE)
@require_POST
def refuse_override(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Somebody's no, or the first person taking it back."""
    change = asked_for(request, number)
    override = get_object_or_404(FreezeOverride, pk=pk, change=change)
    overriding.refuse_override(override=override, by=person_of(request), at=time_of(request))
    return back(request, change, "The override is off the table; it stays on record.")


def _again(request: HttpRequest, change: Change, name: str, form: Form) -> HttpResponse:
    """The page with what was typed and what is wrong with it."""
    context = change_context(request, change, bound={name: form}, problem=True)
    return render(request, "changes/desk/change.html", context, status=422)
