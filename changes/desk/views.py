"""Pages of the list and of one change. A view finds, calls one action, and shows."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.desk.answering import asked_for, back
from changes.desk.change_page import change_page
from changes.desk.forms import ApproveForm, SignOffForm
from changes.desk.list_rows import list_rows
from changes.desk.moves import moves_for, ways_for
from changes.proposals import actions
from changes.proposals.listing import CHOICES, Wanted, matching
from changes.proposals.models import Approval, Change
from portal.access.freshness import authenticated_at, is_fresh
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.ui.paging import page_of
from portal.ui.text import revealed

PAGE = 50


@requires(P.CHANGE_SEE)
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """The list: filters in the address, newest movement first."""
    asked = {name: request.GET.get(name, "") for name in ("q", "state", "category", "kind", "size", "repository", "mine")}
    chosen = {name: asked[name] if asked[name] in dict(CHOICES[name]) else "" for name in CHOICES}
    mine = person_of(request).pk if asked["mine"] else None
    wanted = Wanted(
        text=asked["q"],
        repository=asked["repository"],
        mine=mine,
        state=chosen["state"],
        category=chosen["category"],
        kind=chosen["kind"],
        size=chosen["size"],
    )
    page = page_of(
        matching(wanted=wanted, scope=scope_for(request)),
        by="moved_at",
        size=PAGE,
        older_than=request.GET.get("older", ""),
        newer_than=request.GET.get("newer", ""),
    )
    kept = {name: value for name, value in asked.items() if value}
    context = {
        "rows": list_rows(page.rows, at=now()),
        "asked": asked,
        "choices": {name: [("", f"Any {name}"), *options] for name, options in CHOICES.items()},
        "older": _link(kept, "older", page.older),
        "newer": _link(kept, "newer", page.newer),
        "filtered": bool(kept),
        "may_propose": may(request.user, P.CHANGE_PROPOSE),
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/desk/list.html{part}", context)


def _link(kept: dict[str, str], name: str, cursor: str) -> str:
    return f"?{urlencode({**kept, name: cursor})}" if cursor else ""


def change_context(request: HttpRequest, change: Change, *, bound: Mapping[str, Form] | None = None, **more: Any) -> dict[str, Any]:
    """What the page of a change is drawn with. ``bound`` are forms of panels whose post was not accepted."""
    reader = person_of(request)
    page = change_page(change=change, reader=reader, auditor=bool(getattr(request, "auditor", None)), bound=bound)
    return {
        "page": page,
        "change": change,
        "name": f"{change} {revealed(change.title)}",
        "topic": f"change-{change.number}",
        **{f"{part}_url": reverse("change-part", args=[change.number, part]) for part in ("gates", "linked", "timeline")},
        "met_words": f"{len(page.met)} met",
        "later_words": f"{len(page.later)} after the approval",
        "rest_words": f"{len(page.rest)} not needed or not connected",
        "fresh": is_fresh(request),
        "approve_form": ApproveForm(),
        "sign_off_form": SignOffForm(),
        "may_sign_off": may(reader, P.CHANGE_SIGN_OFF),
        "ways": ways_for(change=change, reader=reader),
        "moves": moves_for(change=change, reader=reader),
        **more,
    }


@requires(P.CHANGE_SEE)
@require_GET
def change(request: HttpRequest, number: int) -> HttpResponse:
    """The record of one change."""
    return render(request, "changes/desk/change.html", change_context(request, asked_for(request, number)))


@requires(P.CHANGE_SEE)
@require_GET
def change_part(request: HttpRequest, number: int, part: str) -> HttpResponse:
    """One region of the page, fetched when the doorbell rings: gates, linked, timeline."""
    return render(request, f"changes/desk/change_{part}.html", change_context(request, asked_for(request, number)))


@requires(P.CHANGE_APPROVE, fresh=True)
@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    """Give one's word for production."""
    found = asked_for(request, number)
    form = ApproveForm(request.POST)
    if not form.is_valid():
        context = change_context(request, found, approve_form=form, problem=True)
        return render(request, "changes/desk/change.html", context, status=422)
    given = actions.approve(
        change=found,
        by=person_of(request),
        verdict=form.cleaned_data["verdict"],
        note=form.cleaned_data["note"],
        authenticated_at=authenticated_at(request),
        at=now(),
    )
    words = "Approval recorded." if given.verdict == Approval.Verdict.YES else "Your request for changes is recorded."
    return back(request, found, words)


@requires(P.CHANGE_APPROVE)
@require_POST
def withdraw_approval(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Take one's own approval back."""
    found = asked_for(request, number)
    actions.withdraw_approval(approval=get_object_or_404(found.approvals, pk=pk), by=person_of(request), at=now())
    return back(request, found, "Your approval is withdrawn; it stays on record.")


@requires(P.CHANGE_SIGN_OFF)
@require_POST
def sign_off(request: HttpRequest, number: int) -> HttpResponse:
    """The tester's word for staging."""
    found = asked_for(request, number)
    form = SignOffForm(request.POST)
    if not form.is_valid():
        context = change_context(request, found, sign_off_form=form, problem=True)
        return render(request, "changes/desk/change.html", context, status=422)
    actions.sign_off(
        change=found,
        commit_sha=form.cleaned_data["commit"],
        by=person_of(request),
        note=form.cleaned_data["note"],
        at=now(),
    )
    return back(request, found, "Signed off in staging.")


@requires(P.CHANGE_PROPOSE)
@require_POST
def press(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """Propose, withdraw, reopen or close: the moves that a person presses."""
    found = asked_for(request, number)
    actions.press(change=found, verb=verb, by=person_of(request), at=now())
    return back(request, found, f"{found} is {found.get_state_display().lower()} now.")
