"""Record what was decided about a point: bound to a text, with its reason, its conditions and its end (P-01, P-25).

A decision for a version of the policy brings it into force; one about a change takes the place of the one before.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from changes.approvals.conditions import Wanted, set_condition
from changes.meetings import voting
from changes.meetings.ballots import involved_in, tally_of, text_of
from changes.meetings.exporting import export
from changes.meetings.live import present_at
from changes.meetings.models import AgendaItem, Ballot, Decision, Meeting
from changes.meetings.roster import roster_at
from changes.meetings.standing import lapse, standing_for
from changes.meetings.voting import Tally
from changes.policies import actions as policies
from changes.policies.points import version_of
from changes.proposals.moving import ring_for
from changes.training.standing import check_trained
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

NUMBERS = 7203
"""Key of the advisory lock under which decisions get their numbers."""
VOTED = (AgendaItem.Kind.PROPOSAL, AgendaItem.Kind.LAPSED, AgendaItem.Kind.POLICY)
"""Points that are decided by a vote."""
FOR = (Decision.Outcome.APPROVED, Decision.Outcome.CONDITIONAL)


@transaction.atomic
def decide(*, item: AgendaItem, outcome: str, reason: str, conditions: Sequence[Wanted], by: User, at: datetime) -> Decision:
    """Record a decision about a point of a running meeting, or of a written vote that is closed.

    Refused without quorum, against what was voted, on one's own change, and without a reason.
    """
    held = AgendaItem.objects.select_for_update(of=("self",)).select_related("meeting__series", "change").get(pk=item.pk)
    ballot = held.ballots.exclude(closed_at=None).order_by("-id").first()
    _check_place(held, ballot, by, at)
    check_trained(by=by, at=at)
    result = tally_of(ballot, at=ballot.closed_at or at) if ballot is not None else None
    revision, digest = text_of(held)
    voting.check_decision(
        outcome=outcome,
        reason=reason,
        needs_vote=held.kind in VOTED,
        carried=result.carried if result is not None else None,
        void=_void(ballot, digest),
        quorum=_quorum(held, result, at),
        recorder_involved=by.pk in involved_in(held.change),
        conditions=len(conditions),
    )
    decision = Decision.objects.create(
        number=_next_number(),
        item=held,
        meeting=held.meeting,
        ballot=ballot if held.kind in VOTED and outcome != Decision.Outcome.DEFERRED else None,
        change=held.change,
        revision=revision,
        digest=digest,
        outcome=outcome,
        reason=reason.strip(),
        conditions=[
            {"text": each.text, "owner": each.owner.name, "before": each.before, "due_at": each.due_at.isoformat()}
            for each in conditions
        ],
        tally=_told(result, held, at),
        by=by,
        at=at,
        expires_at=at + parameters_at(at).decision_lives if held.change is not None and outcome in FOR else None,
        supersedes=_before(held),
    )
    _follow(decision, conditions, by, at)
    return decision


def _follow(decision: Decision, conditions: Sequence[Wanted], by: User, at: datetime) -> None:
    """What a decision brings about: the entry, the end of the one before, conditions, the policy, the state of the point."""
    append(
        stream=f"meeting:{decision.meeting.number}" if decision.meeting is not None else "written votes",
        kind="decision.recorded",
        actor=actor_of(by),
        fact={
            "decision": decision.number,
            "point": decision.item.key,
            "outcome": decision.outcome,
            "digest": decision.digest,
            "reason": decision.reason,
            "tally": decision.tally,
            "conditions": decision.conditions,
            "by": by.name,
            "at": at.isoformat(),
        },
        rows=[decision],
    )
    if decision.change is not None:
        for earlier in standing_for(decision.change):
            if earlier.pk != decision.pk:
                lapse(decision=earlier, reason=f"{decision} took its place", at=at, actor=actor_of(by))
        for wanted in conditions:
            set_condition(change=decision.change, approval=None, wanted=wanted, by=by, at=at)
        ring_for(decision.change)
    _follow_policy(decision, by, at)
    done = decision.outcome != Decision.Outcome.DEFERRED
    decision.item.state = AgendaItem.State.SETTLED if done else AgendaItem.State.CARRIED
    decision.item.save(update_fields=["state"])
    export(decision=decision, at=at)
    for topic in ("decisions", "inbox"):
        ring(topic)
    ring(f"meeting-{decision.meeting.number}" if decision.meeting is not None else "meetings")


def _follow_policy(decision: Decision, by: User, at: datetime) -> None:
    version = version_of(decision.item.key)
    if version is None or decision.outcome == Decision.Outcome.DEFERRED:
        return
    act = policies.adopt if decision.outcome in FOR else policies.reject
    act(version=version, decision=str(decision), by=by, at=at)


def _check_place(item: AgendaItem, ballot: Ballot | None, by: User, at: datetime) -> None:
    if item.state not in (AgendaItem.State.OPEN, AgendaItem.State.CARRIED) or item.ballots.filter(closed_at=None).exists():
        raise Stale("This point is settled, or a vote on it is open.")
    if item.meeting is not None:
        meeting = Meeting.objects.select_for_update(of=("self",)).get(pk=item.meeting.pk)
        if meeting.state != Meeting.State.LIVE:
            raise Stale(f"{meeting} is {Meeting.State(meeting.state).label.lower()} now.")
        if meeting.chair_id != by.pk:
            raise Refused(Clause.OVERSEEN, "Only who leads the meeting records a decision.")
        return
    if ballot is None:
        raise Stale("The written vote is not closed yet.")
    if by.pk not in roster_at(ballot.series, at=at).leads:
        raise Refused(Clause.OVERSEEN, "The chair or a deputy records the decision of a written vote.")


def _void(ballot: Ballot | None, digest: str) -> str:
    if ballot is None:
        return ""
    return ballot.void or ("the text was edited after the vote" if ballot.digest != digest else "")


def _quorum(item: AgendaItem, result: Tally | None, at: datetime) -> bool:
    """Whether there is a quorum now in the meeting; in a written vote, whether there was one when it closed."""
    if item.meeting is None:
        return result is not None and result.quorum.met
    return roster_at(item.meeting.series, at=at).quorum(present_at(item.meeting, at=at)).met


def _told(result: Tally | None, item: AgendaItem, at: datetime) -> dict[str, object]:
    """The count by name, as it is kept with the decision."""
    if result is None:
        return {}
    ids = (*result.yes, *result.no, *result.abstained, *result.recused, *result.silent)
    names = dict(User.objects.filter(pk__in=ids).values_list("pk", "name"))
    groups = {"yes": result.yes, "no": result.no, "abstained": result.abstained, "recused": result.recused, "silent": result.silent}
    told: dict[str, object] = {word: [names[pk] for pk in people] for word, people in groups.items()}
    return told | {"voters": result.quorum.voters, "needed": result.quorum.needed, "present": result.quorum.present}


def _before(item: AgendaItem) -> Decision | None:
    if item.change is None:
        return None
    return Decision.objects.filter(change=item.change).order_by("-at", "-id").first()


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
    last = Decision.objects.order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1
