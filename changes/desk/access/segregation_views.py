"""Segregation of duties: conflicts over all systems, and the register of limitations."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.entitlements.segregation import actions, queries
from changes.entitlements.segregation.models import Limitation
from changes.entitlements.segregation.policy import RULES
from portal.access.guards import requires
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.clocks import end_of
from portal.policy.refusal import Refused, Stale
from portal.typed import KeptText
from portal.ui.clock import time_of


class LimitationForm(forms.Form):
    """Why, what instead, until when."""

    use_required_attribute = False
    reason = KeptText(label="Why it cannot be separated", max_length=1000, words="Say why")
    control = KeptText(
        label="What is done instead",
        max_length=1000,
        help_text="The compensating control: who looks at what, and how often.",
        words="Say what is done instead",
    )
    until = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Within a year.",
        error_messages={"required": "Choose the last day"},
    )


@requires(P.ACCESS_SEE)
@require_GET
def segregation(request: HttpRequest) -> HttpResponse:
    """Who could do alone what the policy wants two for, and what was accepted."""
    at = time_of(request)
    found = queries.found_now(at=at)
    context = {
        "found": found,
        "bare": sum(one.limitation is None for one in found),
        "rules": RULES.values(),
        "waiting": [(row, RULES[row.rule]) for row in queries.waiting(at=at)],
        "in_force": [(row, RULES[row.rule]) for row in queries.in_force(at=at)],
        "over": [(row, RULES[row.rule]) for row in queries.over(at=at)[:100]],
        "may_propose": may(request.user, P.WAIVER_PROPOSE),
        "may_confirm": may(request.user, P.EXCEPTION_ACCEPT),
    }
    return render(request, "changes/access/segregation.html", context)


@requires(P.WAIVER_PROPOSE)
@require_http_methods(["GET", "POST"])
def propose_limitation(request: HttpRequest, person: int, rule: str) -> HttpResponse:
    """Accept one conflict for a while."""
    who = get_object_or_404(User, pk=person)
    if rule not in RULES:
        return redirect("segregation")
    form = LimitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        words = {"reason": given["reason"], "control": given["control"], "until": end_of(given["until"])}
        try:
            actions.propose(person=who, rule=rule, by=person_of(request), at=time_of(request), **words)
        except (Refused, Stale) as problem:
            form.add_error(None, problem.words)
        else:
            messages.success(request, "The limitation waits for a second person for 72 hours.")
            return redirect("segregation")
    context = {"who": who, "rule": RULES[rule], "form": form}
    return render(request, "changes/access/propose_limitation.html", context, status=422 if form.errors else 200)


@requires(P.EXCEPTION_ACCEPT, fresh=True)
@require_POST
def confirm_limitation(request: HttpRequest, pk: int) -> HttpResponse:
    """The second person."""
    row = get_object_or_404(Limitation, pk=pk)
    actions.confirm(row=row, digest=request.POST.get("digest", ""), by=person_of(request), at=time_of(request))
    messages.success(request, "The limitation is accepted until its day.")
    return redirect("segregation")


@requires(P.WAIVER_PROPOSE)
@require_POST
def end_limitation(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a proposal back, refuse it, or end a limitation early."""
    actions.end(row=get_object_or_404(Limitation, pk=pk), by=person_of(request), at=time_of(request))
    messages.success(request, "It has ended.")
    return redirect("segregation")
