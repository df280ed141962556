"""Rules about noise: which are in force, which have ended, and a new one with what it would have filtered."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.exceptions import noise
from changes.exceptions.forms import NoiseForm
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import NoiseRule
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of

SHOWN = 20


@requires(P.EXCEPTION_SEE)
@require_GET
def noise_rules(request: HttpRequest) -> HttpResponse:
    """All rules, newest first."""
    return _page(request, NoiseForm())


@requires(P.NOISE_SET)
@require_POST
def make_noise_rule(request: HttpRequest) -> HttpResponse:
    """Show what a rule would have filtered, or record it."""
    form = NoiseForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    rule, at = form.rule(), now()
    if request.POST.get("step") == "try":
        tried = noise.would_filter(kind=rule["kind"], field=rule["field"], pattern=rule["pattern"], at=at)
        return _page(request, form, tried=tried[:SHOWN], tried_count=len(tried))
    noise.make_rule(**rule, by=person_of(request), at=at)
    messages.success(request, "The rule is in force for what is found from now on.")
    return redirect("noise-rules")


@requires(P.NOISE_SET)
@require_POST
def end_noise_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """End a rule before its date."""
    noise.end_rule(rule=get_object_or_404(NoiseRule, pk=pk), by=person_of(request), at=now())
    messages.success(request, "The rule has ended; it stays on record.")
    return redirect("noise-rules")


def _page(request: HttpRequest, form: NoiseForm, *, status: int = 200, **more: object) -> HttpResponse:
    at = now()
    rules = NoiseRule.objects.select_related("made_by", "ended_by").order_by("-made_at", "-id")
    counted = noise.filtered_counts()
    rows = [
        (rule, KINDS[rule.kind].label, counted.get(rule.pk, 0), rule.ended_at is None and rule.until > at) for rule in rules[:200]
    ]
    context = {"rows": rows, "form": form, "may_set": may(request.user, P.NOISE_SET), **more}
    return render(request, "changes/exceptions/noise.html", context, status=status)
