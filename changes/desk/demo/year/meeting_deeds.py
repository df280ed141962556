"""What happens around the architecture meeting in the year: its series, its points, a meeting from beginning to minutes."""

from datetime import datetime, timedelta

from changes.desk.demo.people import named
from changes.desk.demo.year.deeds import deed
from changes.meetings import ballots, live, minutes, recording, voting
from changes.meetings.agenda import put_point
from changes.meetings.models import AgendaItem, Meeting, Series
from changes.meetings.policy import Terms
from changes.meetings.rules import Cadence
from changes.meetings.series import make_series
from changes.meetings.syncing import keep_in_step
from changes.policies import actions as policies
from changes.policies.queries import in_force
from portal.ledger.canonical import digest_of_text
from portal.policy.models import PolicyVersion

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NAME, PLACE = "Architecture meeting", "Room Nord and the usual call"
VOTERS = ("dev", "eli", "noa")
VOTED = (AgendaItem.Kind.PROPOSAL, AgendaItem.Kind.LAPSED, AgendaItem.Kind.POLICY)


@deed("make_series")
def _make_series(*, cadence: Cadence, by: str, at: datetime) -> None:
    """The meeting that takes place every two weeks."""
    if Series.objects.exists():
        return
    terms = Terms(NAME, cadence.rule, cadence.starts_on, cadence.time, cadence.zone, 60, PLACE, tuple(sorted(cadence.holidays)))
    make_series(terms=terms, voters=[named(login) for login in VOTERS], by=named(by), at=at)


@deed("put_point")
def _put_point(*, number: int, title: str, note: str, by: str, at: datetime) -> None:
    """Somebody puts a point on the agenda of a meeting."""
    meeting = Meeting.objects.get(number=number)
    put_point(meeting=meeting, title=title, note=note, minutes=15, key=title[:40], by=named(by), at=at)


@deed("hold_meeting")
def _hold_meeting(*, number: int, by: str, at: datetime, said: str = "Talked through; nobody is against it.") -> None:
    """Everybody with a seat comes, each point is settled or voted on, and the chair signs the minutes an hour later."""
    meeting, chair = Meeting.objects.select_related("series").get(number=number), named(by)
    if meeting.state != Meeting.State.PLANNED:
        return
    keep_in_step(meeting=meeting, at=at)
    live.begin(meeting=meeting, by=chair, at=at)
    for place, login in enumerate(VOTERS, start=1):
        live.come(meeting=meeting, person=named(login), by=named(login), at=at + place * MINUTE)
    begins = at + 5 * MINUTE
    for item in meeting.items.filter(state=AgendaItem.State.OPEN).order_by("position", "id"):
        live.take_up(meeting=meeting, item=item, by=chair, at=begins)
        live.write_note(meeting=meeting, item=item, text=said, by=named(VOTERS[1]), at=begins + 4 * MINUTE)
        _end_point(item, by, begins + 6 * MINUTE)
        begins += 9 * MINUTE
    held = live.end(meeting=meeting, by=chair, at=begins)
    minutes.sign(meeting=held, digest=digest_of_text(minutes.draft(held)), by=chair, at=begins + 60 * MINUTE)


def _end_point(item: AgendaItem, chair: str, at: datetime) -> None:
    if item.kind not in VOTED:
        recording.settle(item=item, by=named(chair), at=at)
        return
    ballot = ballots.open_ballot(item=item, by=named(chair), at=at)
    involved = ballots.involved_in(item.change)
    for person in map(named, (chair, *VOTERS)):
        choice = voting.RECUSED if person.pk in involved else voting.YES
        ballots.vote(ballot=ballot, choice=choice, reason="", by=person, at=at)
    ballots.close_ballot(ballot=ballot, by=named(chair), at=at + MINUTE)
    reason = "It does what it is for, and can be undone."
    recording.record(item=item, outcome="approved", reason=reason, conditions=[], asked=[], by=named(chair), at=at + 2 * MINUTE)


@deed("send_version")
def _send_version(*, number: int, summary: str, parameters: dict[str, object], holds_from: datetime, by: str, at: datetime) -> None:
    """The next version of the policy goes to the next meeting."""
    if PolicyVersion.objects.filter(number=number).exists():
        return
    text = in_force(at=at).text
    draft = policies.save_draft(text=text, parameters=parameters, summary=summary, material=True, seen=0, by=named(by), at=at)
    policies.send(effective_at=holds_from, seen=draft.version, by=named(by), at=at + MINUTE)
