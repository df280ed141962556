"""A meeting in session: what its chair and those who are there press, each press one action. Works without script."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from changes.desk.meetings.forms import refused_as
from changes.desk.meetings.live_forms import ActionForm, DecisionForms, NoteForm
from changes.desk.meetings.live_page import PAGE, live_address, live_page, parts_context, people_of_rows
from changes.desk.meetings.shapes import asked_meeting, reader_of
from changes.meetings import ballots, live, recording
from changes.meetings.models import Action, AgendaItem, Ballot, Decision, Meeting, Note
from changes.meetings.recording import Overtaken
from portal.access.guards import requires
from portal.access.models import User
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.numbers import number_in
from portal.policy.refusal import Refused, Stale
from portal.typed import kept, refuse_secret
from portal.ui.answers import go, page, wants_piece
from portal.ui.clock import time_of

OLD_PAGE = "This page is not the present one. Load it again."


@requires(P.MEETING_LEAD)
@require_POST
def begin(request: HttpRequest, number: int) -> HttpResponse:
    """Begin the meeting, and lead it."""
    row = live.begin(meeting=asked_meeting(request, number), by=person_of(request), at=time_of(request))
    messages.success(request, "The meeting has begun. Its agenda stands as it was.")
    return redirect(live_address(row))


@requires(P.MEETING_SEE)
@require_GET
def live_meeting(request: HttpRequest, number: int) -> HttpResponse:
    """The page of a meeting in session; before and after it, and for auditors, its ordinary page."""
    row = asked_meeting(request, number)
    if row.state != Meeting.State.LIVE or reader_of(request) is None:
        return redirect("meeting", number=number)
    return live_page(request, row)


@requires(P.MEETING_SEE)
@require_GET
def live_parts(request: HttpRequest, number: int) -> HttpResponse:
    """What changes while people look, fetched when the doorbell rings."""
    row = asked_meeting(request, number)
    if reader_of(request) is None:
        return redirect("meeting", number=number)
    if row.state != Meeting.State.LIVE:
        # The bell of the end may be faster than the answer to whoever ended it: both lead to the same page.
        led = row.state == Meeting.State.ENDED and row.chair_id == person_of(request).pk
        return go(request, reverse("minutes" if led else "meeting", args=[number]))
    return page(request, f"{PAGE}#parts", parts_context(request, row) | {"noted": request.GET.get("item", "")})


@requires(P.MEETING_SEE)
@require_POST
def act(request: HttpRequest, number: int) -> HttpResponse:
    """What a button does: each names what it is about, as ``take:12`` or ``come``."""
    row = asked_meeting(request, number)
    verb, _, pk = request.POST.get("act", "").partition(":")
    if verb not in ACTS:
        raise Stale(OLD_PAGE)
    ACTS[verb](request, row, number_in(pk, below=10, otherwise=0))
    return answered(request, row)


def answered(request: HttpRequest, row: Meeting) -> HttpResponse:
    """The parts for a script, the page for everybody else."""
    if wants_piece(request):
        return page(request, f"{PAGE}#parts", parts_context(request, asked_meeting(request, row.number)) | {"spoken": True})
    return redirect(live_address(row))


def _come(request: HttpRequest, row: Meeting, pk: int) -> None:
    live.come(meeting=row, person=_person(request, pk), by=person_of(request), at=time_of(request))


def _go(request: HttpRequest, row: Meeting, pk: int) -> None:
    live.go(meeting=row, person=_person(request, pk), by=person_of(request), at=time_of(request))


def _person(request: HttpRequest, pk: int) -> User:
    """Whom a button names; without a number whoever presses it, or whom the list beside it names."""
    chosen = request.POST.get("person", "")
    wanted = pk or number_in(chosen, below=10, otherwise=0)
    return get_object_or_404(User, pk=wanted, is_active=True) if wanted else person_of(request)


def _take_up(request: HttpRequest, row: Meeting, pk: int) -> None:
    live.take_up(meeting=row, item=_item(row, pk), by=person_of(request), at=time_of(request))


def _settle(request: HttpRequest, row: Meeting, pk: int) -> None:
    recording.settle(item=_item(row, pk), by=person_of(request), at=time_of(request))


def _open(request: HttpRequest, row: Meeting, pk: int) -> None:
    ballots.open_ballot(item=_item(row, pk), by=person_of(request), at=time_of(request))


def _close(request: HttpRequest, row: Meeting, pk: int) -> None:
    ballots.close_ballot(ballot=_ballot(row, pk), by=person_of(request), at=time_of(request))


ACTS: dict[str, Callable[[HttpRequest, Meeting, int], None]] = {
    "come": _come,
    "go": _go,
    "take": _take_up,
    "settle": _settle,
    "open": _open,
    "close": _close,
}


@requires(P.MEETING_VOTE)
@require_POST
def vote(request: HttpRequest, number: int) -> HttpResponse:
    """A voter's word: ``yes:7`` in the vote with that number."""
    row = asked_meeting(request, number)
    choice, _, pk = request.POST.get("vote", "").partition(":")
    ballots.vote(
        ballot=_ballot(row, number_in(pk, below=10, otherwise=0)),
        choice=choice,
        reason=kept(request, "reason", longest=2000),
        by=person_of(request),
        at=time_of(request),
    )
    return answered(request, row)


@requires(P.MEETING_LEAD)
@require_POST
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Record what was decided, and go on to the next point."""
    row, at = asked_meeting(request, number), time_of(request)
    forms = DecisionForms(people_of_rows(at), request.POST)
    if not forms.is_valid():
        return live_page(request, row, forms=forms, status=422)
    given = {name: forms.main.cleaned_data[name] for name in ("outcome", "reason")}
    item = _item(row, forms.main.cleaned_data["item"])
    try:
        made = recording.record(item=item, conditions=forms.wanted, asked=forms.asked, by=person_of(request), at=at, **given)
    except Refused as refusal:
        refused_as(forms.main, refusal)
        return live_page(request, row, forms=forms, status=422)
    messages.success(request, f"{made} is recorded: {Decision.Outcome(made.outcome).label.lower()}.")
    return redirect(live_address(row))


@requires(P.MEETING_LEAD)
@require_POST
def ask_for(request: HttpRequest, number: int) -> HttpResponse:
    """Give somebody something to do."""
    row, at = asked_meeting(request, number), time_of(request)
    people = {str(person.pk): person for person in people_of_rows(at)}
    form = ActionForm(request.POST, prefix="ask", people=people, needed=True)
    asked = form.asked() if form.is_valid() else None
    if asked is None:
        return live_page(request, row, more={"ask": form}, status=422)
    live.ask_for(
        meeting=row, item=row.current, text=asked.text, owner=asked.owner, due_on=asked.due_on, by=person_of(request), at=at
    )
    return redirect(live_address(row))


@requires(P.MEETING_VOTE)
@require_POST
def keep_note(request: HttpRequest, number: int) -> HttpResponse:
    """Keep a paragraph of the minutes; asked every moment while somebody types."""
    row, form = asked_meeting(request, number), NoteForm(request.POST)
    if not form.is_valid():
        raise Stale(OLD_PAGE)
    given = form.cleaned_data
    item = _item(row, given["item"]) if given["item"] else None
    note = get_object_or_404(Note.objects.select_related("item"), pk=given["note"], meeting=row) if given["note"] else None
    text, version = given["text"], given["version"] or 0
    refuse_secret(text)
    if request.POST.get("step") == "below" and note is not None:
        version, text = note.version, f"{note.text}\n\n{text}"
    if note is None and not text.strip():
        return _kept(request, row, None)
    person, at = person_of(request), time_of(request)
    try:
        kept = recording.keep_note(meeting=row, item=item, note=note, text=text, version=version, by=person, at=at)
    except Overtaken as overtaken:
        return _overtaken(request, row, overtaken, text, version)
    return _kept(request, row, kept)


def _kept(request: HttpRequest, row: Meeting, note: Note | None) -> HttpResponse:
    if wants_piece(request):
        return page(request, f"{PAGE}#saved", {"note": note})
    fresh = request.POST.get("step") == "another"
    return redirect(f"{live_address(row)}?note={'new' if fresh or note is None else note.pk}#minutes")


def _overtaken(request: HttpRequest, row: Meeting, problem: Overtaken, text: str, version: int) -> HttpResponse:
    """409 in words: theirs is shown, and what was typed stays in the box."""
    context = {"theirs": problem.note, "why": str(problem)}
    if wants_piece(request):
        response = page(request, f"{PAGE}#overtaken", context, status=409)
        response.headers["HX-Retarget"] = "#note-state"
        return response
    typed = Note(pk=problem.note.pk, meeting=row, item=problem.note.item, text=text, version=version)
    return live_page(request, row, more={**context, "note": typed, "about": problem.note.item}, status=409)


@requires(P.MEETING_LEAD)
@require_POST
def end(request: HttpRequest, number: int) -> HttpResponse:
    """End the meeting. Its minutes stand drawn up at once."""
    live.end(meeting=asked_meeting(request, number), by=person_of(request), at=time_of(request))
    messages.success(request, "The meeting has ended. Read its minutes, and sign them.")
    return redirect("minutes", number=number)


@requires(P.MEETING_SEE)
@require_POST
def finish_action(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Say what was done about an action: its owner or the chair."""
    row = asked_meeting(request, number)
    action = get_object_or_404(Action, pk=pk, meeting=row)
    live.finish_action(action=action, note=kept(request, "note", longest=10_000), by=person_of(request), at=time_of(request))
    messages.success(request, "The action is done.")
    return redirect("meeting", number=number)


def _item(row: Meeting, pk: int) -> AgendaItem:
    return get_object_or_404(AgendaItem.objects.select_related("meeting", "change"), pk=pk, meeting=row)


def _ballot(row: Meeting, pk: int) -> Ballot:
    return get_object_or_404(Ballot, pk=pk, item__meeting=row)
