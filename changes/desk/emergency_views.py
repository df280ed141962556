"""The emergency lane: declare, give the +1, take it back, confirm it, give a reason; and the list of emergencies."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.desk.answering import asked_for, back
from changes.desk.views import change_context
from changes.emergencies import actions, asking
from changes.emergencies.forms import DeclareForm, ReasonForm
from changes.emergencies.listing import emergency_lines, months_until, next_agenda
from changes.emergencies.models import Ask, Emergency
from changes.emergencies.queries import eligible_for
from changes.proposals.models import Change
from changes.proposals.policy import PORTAL
from portal.access.freshness import authenticated_at
from portal.access.guards import requires
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused, Stale
from portal.typed import kept

MONTHS = 6


@requires(P.EMERGENCY_DECLARE)
@require_http_methods(["GET", "POST"])
def declare_emergency(request: HttpRequest) -> HttpResponse:
    """Four fields and one button."""
    at, by = now(), person_of(request)
    people = eligible_for(contributors=(), excluded=[by.pk], at=at)
    form = DeclareForm(request.POST if request.method == "POST" else None, people=people)
    if request.method == "GET":
        return _declare_page(request, form)
    if not form.is_valid():
        return _declare_page(request, form, status=422)
    try:
        emergency = actions.declare(
            given=actions.Declared(
                form.cleaned_data["broken"], form.cleaned_data["fix"], form.cleaned_data["undo"], form.asked_person
            ),
            by=by,
            via=Emergency.Via.FORM,
            key=_key_of(form, by, at),
            at=at,
        )
    except Refused as refusal:
        form.add_error(None, refusal.words)
        return _declare_page(request, form, status=422)
    except Stale as late:
        form.add_error(None, f"{late} Nothing was declared; your text is kept below.")
        return _declare_page(request, form, status=409)
    messages.success(request, f"{emergency.change} is declared an emergency.")
    return redirect(f"/changes/{emergency.change.number}/#emergency")


def _key_of(form: DeclareForm, by: User, at: datetime) -> str:
    """The form that was sent. One without its key is told apart by who sent it and when."""
    return f"form:{form.cleaned_data['form_key'] or f'{by.pk}:{at.isoformat()}'}"


def _declare_page(request: HttpRequest, form: DeclareForm, *, status: int = 200) -> HttpResponse:
    return render(request, "changes/emergencies/declare.html", {"form": form, "people": list(form.people.values())}, status=status)


@requires(P.CHANGE_SEE)
@require_GET
def emergency_part(request: HttpRequest, number: int) -> HttpResponse:
    """How the emergency stands, fetched when the doorbell rings."""
    context = change_context(request, asked_for(request, number))
    panel = next((placed.context for placed in context["page"].panels if placed.name == "emergency"), None)
    return render(request, "changes/emergencies/status.html", {**context, "panel": panel})


@requires(P.EMERGENCY_PLUS_ONE, fresh=True)
@require_POST
def plus_one(request: HttpRequest, number: int) -> HttpResponse:
    """Give the +1; the gate opens at once."""
    change = asked_for(request, number)
    note = kept(request, "note", longest=1000).strip()
    since = authenticated_at(request)
    actions.plus_one(change=change, by=person_of(request), via=PORTAL, authenticated_at=since, at=now(), note=note)
    return back(request, change, "Your +1 is recorded.")


@requires(P.EMERGENCY_PLUS_ONE)
@require_POST
def take_back_plus_one(request: HttpRequest, number: int) -> HttpResponse:
    """Take one's own +1 back, until the merge."""
    change = asked_for(request, number)
    if not actions.take_back_plus_one(change=change, by=person_of(request), at=now()):
        raise Stale("There is no +1 of yours to take back.")
    return back(request, change, "Your +1 is taken back; it stays on record.")


@requires(P.EMERGENCY_PLUS_ONE, fresh=True)
@require_POST
def confirm_plus_one(request: HttpRequest, number: int) -> HttpResponse:
    """Stand by the +1 that one gave in Slack."""
    change = asked_for(request, number)
    actions.confirm_plus_one(change=change, by=person_of(request), authenticated_at=authenticated_at(request), at=now())
    return back(request, change, "Your +1 is confirmed.")


@requires(P.CHANGE_SEE)
@require_POST
def give_reason(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Answer what the portal asked. Whoever did it may be anybody, an administrator too: the action says who answers."""
    change = asked_for(request, number)
    ask = get_object_or_404(Ask.objects.select_related("emergency__change"), pk=pk, emergency__change=change)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _again(request, change, ask, form)
    asking.answer(ask=ask, text=form.cleaned_data["text"], by=person_of(request), at=now())
    return back(request, change, "The reason is recorded.")


def _again(request: HttpRequest, change: Change, ask: Ask, form: Form) -> HttpResponse:
    context = change_context(request, change, bound={f"reason-{ask.pk}": form}, problem=True)
    return render(request, "changes/desk/change.html", context, status=422)


@requires(P.CHANGE_SEE)
@require_GET
def emergencies(request: HttpRequest) -> HttpResponse:
    """What is open with its clocks, what the next agenda takes up, the newest before, and the rate by month."""
    at, scope = now(), scope_for(request)
    context: dict[str, Any] = {
        "open": emergency_lines(scope=scope, at=at, finished=False),
        "done": emergency_lines(scope=scope, at=at, finished=True),
        "agenda": next_agenda(scope=scope, at=at),
        "months": months_until(scope=scope, at=at, count=MONTHS),
        "may_declare": may(request.user, P.EMERGENCY_DECLARE),
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/emergencies/list.html{part}", context)
