"""What the page of a meeting in session is drawn with. The state is on record; a page only shows it to its reader.

What changes while people look stands in ``parts``, which hold no field that anybody types in; the forms stand beside them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from changes.desk.meetings.live_forms import ActionForm, DecisionForms
from changes.desk.meetings.shapes import reader_of, shown, when_words
from changes.meetings import ballots
from changes.meetings.deciding import VOTED
from changes.meetings.models import AgendaItem, Attendance, Ballot, Decision, Meeting, Note
from changes.meetings.queries import agenda_of
from changes.meetings.roster import Roster, roster_at
from portal.access.may import holders_of, may
from portal.access.models import User
from portal.access.permissions import P
from portal.numbers import number_in
from portal.ui.answers import page
from portal.ui.clock import time_of

PAGE = "changes/meetings/live.html"
MOST = 100
State = Meeting.State
CHOICES = (("yes", "Yes"), ("no", "No"), ("abstain", "Abstain"), ("recused", "I take no part"))


@dataclass(frozen=True)
class Seated:
    """Somebody at the meeting, or with a seat in it. ``since`` None: not there now."""

    person: User
    part: str
    since: datetime | None
    votes: bool


@dataclass(frozen=True)
class Said:
    """One voter's word; ``choice`` is empty while they have said nothing."""

    name: str
    choice: str
    word: str
    reason: str


@dataclass(frozen=True)
class Vote:
    """A vote as it stands: open by default, so that everybody sees who said what."""

    ballot: Ballot
    open: bool
    edited: bool
    said: list[Said]
    sentence: str
    own: str
    takes: bool
    """Whether this reader's word is asked for."""
    recused: bool
    """Whether the rule takes this reader's word away."""


def live_page(
    request: HttpRequest, row: Meeting, *, forms: DecisionForms | None = None, more: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """The whole page. ``forms`` is a decision that was not accepted; ``more`` what else the answer says."""
    context = parts_context(request, row)
    item: AgendaItem | None = context["item"]
    writes = context["running"] and context["reader"] is not None and may(request.user, P.MEETING_VOTE)
    context |= {
        "form": forms or (_decision_forms(request, item) if context["leads"] and item else None),
        "writes": writes,
        "ask": _ask_form(request) if context["leads"] else None,
        "about": _about(request, row, item),
        "problem": forms is not None,
    }
    if writes:
        context["note"] = _note(request, row, context["about"])
    return page(request, PAGE, {**context, **(more or {})}, status=status)


def _decision_forms(request: HttpRequest, item: AgendaItem) -> DecisionForms:
    return DecisionForms(people_of_rows(time_of(request)), item=item.pk)


def _ask_form(request: HttpRequest) -> ActionForm:
    people = {str(person.pk): person for person in people_of_rows(time_of(request))}
    return ActionForm(prefix="ask", people=people)


def people_of_rows(at: datetime) -> tuple[User, ...]:
    """Who can be given a condition or an action."""
    return holders_of(P.CHANGE_PROPOSE, at=at)


def _about(request: HttpRequest, row: Meeting, item: AgendaItem | None) -> AgendaItem | None:
    """The point that notes are taken on: that of the paragraph that was asked for, or the one at hand."""
    asked = number_in(request.GET.get("note", ""), below=10, otherwise=None)
    if asked is not None:
        note = Note.objects.filter(pk=asked, meeting=row).select_related("item").first()
        return note.item if note is not None else item
    return item


def _note(request: HttpRequest, row: Meeting, about: AgendaItem | None) -> Note | None:
    """The paragraph in the box: the one that was asked for, or the reader's own newest on this point; None for a new one."""
    asked = request.GET.get("note", "")
    rows = Note.objects.filter(meeting=row, item=about)
    if asked == "new":
        return None
    wanted = number_in(asked, below=10, otherwise=None)
    if wanted is not None:
        return rows.filter(pk=wanted).first()
    return rows.filter(by=request.user.pk).order_by("-id").first()


def parts_context(request: HttpRequest, row: Meeting) -> dict[str, Any]:
    """What the parts are drawn with that are fetched anew when the doorbell rings."""
    at, reader = time_of(request), reader_of(request)
    roster, agenda = roster_at(row.series, at=at), agenda_of(meeting=row, reader=None, at=at)
    there = {each.person_id: each for each in Attendance.objects.filter(meeting=row, left_at=None).select_related("person")}
    item = next((line.item for line in (*agenda.lines, *agenda.folded) if line.item.pk == row.current_id), None)
    running = row.state == State.LIVE
    seats = {seat.person_id: seat.part for seat in roster.seats}
    return {
        "meeting": row,
        "reader": reader,
        "when": when_words(row),
        "topic": f"meeting-{row.number}",
        "running": running,
        "leads": running and reader is not None and row.chair_id == reader.pk,
        "item": item,
        "line": next((line for line in (*agenda.lines, *agenda.folded) if item and line.item.pk == item.pk), None),
        "voted": item is not None and item.kind in VOTED,
        "used": _used(row, item, at),
        "agenda": agenda,
        "rows": shown([*agenda.lines, *agenda.folded], frozenset()),
        "settled": sum(line.item.state != AgendaItem.State.OPEN for line in agenda.lines),
        "people": _people(roster, there),
        "here": reader is not None and reader.pk in there,
        "quorum": roster.quorum(there),
        "vote": _vote(item, roster, frozenset(there), reader, at) if item else None,
        "choices": CHOICES,
        "seated": reader is not None and reader.pk in seats,
        "decisions": _decisions(row, item),
        "decided": {each.item_id: each for each in row.decisions.order_by("id")},
        "notes": _notes(request, row, item),
        "actions": list(row.actions.select_related("owner", "item").order_by("id")[:MOST]),
        "guests": _guests(roster, there, at) if running and reader is not None and row.chair_id == reader.pk else (),
    }


def _used(row: Meeting, item: AgendaItem | None, at: datetime) -> int:
    """Whole minutes that the point at hand has taken."""
    return int((at - row.current_since) / timedelta(minutes=1)) if item and row.current_since else 0


def _people(roster: Roster, there: dict[int, Attendance]) -> list[Seated]:
    """Everybody with a seat, and who else is there."""
    words = {"chair": "chair", "deputy": "deputy", "voter": "voter"}
    found = []
    for seat in roster.seats:
        held = there.get(seat.person_id)
        found.append(Seated(seat.person, words[seat.part], held.came_at if held else None, votes=True))
    others = [each for pk, each in there.items() if pk not in roster.voters]
    return [*found, *(Seated(each.person, "guest", each.came_at, votes=False) for each in others)]


def _guests(roster: Roster, there: dict[int, Attendance], at: datetime) -> tuple[User, ...]:
    """Whom the chair can note as there beside those with a seat."""
    known = roster.voters | set(there)
    return tuple(person for person in holders_of(P.MEETING_SEE, at=at) if person.pk not in known)


def _decisions(row: Meeting, item: AgendaItem | None) -> list[Decision]:
    return list(row.decisions.filter(item=item).select_related("by").order_by("id")) if item else []


def _notes(request: HttpRequest, row: Meeting, item: AgendaItem | None) -> list[Note]:
    """The paragraphs on the point at hand, without the one that stands in the reader's own box."""
    own = request.GET.get("note", "")
    rows = Note.objects.filter(meeting=row, item=item).exclude(text="").select_related("by").order_by("id")
    return [note for note in rows[:MOST] if str(note.pk) != own]


def _vote(item: AgendaItem, roster: Roster, present: frozenset[int], reader: User | None, at: datetime) -> Vote | None:
    ballot = item.ballots.select_related("item__change", "item__meeting", "series").order_by("-id").first()
    return vote_of(ballot, roster=roster, present=present, reader=reader, at=at) if ballot is not None else None


def vote_of(ballot: Ballot, *, roster: Roster, present: frozenset[int], reader: User | None, at: datetime) -> Vote:
    """A vote with everybody's word. ``present`` are those whose word is asked for, beside those who have spoken."""
    last = {row.person_id: row for row in ballot.votes.select_related("person").order_by("id")}
    involved = ballots.involved_in(ballot.item.change)
    is_open = ballot.closed_at is None and (ballot.closes_at is None or at < ballot.closes_at)
    asked = [person for person in roster.people if person.pk in present or person.pk in last]
    own = reader.pk if reader is not None else 0
    tally = ballots.tally_of(ballot, at=ballot.closed_at or at)
    return Vote(
        ballot=ballot,
        open=is_open,
        edited=ballot.closed_at is None and ballots.text_of(ballot.item)[1] != ballot.digest,
        said=[_said(person, last, involved) for person in asked],
        sentence=f"So far: {tally.counts}." if ballot.closed_at is None else tally.sentence,
        own=last[own].choice if own in last else "",
        takes=is_open and own in roster.voters and own in present,
        recused=own in involved,
    )


WORDS = {"yes": "Yes", "no": "No", "abstain": "Abstains", "recused": "Takes no part"}


def _said(person: User, last: dict[int, Any], involved: Iterable[int]) -> Said:
    if person.pk in involved:
        return Said(person.name, "recused", "Recused: took part in the change", "")
    row = last.get(person.pk)
    if row is None:
        return Said(person.name, "", "Nothing yet", "")
    return Said(person.name, row.choice, WORDS[row.choice], row.reason)


def live_address(row: Meeting) -> str:
    """Where a meeting runs."""
    return reverse("live-meeting", args=[row.number])
