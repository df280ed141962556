"""Lists of authorised mergers: what is in force, what waits, what was."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.delivery.models import Repository
from changes.desk.access.listing import latest
from changes.entitlements.mergers import actions, queries
from changes.entitlements.mergers.models import MergerList
from portal.access.guards import requires
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused, Stale
from portal.typed import KeptText
from portal.ui.clock import time_of


class MergersForm(forms.Form):
    """People and why."""

    use_required_attribute = False
    people = forms.ModelMultipleChoiceField(
        User.objects.none(), label="People who may merge", required=False, widget=forms.CheckboxSelectMultiple
    )
    reason = KeptText(label="Why these people", max_length=1000, words="Say in a sentence why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["people"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = User.objects.filter(is_active=True).order_by("name", "pk")


@requires(P.ACCESS_SEE)
@require_GET
def authorised_mergers(request: HttpRequest) -> HttpResponse:
    """Each restricted branch of each repository in scope, with its list, and every earlier one."""
    at = latest(request)
    lists = queries.kept_lists()
    waiting = {(row.repository_id, row.branch): row for row in queries.waiting(at=at)}
    repositories = Repository.objects.filter(in_scope_until=None).order_by("name")
    context = {
        "lines": [
            (
                row,
                branch,
                queries.in_force(lists, repository=row.pk, branch=branch, at=at),
                waiting.get((row.pk, branch)),
            )
            for row in repositories
            for branch in ("prod", "main")
        ],
        "earlier": MergerList.objects.filter(confirmed_at__lte=at)
        .select_related("repository", "proposed_by", "confirmed_by")
        .order_by("-confirmed_at", "-pk")[:100],
        "may_set": may(request.user, P.MERGERS_SET),
    }
    return render(request, "changes/access/mergers.html", context)


@requires(P.MERGERS_SET)
@require_http_methods(["GET", "POST"])
def propose_mergers(request: HttpRequest, pk: int, branch: str) -> HttpResponse:
    """The next list of a branch."""
    row = get_object_or_404(Repository, pk=pk)
    if branch not in MergerList.Branch.values:
        raise Http404("Lists are kept for main and prod.")
    standing = queries.in_force(queries.kept_lists(repositories=[pk]), repository=pk, branch=branch, at=time_of(request))
    first = {"people": [one["id"] for one in standing.people] if standing else []}
    form = MergersForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        given = {"people": form.cleaned_data["people"], "reason": form.cleaned_data["reason"]}
        try:
            actions.propose(repository=pk, branch=branch, by=person_of(request), at=time_of(request), **given)
        except (Refused, Stale) as problem:
            form.add_error(None, problem.words)
        else:
            messages.success(request, "The list waits for a second person for 72 hours.")
            return redirect("authorised-mergers")
    context = {"repository": row, "branch": branch, "form": form, "standing": standing}
    return render(request, "changes/access/propose_mergers.html", context, status=422 if form.errors else 200)


@requires(P.MERGERS_SET, fresh=True)
@require_POST
def confirm_mergers(request: HttpRequest, pk: int) -> HttpResponse:
    """The second person."""
    row = get_object_or_404(MergerList, pk=pk)
    actions.confirm(row=row, digest=request.POST.get("digest", ""), by=person_of(request), at=time_of(request))
    messages.success(request, "The list is in force from now on.")
    return redirect("authorised-mergers")


@requires(P.MERGERS_SET)
@require_POST
def withdraw_mergers(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a proposal back, or refuse it."""
    actions.withdraw(row=get_object_or_404(MergerList, pk=pk), by=person_of(request), at=time_of(request))
    messages.success(request, "The proposal was withdrawn.")
    return redirect("authorised-mergers")
