"""Votes: opened on one text, taken from those who may, closed and counted. In a meeting, or in writing between meetings."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from changes.meetings import voting
from changes.meetings.live import present_at
from changes.meetings.models import AgendaItem, Ballot, Meeting, Series, Vote
from changes.meetings.roster import Roster, roster_at
from changes.meetings.voting import Cast, Tally
from changes.policies.points import version_of
from changes.proposals import queries as proposals
from changes.proposals.models import Change, Revision
from changes.training.standing import check_trained
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=14)
"""How long a written vote is open."""


@transaction.atomic
def open_ballot(*, item: AgendaItem, by: User, at: datetime) -> Ballot:
    """Open the vote on a point of a running meeting, on its present text."""
    meeting = _running(item)
    if meeting.chair_id != by.pk:
        raise Refused(Clause.OVERSEEN, "Only who leads the meeting opens a vote.")
    return _open(item, meeting.series, by, at, written=False, closes_at=None)


@transaction.atomic
def open_written(*, item: AgendaItem, series: Series, closes_at: datetime, by: User, at: datetime) -> Ballot:
    """Open a vote between meetings, with the same roster and quorum, until ``closes_at``."""
    if by.pk not in roster_at(series, at=at).leads:
        raise Refused(Clause.OVERSEEN, f"{by.name} does not lead the meeting.", "The chair or a deputy opens a written vote.")
    if not at + SHORTEST <= closes_at <= at + LONGEST:
        raise Refused(Clause.OVERSEEN, "A written vote is open from an hour to two weeks.", "Choose another end.")
    return _open(item, series, by, at, written=True, closes_at=closes_at)


def _open(item: AgendaItem, series: Series, by: User, at: datetime, *, written: bool, closes_at: datetime | None) -> Ballot:
    revision, digest = text_of(item)
    ballot = Ballot(
        item=item,
        revision=revision,
        digest=digest,
        written=written,
        series=series,
        opened_by=by,
        opened_at=at,
        closes_at=closes_at,
    )
    try:
        with transaction.atomic():
            ballot.save()
    except IntegrityError as problem:
        raise Stale("A vote on this point is open already.") from problem
    _tell("vote.opened", ballot, by, at, digest=digest)
    return ballot


def text_of(item: AgendaItem) -> tuple[Revision | None, str]:
    """The text that a vote on this point is about: a revision, or a version of the policy by its digest."""
    if item.change is not None:
        revision = proposals.current_revision(item.change)
        return revision, revision.binds
    version = version_of(item.key)
    return None, version.digest if version is not None else ""


def involved_in(change: Change | None) -> frozenset[int]:
    """Ids of those who asked for a change or contributed to it: the rule recuses them (P-03)."""
    if change is None:
        return frozenset()
    people = {actor.person for actor in proposals.contributors(change) if actor.person is not None}
    return frozenset(people | ({change.requester_id} if change.requester_id is not None else set()))


@transaction.atomic
def vote(*, ballot: Ballot, choice: str, reason: str, by: User, at: datetime) -> Vote:
    """One person's word. Saying another later replaces it; both stay on record."""
    held = (
        Ballot.objects.select_for_update(of=("self",)).select_related("item__meeting", "item__change", "series").get(pk=ballot.pk)
    )
    over = held.closes_at is not None and at >= held.closes_at
    voting.check_open(closed=held.closed_at is not None, over=over, edited=text_of(held.item)[1] != held.digest)
    voting.check_voter(
        person=by.pk,
        name=by.name,
        choice=choice,
        roster=roster_at(held.series, at=at).voters,
        present=None if held.written or held.item.meeting is None else present_at(held.item.meeting, at=at),
        involved=involved_in(held.item.change),
    )
    if choice != voting.RECUSED:
        check_trained(by=by, at=at)
    row = Vote.objects.create(ballot=held, person=by, choice=choice, reason=reason.strip(), at=at)
    append(
        stream=stream_of(held),
        kind="vote.cast",
        actor=actor_of(by),
        fact={"ballot": held.pk, "by": by.name, "choice": choice, "reason": row.reason, "at": at.isoformat()},
        rows=[row],
    )
    _ring(held)
    return row


@transaction.atomic
def close_ballot(*, ballot: Ballot, by: User | None, at: datetime) -> Tally:
    """Close a vote and count it. ``by`` None: the clock of a written one. It is void when the text was edited meanwhile."""
    held = (
        Ballot.objects.select_for_update(of=("self",)).select_related("item__meeting", "item__change", "series").get(pk=ballot.pk)
    )
    if held.closed_at is not None:
        raise Stale("This vote is closed already.")
    if by is not None and not _leads(held, by, at):
        raise Refused(Clause.OVERSEEN, "Only who leads the meeting closes a vote.")
    held.closed_at = at
    result = tally_of(held, at=at)
    if text_of(held.item)[1] != held.digest:
        held.void = "the text was edited during the vote"
    elif not result.quorum.met:
        held.void = "there was no quorum"
    held.save(update_fields=["closed_at", "void"])
    _tell("vote.closed", held, by, at, result=result.sentence, void=held.void)
    return result


def tally_of(ballot: Ballot, *, at: datetime) -> Tally:
    """What a vote comes to, by the roster of that moment and by who is there (of a written one: by who spoke)."""
    roster: Roster = roster_at(ballot.series, at=at)
    casts = [Cast(row.person_id, row.choice, row.at) for row in ballot.votes.order_by("id")]
    spoke = frozenset(cast.person for cast in casts)
    meeting = ballot.item.meeting
    return voting.tally(
        casts=casts,
        roster=roster.voters,
        leads=roster.leads,
        present=spoke if ballot.written or meeting is None else present_at(meeting, at=at),
        involved=involved_in(ballot.item.change),
        percent=roster.percent,
    )


def close_written(*, at: datetime) -> int:
    """Close the written votes whose time has come. Returns how many."""
    due = Ballot.objects.filter(written=True, closed_at=None, closes_at__lte=at).order_by("closes_at", "id")
    found = list(due[:50])
    for ballot in found:
        close_ballot(ballot=ballot, by=None, at=ballot.closes_at or at)
    return len(found)


def stream_of(ballot: Ballot) -> str:
    """The ledger stream of a vote: its meeting's, or that of written votes."""
    meeting = ballot.item.meeting
    return f"meeting:{meeting.number}" if meeting is not None else "written votes"


def _locked(ballot: Ballot) -> Ballot:
    rows = Ballot.objects.select_for_update(of=("self",)).select_related("item__meeting", "item__change", "series")
    return rows.get(pk=ballot.pk)


def _leads(ballot: Ballot, by: User, at: datetime) -> bool:
    meeting = ballot.item.meeting
    if ballot.written or meeting is None:
        return by.pk in roster_at(ballot.series, at=at).leads
    return meeting.chair_id == by.pk


def _running(item: AgendaItem) -> Meeting:
    rows = Meeting.objects.select_for_update(of=("self",)).select_related("series")
    meeting = rows.filter(pk=item.meeting_id or 0, state=Meeting.State.LIVE).first()
    if meeting is None:
        raise Stale("The meeting is not in session.")
    return meeting


def _tell(kind: str, ballot: Ballot, by: User | None, at: datetime, **fact: str) -> None:
    append(
        stream=stream_of(ballot),
        kind=kind,
        actor=actor_of(by) if by else "portal",
        fact={"ballot": ballot.pk, "point": ballot.item.key, "by": by.name if by else "", "at": at.isoformat(), **fact},
        rows=[ballot],
    )
    _ring(ballot)


def _ring(ballot: Ballot) -> None:
    meeting = ballot.item.meeting
    ring(f"meeting-{meeting.number}" if meeting is not None else "meetings")
    ring("inbox")
