"""What votes, decisions, minutes and actions ask of people, for the inbox. Few queries, whatever the number of items."""

from collections.abc import Iterator
from datetime import datetime

from changes.meetings import written
from changes.meetings.ballots import involved_in
from changes.meetings.models import Action, Ballot, Meeting
from changes.meetings.roster import roster_at
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.policy.clocks import end_of

MOST = 20


@inbox.provider
def votes_and_decisions(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Votes that are open, in writing and in session, and what the chair records of those that are closed."""
    if not may(user, P.MEETING_VOTE):
        return
    for ballot in list(written.waiting_for(user)[:MOST]):
        if user.pk in roster_at(ballot.series, at=at).voters and user.pk not in involved_in(ballot.item.change):
            yield _to_vote(ballot, f"/decisions/votes/{ballot.pk}/", "You have a seat, and have said nothing yet.")
    yield from _in_session(user)
    if may(user, P.MEETING_LEAD):
        yield from _to_record(user, at)
        yield from _to_sign(user)


def _to_vote(ballot: Ballot, href: str, why: str) -> inbox.Item:
    return inbox.Item(
        title="Vote",
        about=ballot.item.title,
        why=why,
        due_at=ballot.closes_at,
        href=href,
        act="Vote",
        tone="accent",
        icon="vote",
    )


def _in_session(user: User) -> Iterator[inbox.Item]:
    """The vote in a running meeting, for those who are there."""
    here = Meeting.objects.filter(state=Meeting.State.LIVE, attendances__person=user, attendances__left_at=None)
    rows = Ballot.objects.filter(item__meeting__in=here, closed_at=None).exclude(votes__person=user)
    for ballot in rows.select_related("item__meeting", "item__change")[:MOST]:
        if ballot.item.meeting is not None and user.pk not in involved_in(ballot.item.change):
            yield _to_vote(ballot, f"/meetings/{ballot.item.meeting.number}/live/", "The meeting votes on it now.")


def _to_record(user: User, at: datetime) -> Iterator[inbox.Item]:
    for ballot in written.undecided()[:MOST]:
        if user.pk in roster_at(ballot.series, at=at).leads:
            yield inbox.Item(
                title="Record the decision",
                about=ballot.item.title,
                why="The written vote is closed, and you lead the meeting.",
                due_at=None,
                href=f"/decisions/votes/{ballot.pk}/",
                act="Record it",
                tone="warn",
                icon="gavel",
            )


def _to_sign(user: User) -> Iterator[inbox.Item]:
    rows = Meeting.objects.filter(state=Meeting.State.ENDED, chair=user, minutes_record=None).select_related("series")
    for row in rows.order_by("number")[:MOST]:
        yield inbox.Item(
            title="Sign the minutes",
            about=f"{row.series.name} {row.number}",
            why="You led this meeting. Its minutes are drawn up.",
            due_at=None,
            href=f"/meetings/{row.number}/minutes/",
            act="Read and sign",
            tone="warn",
            icon="signature",
        )


@inbox.provider
def actions_asked(user: User, at: datetime) -> Iterator[inbox.Item]:
    """What meetings asked this person to do."""
    rows = Action.objects.filter(owner=user, done_at=None).select_related("meeting").order_by("due_on", "id")
    for row in rows[:MOST]:
        yield inbox.Item(
            title="Do what the meeting asked",
            about=row.text,
            why=f"Meeting {row.meeting.number} asked you.",
            due_at=end_of(row.due_on),
            href=f"/meetings/{row.meeting.number}/#action-{row.pk}",
            act="Say what was done",
            icon="list-checks",
        )
