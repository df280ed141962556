"""The minutes of a meeting: drawn up by themselves, corrected by entries, signed by who led it, fixed by their digest.

The text is markdown, made of nothing but what is on record; the same record gives the same bytes.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction

from changes.meetings.actions import locked
from changes.meetings.models import Action, AgendaItem, Attendance, Correction, Decision, Meeting, Minutes, Note
from changes.meetings.planning import stream_of
from changes.meetings.roster import roster_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of_text
from portal.outbox.mail import send_mail
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

LONGEST = 20_000
Row = TypeVar("Row", Decision, Note)


def draft(meeting: Meeting) -> str:
    """The minutes as the record has them now."""
    parts = [
        f"# Minutes of {meeting}, {meeting.series.name}",
        *_head(meeting),
        "## Attendance",
        *_attendance(meeting.attendances.select_related("person").order_by("came_at", "id")),
        "## Points",
        *_points(meeting),
        "## Actions",
        *([_action(row) for row in meeting.actions.select_related("owner").order_by("id")] or ["Nobody was asked for anything."]),
    ]
    corrections = list(meeting.corrections.select_related("by").order_by("id"))
    if corrections:
        parts += ["## Corrections", *(f"- {row.by.name}, {_time(row.at)}: {row.text}" for row in corrections)]
    return "\n\n".join(_joined(parts)) + "\n"


def _head(meeting: Meeting) -> Iterator[str]:
    began = _time(meeting.started_at) if meeting.started_at else "not begun"
    ended = _time(meeting.ended_at) if meeting.ended_at else "not ended"
    yield f"From {began} to {ended}. Led by {meeting.chair.name if meeting.chair else 'nobody'}."
    yield f"Agenda at the start: `{meeting.agenda_digest or 'none'}` (SHA-256)."
    if meeting.quorate is False:
        yield "There was no quorum."


def _attendance(rows: Iterable[Attendance]) -> Iterator[str]:
    for row in rows:
        left = _time(row.left_at) if row.left_at else "the end"
        yield f"- {row.person.name}: {_time(row.came_at)} to {left}"


def _points(meeting: Meeting) -> Iterator[str]:
    items = meeting.items.exclude(state=AgendaItem.State.DROPPED).select_related("change").order_by("position", "id")
    decisions = _by_item(meeting.decisions.order_by("id"))
    notes = _by_item(meeting.notes.order_by("id"))
    for number, item in enumerate(items, start=1):
        yield f"### {number}. {item.title}"
        for note in notes.get(item.pk, []):
            if note.text.strip():
                yield note.text.strip()
        for decision in decisions.get(item.pk, []):
            yield from _decision(decision)
        if not decisions.get(item.pk):
            yield f"*{AgendaItem.State(item.state).label}.*"
    for note in notes.get(None, []):
        if note.text.strip():
            yield note.text.strip()


def _decision(row: Decision) -> Iterator[str]:
    yield f"**{row}: {Decision.Outcome(row.outcome).label}.** {row.reason}"
    if row.digest:
        yield f"Bound to the text `{row.digest}`{f', until {row.expires_at:%Y-%m-%d}' if row.expires_at else ''}."
    told = row.tally
    if told:
        named = ", ".join(f"{word}: {' and '.join(told[word]) or 'nobody'}" for word in ("yes", "no", "abstained", "recused"))
        yield f"{named}. {told['present']} of {told['voters']} voters, {told['needed']} needed."
    for each in row.conditions:
        yield f"- Condition: {each['text']} ({each['owner']}, until {each['due_at'][:10]})"


def _action(row: Action) -> str:
    return f"- {row.text} ({row.owner.name}, until {row.due_on})"


def _by_item(rows: Iterable[Row]) -> dict[int | None, list[Row]]:
    found: dict[int | None, list[Row]] = {}
    for row in rows:
        found.setdefault(row.item_id, []).append(row)
    return found


def _joined(parts: Iterable[str]) -> Iterator[str]:
    """Lines of one list stay together."""
    block: list[str] = []
    for part in parts:
        if part.startswith("- "):
            block.append(part)
            continue
        if block:
            yield "\n".join(block)
            block = []
        yield part
    if block:
        yield "\n".join(block)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


@transaction.atomic
def sign(*, meeting: Meeting, digest: str, by: User, at: datetime) -> Minutes:
    """Who led the meeting signs exactly the minutes that they read. Corrections come after that as entries beside them."""
    row = locked(meeting)
    if row.state != Meeting.State.ENDED:
        raise Stale(f"{row} is {Meeting.State(row.state).label.lower()}; minutes are signed after its end.")
    if row.chair_id != by.pk:
        raise Refused(Clause.OVERSEEN, "Who led the meeting signs its minutes.")
    text = draft(row)
    if digest_of_text(text) != digest:
        raise Stale("The minutes are not the ones that you read: somebody corrected them meanwhile.")
    minutes = Minutes(meeting=row, text=text, digest=digest, signed_by=by, signed_at=at)
    try:
        with transaction.atomic():
            minutes.save()
    except IntegrityError as problem:
        raise Stale("The minutes are signed already.") from problem
    append(
        stream=stream_of(row),
        kind="minutes.signed",
        actor=actor_of(by),
        fact={"meeting": row.number, "digest": digest, "by": by.name, "at": at.isoformat()},
        rows=[minutes],
    )
    _send(row, minutes, at)
    for topic in (f"meeting-{row.number}", "inbox"):
        ring(topic)
    return minutes


def _send(meeting: Meeting, minutes: Minutes, at: datetime) -> None:
    """To everybody with a seat on that day, each a mail of their own."""
    address = f"{settings.BASE_URL}/meetings/{meeting.number}/minutes/"
    head = f"{minutes.signed_by.name} signed the minutes of {meeting}: {address}\nSHA-256 of what follows: {minutes.digest}"
    for person in roster_at(meeting.series, at=meeting.started_at or at).people:
        if person.email:
            send_mail(
                key=f"minutes:{meeting.number}:{person.pk}",
                to=[person.email],
                subject=f"Minutes of {meeting.series.name} {meeting.number}",
                text=f"{head}\n\n{minutes.text}",
                at=at,
            )


@transaction.atomic
def correct(*, meeting: Meeting, text: str, by: User, at: datetime) -> Correction:
    """Somebody who was there corrects the minutes by an entry; signed ones stay as they are, with the correction beside."""
    row = locked(meeting)
    if row.state != Meeting.State.ENDED:
        raise Stale(f"{row} is {Meeting.State(row.state).label.lower()}; its minutes are corrected after its end.")
    if not row.attendances.filter(person=by).exists():
        raise Refused(Clause.OVERSEEN, f"{by.name} was not at this meeting.", "Tell somebody who was.")
    if not text.strip() or len(text) > LONGEST:
        raise Refused(Clause.OVERSEEN, "The correction is empty or too long.", "Write what is wrong, and what is right.")
    correction = Correction.objects.create(meeting=row, text=text.strip(), by=by, at=at)
    append(
        stream=stream_of(row),
        kind="minutes.corrected",
        actor=actor_of(by),
        fact={"meeting": row.number, "text": correction.text, "by": by.name, "at": at.isoformat()},
        rows=[correction],
    )
    ring(f"meeting-{row.number}")
    return correction
