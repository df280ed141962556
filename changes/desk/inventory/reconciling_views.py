"""The monthly reconciliation: what waits, what was signed, and the signature."""

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from changes.desk.inventory.forms import SignForm
from changes.inventory import reconciling
from changes.inventory.models import Reconciliation
from portal.access.freshness import authenticated_at
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused, Stale
from portal.ui.clock import time_of


@requires(P.INVENTORY_SEE)
@require_GET
def reconciliations(request: HttpRequest) -> HttpResponse:
    """The numbers as they are now, months that wait, and months that were signed."""
    at = time_of(request)
    context = {
        "lines": reconciling.lines(at=at),
        "waiting": reconciling.waiting(at=at),
        "signed": list(Reconciliation.objects.select_related("signed_by").order_by("-month")[:60]),
        "may_sign": may(request.user, P.INVENTORY_SIGN),
    }
    return render(request, "changes/inventory/reconciliations.html", context)


@requires(P.INVENTORY_SEE)
@require_GET
def reconciliation(request: HttpRequest, year: int, month: int) -> HttpResponse:
    """What was signed for one month."""
    row = Reconciliation.objects.select_related("signed_by").filter(month=_month(year, month)).first()
    if row is None:
        raise Http404("This month is not signed.")
    return render(request, "changes/inventory/reconciliation.html", {"signed": row})


@requires(P.INVENTORY_SIGN, fresh=True)
@require_http_methods(["GET", "POST"])
def sign_month(request: HttpRequest, year: int, month: int) -> HttpResponse:
    """The numbers at the end of a month and the signature. The sign-in is asked for anew before anything is typed."""
    first = _month(year, month)
    if first not in reconciling.waiting(at=time_of(request)):
        raise Http404("This month does not wait for a signature.")
    lines = reconciling.lines(at=reconciling.end_of_month(first))
    form = SignForm(request.POST or None, initial={"seen": reconciling.digest_for(month=first, compared=lines)})
    if request.method == "POST" and form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("note", "seen")}
        try:
            reconciling.sign(
                month=first, by=person_of(request), authenticated_at=authenticated_at(request), at=time_of(request), **given
            )
        except (Refused, Stale) as problem:
            form.add_error(None, problem.words)
        else:
            messages.success(request, f"You have signed {first:%B %Y}.")
            return redirect("reconciliation", year=year, month=month)
    context = {"month": first, "lines": lines, "form": form, "differing": sum(not line.agrees for line in lines)}
    return render(request, "changes/inventory/sign.html", context, status=422 if form.errors else 200)


def _month(year: int, month: int) -> date:
    try:
        return date(year, month, 1)
    except (ValueError, OverflowError) as problem:
        raise Http404("There is no such month.") from problem
