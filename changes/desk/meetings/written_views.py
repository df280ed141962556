"""Votes between meetings: the chair puts something to the vote, voters say their word, the chair records what came of it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.desk.meetings.forms import refused_as
from changes.desk.meetings.live_forms import DecisionForms, WrittenForm
from changes.desk.meetings.live_page import CHOICES, people_of_rows, vote_of
from changes.desk.meetings.shapes import reader_of
from changes.meetings import ballots, recording, written
from changes.meetings.models import AgendaItem, Ballot
from changes.meetings.queries import standing_series
from changes.meetings.roster import roster_at
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused
from portal.typed import kept
from portal.ui.answers import page
from portal.ui.clock import time_of

ASK, ONE = "changes/meetings/written_form.html", "changes/meetings/written.html"


@requires(P.MEETING_LEAD)
@require_http_methods(["GET", "POST"])
def put_to_vote(request: HttpRequest) -> HttpResponse:
    """Put something to a written vote."""
    series, at = standing_series(), time_of(request)
    if series is None:
        return page(request, ASK, {"form": None})
    points = [(point.key, f"{point.title}"[:200]) for point in written.votable(at=at)]
    if request.method == "GET":
        return page(
            request,
            ASK,
            {"form": WrittenForm(points=points, zone=series.zone, initial={"key": request.GET.get("key", "")}), "points": points},
        )
    form = WrittenForm(request.POST, points=points, zone=series.zone)
    if form.is_valid() and form.moment is not None:
        try:
            made = written.put_to_vote(key=form.cleaned_data["key"], closes_at=form.moment, by=person_of(request), at=at)
        except Refused as refusal:
            refused_as(form, refusal)
        else:
            messages.success(request, "The vote is open. Everybody with a seat finds it in the inbox.")
            return redirect("written-vote", pk=made.pk)
    return page(request, ASK, {"form": form, "points": points, "problem": True}, status=422)


@requires(P.MEETING_SEE)
@require_GET
def written_vote(request: HttpRequest, pk: int) -> HttpResponse:
    """One written vote: who said what, until when, and the buttons of those whose word is asked for."""
    return _page(request, _asked(request, pk))


@requires(P.MEETING_VOTE)
@require_POST
def vote_in_writing(request: HttpRequest, pk: int) -> HttpResponse:
    """A voter's word."""
    given = {"choice": request.POST.get("vote", ""), "reason": kept(request, "reason", longest=2000)}
    ballots.vote(ballot=_asked(request, pk), by=person_of(request), at=time_of(request), **given)
    messages.success(request, "Your word is recorded. You can change it until the vote closes.")
    return redirect("written-vote", pk=pk)


@requires(P.MEETING_LEAD)
@require_POST
def decide_in_writing(request: HttpRequest, pk: int) -> HttpResponse:
    """Record what a closed vote decided."""
    ballot, at = _asked(request, pk), time_of(request)
    forms = DecisionForms(people_of_rows(at), request.POST)
    if not forms.is_valid():
        return _page(request, ballot, forms=forms)
    given = {name: forms.main.cleaned_data[name] for name in ("outcome", "reason")}
    try:
        made = recording.record(item=ballot.item, conditions=forms.wanted, asked=(), by=person_of(request), at=at, **given)
    except Refused as refusal:
        refused_as(forms.main, refusal)
        return _page(request, ballot, forms=forms)
    messages.success(request, f"{made} is recorded.")
    return redirect("decision", number=made.number)


def _asked(request: HttpRequest, pk: int) -> Ballot:
    rows = Ballot.objects.filter(written=True).select_related("item__change", "item__meeting", "series", "opened_by")
    row = rows.filter(pk=pk).first() if pk < 2**31 and reader_of(request) is not None else None
    if row is None:
        raise Http404("There is no such vote, or it is outside of what you may see.")
    return row


def _page(request: HttpRequest, ballot: Ballot, *, forms: DecisionForms | None = None) -> HttpResponse:
    at, reader = time_of(request), person_of(request)
    roster = roster_at(ballot.series, at=at)
    vote = vote_of(ballot, roster=roster, present=roster.voters, reader=reader, at=at)
    waits = ballot.closed_at is not None and ballot.item.state == AgendaItem.State.OPEN and reader.pk in roster.leads
    context = {
        "ballot": ballot,
        "item": ballot.item,
        "vote": vote,
        "choices": CHOICES,
        "seated": reader.pk in roster.voters,
        "decision": ballot.item.decisions.order_by("-id").first(),
        "form": forms or (DecisionForms(people_of_rows(at), item=ballot.item.pk) if waits else None),
        "written": True,
        "problem": forms is not None,
    }
    return page(request, ONE, context, status=422 if forms is not None else 200)
