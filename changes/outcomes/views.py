"""Rollbacks and drills: what was undone and how long it took, what was practised, what is overdue."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from changes.calendar.policy import NoSuchTime, moment_of
from changes.outcomes import actions, queries
from changes.outcomes.forms import DrillForm
from changes.outcomes.models import RollbackDrill
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused

SHOWN = 100


@requires(P.RELEASE_SEE)
@require_GET
def rollbacks(request: HttpRequest) -> HttpResponse:
    """Apps whose drill is overdue first, then rollbacks that happened, then drills."""
    scope, every = scope_for(request), parameters_at(now()).rollback_drill_every
    drills = RollbackDrill.objects.select_related("by").order_by("-began_at", "-id")
    if scope.window_from is not None and scope.window_to is not None:
        drills = drills.filter(began_at__gte=scope.window_from, began_at__lt=scope.window_to)
    context = {
        "clocks": queries.drill_clocks(at=now(), every=every) if scope.repositories is None else [],
        "undoings": queries.undoings(scope)[:SHOWN],
        "drills": drills[:SHOWN],
        "may_record": may(request.user, P.DRILL_RECORD),
        "every": every.days,
    }
    return render(request, "changes/outcomes/rollbacks.html", context)


@requires(P.DRILL_RECORD)
@require_http_methods(["GET", "POST"])
def record_drill(request: HttpRequest) -> HttpResponse:
    """A rollback that was practised."""
    apps, person = queries.apps_in_production(), person_of(request)
    if request.method == "GET":
        return _form(request, DrillForm(initial={"app": request.GET.get("app", "")}, apps=apps))
    form = DrillForm(request.POST, apps=apps)
    if not form.is_valid():
        return _form(request, form, status=422)
    drill = form.drill()
    try:
        drill["began_at"] = _moment(drill["began_at"], person.time_zone)
        actions.record_drill(by=person, at=now(), **drill)
    except (NoSuchTime, Refused) as problem:
        form.add_error(None, problem.words if isinstance(problem, Refused) else str(problem))
        return _form(request, form, status=422)
    messages.success(request, "The drill is recorded.")
    return redirect("rollbacks")


def _moment(typed: datetime, zone: str) -> datetime:
    """What was typed without a zone, on the clock of the reader."""
    return moment_of(local=typed.replace(tzinfo=None), zone=zone)


def _form(request: HttpRequest, form: DrillForm, *, status: int = 200) -> HttpResponse:
    zone = person_of(request).time_zone
    return render(request, "changes/outcomes/drill.html", {"form": form, "zone_words": f"On the clocks of {zone}."}, status=status)
