"""Pages about accounts at vendors that belong to nobody here, until somebody explains them."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from portal.access.accounts import actions
from portal.access.accounts.forms import PERSON, ExplainForm
from portal.access.accounts.models import ExplainedAccount
from portal.access.accounts.seeing import Seen, seen_accounts, unexplained
from portal.access.accounts.suggesting import Roster
from portal.access.guards import requires
from portal.access.models import Identity, User
from portal.access.permissions import P
from portal.access.signed_in import person_of

MOST = 200
"""Accounts on one page; explaining some brings the next."""


@requires(P.PERSON_KEEP)
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """What nobody explained yet, each with whose it might be; and what was explained."""
    open_ones, roster = unexplained(), Roster(User.objects.order_by("pk"))
    explained = ExplainedAccount.objects.filter(ended_at=None)
    context = {
        "accounts": [(seen, roster.suggestion_for(seen)) for seen in open_ones[:MOST]],
        "count": len(open_ones),
        "most": MOST,
        "explained": explained.select_related("explained_by", "owner").order_by("-explained_at", "-pk"),
    }
    return render(request, "portal/people/accounts.html", context)


@requires(P.PERSON_KEEP)
@require_GET
def account(request: HttpRequest, provider: str, uid: str) -> HttpResponse:
    """One account, and the question whose it is."""
    seen = _seen(provider, uid)
    suggestion = Roster(User.objects.order_by("pk")).suggestion_for(seen)
    first: dict[str, Any] = {"what": ExplainedAccount.As.SERVICE} if seen.is_bot else {}
    if suggestion is not None:
        first = {"what": PERSON, "user": suggestion.user.pk}
    return _account(request, seen, ExplainForm(initial=first))


@requires(P.PERSON_KEEP, fresh=True)
@require_POST
def explain(request: HttpRequest, provider: str, uid: str) -> HttpResponse:
    """Say whose it is, or what."""
    seen = _seen(provider, uid)
    form = ExplainForm(request.POST)
    if not form.is_valid():
        return _account(request, seen, form, status=422)
    given, by, now = form.cleaned_data, person_of(request), timezone.now()
    if given["what"] == PERSON:
        actions.belongs_to(seen=seen, user=given["user"], by=by, at=now)
        messages.success(request, f"The account is {given['user'].name}'s now. What it did counts as theirs.")
    else:
        owner = given["user"] if given["what"] == ExplainedAccount.As.SERVICE else None
        actions.explain(seen=seen, explained_as=given["what"], reason=given["reason"], owner=owner, by=by, at=now)
        messages.success(request, "The account is explained.")
    return redirect("accounts")


@requires(P.PERSON_KEEP, fresh=True)
@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """An explanation was wrong."""
    actions.take_back(explained=get_object_or_404(ExplainedAccount, pk=pk), by=person_of(request), at=timezone.now())
    messages.success(request, "The account is listed again.")
    return redirect("accounts")


def _seen(provider: str, uid: str) -> Seen:
    """The account, if any vendor showed it. Nobody explains what was never seen."""
    found = next((seen for seen in seen_accounts() if seen.key == (provider, uid)), None)
    if found is None:
        raise Http404("No vendor showed this account.")
    return found


def _account(request: HttpRequest, seen: Seen, form: ExplainForm, *, status: int = 200) -> HttpResponse:
    of = {"provider": seen.provider, "uid": seen.uid, "ended_at": None}
    context = {
        "seen": seen,
        "form": form,
        "linked": Identity.objects.filter(**of).select_related("user").first(),
        "explained": ExplainedAccount.objects.filter(**of).first(),
        "suggestion": Roster(User.objects.order_by("pk")).suggestion_for(seen),
    }
    return render(request, "portal/people/account.html", context, status=status)
