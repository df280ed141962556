"""What people do about an emergency: declare it, give the +1, take it back, confirm it (P-21, P-22).

Every action writes its evidence in the same transaction, judges the gates anew and lets the thread follow. Actions raise
``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from changes.emergencies import policy, threads
from changes.emergencies.models import Emergency
from changes.emergencies.queries import eligible_for, of_change, pull_request_named, who_may_plus_one
from changes.gates.actions import reassess
from changes.proposals import actions as proposals
from changes.proposals import queries
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, Category, Change, PlusOneConfirmation
from changes.proposals.moving import ring_for, stream_of
from changes.proposals.policy import SLACK, check_fresh_sign_in
from changes.proposals.sections import texts_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

TITLE = 120
"""Characters of the first line of what is broken that become the title."""
YES = Approval.Verdict.YES


@dataclass(frozen=True)
class Declared:
    """The four fields. ``asked`` is who should give the +1; None is anybody who may."""

    broken: str
    fix: str
    undo: str
    asked: User | None = None


def declare(*, given: Declared, by: User, via: str, key: str, at: datetime) -> Emergency:
    """Declare an emergency: a change in review, or the open change of the pull request that the fix names.

    ``key`` names the form or the command: the same one declares once, and gives the same emergency again. Raises ``Stale``
    when the change that the fix names is an emergency already.
    """
    known = Emergency.objects.select_related("change").filter(key=key)
    try:
        with transaction.atomic():
            return known.first() or _declare(given, by, via, key, at)
    except IntegrityError as problem:
        row = known.first()
        if row is None:
            raise Stale("Somebody declared this change an emergency in this moment. Look at it before you go on.") from problem
        return row


def _declare(given: Declared, by: User, via: str, key: str, at: datetime) -> Emergency:
    if not may_at(by, P.EMERGENCY_DECLARE, at=at):
        why = f"{by.name} may not declare an emergency."
        raise Refused(Clause.EMERGENCY_COORDINATED, why, "Ask an engineer, an approver, an architect or the chair.")
    policy.check_fields(broken=given.broken, fix=given.fix, undo=given.undo)
    change = _change_of_the_fix(given.fix)
    _check_asked(given.asked, change, by, at)
    change = _made_emergency(change, given, by, at) if change else _opened(given, by, at)
    fields = {"broken": given.broken, "fix": given.fix, "undo": given.undo, "asked": given.asked}
    row = Emergency(change=change, via=via, declared_by=by, key=key, at=at, **fields)
    return begin(row=row, actor=actor_of(by), at=at)


def _change_of_the_fix(fix: str) -> Change | None:
    """The change of the pull request that the fix names: it becomes the emergency, so that there are not two for one fix."""
    row = pull_request_named(fix)
    change = queries.changes_of(row).first() if row else None
    if change is None:
        return None
    policy.check_can_be_declared(state=change.state, name=str(change))
    if of_change(change) is not None:
        raise Stale(f"{change} is an emergency already.")
    return change


def _check_asked(asked: User | None, change: Change | None, by: User, at: datetime) -> None:
    if asked is None:
        return
    people = queries.contributors(change) if change else ()
    able = eligible_for(contributors=people, excluded=[by.pk, change.requester_id if change else None], at=at)
    if asked not in able:
        why = f"{asked.name} cannot give the +1: it takes the right to, and no part in the work."
        raise Refused(Clause.EMERGENCY_REVIEW, why, _who_may(able))


def _who_may(people: list[User]) -> str:
    names = ", ".join(person.name for person in people)
    return f"Who may: {names}." if people else "Nobody may at the moment: the chair and compliance can decide on a waiver."


def _opened(given: Declared, by: User, at: datetime) -> Change:
    first = given.broken.strip().splitlines()[0]
    title = first if len(first) <= TITLE else f"{first[: TITLE - 1]}…"
    return proposals.open_change(
        texts={"title": title, "why": given.broken, "what": given.fix, "rollback": given.undo},
        source="form",
        at=at,
        by=by,
        actor=actor_of(by),
        state=State.PROPOSED,
        classified={
            "category": Category.EMERGENCY,
            "reasons": {"asked": {"category": "emergency"}, "category": [f"{by.name} declared an emergency."]},
        },
    )


def _made_emergency(change: Change, given: Declared, by: User, at: datetime) -> Change:
    """An existing change takes the words of the declaration into its text and becomes an emergency."""
    asked = {**change.reasons.get("asked", {}), "category": "emergency"}
    reasons = {**change.reasons, "asked": asked, "category": [f"{by.name} declared an emergency."]}
    values = {"category": Category.EMERGENCY, "size": change.size, "kind": change.kind, "reasons": reasons}
    proposals.classify(change=change, values=values, actor=actor_of(by), at=at)
    texts = texts_of(queries.current_revision(change)) | {"why": given.broken, "what": given.fix, "rollback": given.undo}
    proposals.revise(change=change, texts=texts, source="form", at=at, by=by, actor=actor_of(by))
    if change.state == State.DRAFT:
        proposals.move(change=change, verb="propose", actor=actor_of(by), at=at, fact={"by": by.name})
    return Change.objects.get(pk=change.pk)


@transaction.atomic
def begin(*, row: Emergency, actor: str, at: datetime, why: str = "") -> Emergency:
    """Save a declaration with its entry, judge the gates, and open its thread. ``why`` is what the portal found."""
    row.save()
    append(
        stream=stream_of(row.change),
        kind="emergency.declared",
        actor=actor,
        fact={
            "by": threads.declarer_of(row),
            "via": row.via,
            "broken": row.broken,
            "fix": row.fix,
            "undo": row.undo,
            "asked": row.asked.name if row.asked else "",
            "reason": why,
            "at": at.isoformat(),
        },
        rows=[row],
    )
    reassess(change=row.change, at=at)
    threads.open_thread(emergency=row, at=at, why=why)
    threads.ask_for_plus_one(emergency=row, at=at)
    ring_for(row.change)
    ring("changes")
    return row


@transaction.atomic
def note_declared(*, change: Change, at: datetime) -> Emergency:
    """Put on record what was declared by a label, a title or the proposal's form, and open its thread. Once for a change."""
    locked = queries.locked(change.pk)
    known = of_change(locked)
    if known is not None:
        return known
    text = queries.current_revision(locked)
    by_form = locked.opened_by == "form"
    row = Emergency(
        change=locked,
        via=Emergency.Via.FORM if by_form else Emergency.Via.PULL_REQUEST,
        declared_by=locked.requester,
        broken=text.why,
        fix=text.what,
        undo=text.rollback,
        key=f"change:{locked.number}",
        at=at,
    )
    return begin(row=row, actor=actor_of(locked.requester) if locked.requester else "portal", at=at)


@transaction.atomic
def plus_one(*, change: Change, by: User, via: str, authenticated_at: datetime | None, at: datetime, note: str = "") -> Approval:
    """The +1 by somebody who took no part; the gate opens at once. A refusal says who may instead.

    ``via`` is portal (with a fresh sign-in) or slack (a linked account).
    """
    emergency = of_change(change)
    policy.check_open_for_plus_one(state=change.state, undeclared=change.undeclared)
    try:
        policy.check_not_declarer(is_declarer=emergency is not None and emergency.declared_by_id == by.pk)
        given = proposals.plus_one(change=change, by=by, via=via, authenticated_at=authenticated_at, at=at, note=note)
    except Refused as refusal:
        able = [person for person in who_may_plus_one(change, at=at) if person.pk != by.pk]
        raise Refused(refusal.clause, refusal.why, f"{refusal.instead} {_who_may(able)}".strip()) from refusal
    _after(change, at)
    return given


@transaction.atomic
def take_back_plus_one(*, change: Change, by: User, at: datetime, via: str | None = None) -> int:
    """Take one's own +1 back, until the merge; with ``via`` only one that was given that way. Returns how many there were."""
    words = queries.standing_words(change, by=by, verdict=YES)
    if via is not None:
        words = words.filter(via=via)
    rows = list(words.select_related("by"))
    for row in rows:
        proposals.withdraw_approval(approval=row, by=by, at=at)
    if rows:
        _after(change, at)
    return len(rows)


@transaction.atomic
def confirm_plus_one(*, change: Change, by: User, authenticated_at: datetime | None, at: datetime) -> PlusOneConfirmation:
    """Stand by a +1 that one gave in Slack, with a fresh sign-in. Raises ``Stale`` when there is none to confirm."""
    locked = queries.locked(change.pk)
    word = queries.standing_words(locked, by=by, verdict=YES).filter(via=SLACK, confirmation=None).order_by("id").first()
    if word is None:
        raise Stale("There is no +1 of yours from Slack that waits for confirmation.")
    check_fresh_sign_in(authenticated_at=authenticated_at, at=at, within=parameters_at(at).fresh_sign_in_within)
    row = PlusOneConfirmation.objects.create(approval=word, authenticated_at=authenticated_at or at, at=at)
    append(
        stream=stream_of(locked),
        kind="emergency.plus_one_confirmed",
        actor=actor_of(by),
        fact={"by": by.name, "at": at.isoformat()},
        rows=[row],
    )
    _after(locked, at)
    return row


def _after(change: Change, at: datetime) -> None:
    """The gates as they stand now, on lists, pages and the pull request; and the thread's next replies."""
    present = Change.objects.get(pk=change.pk)
    reassess(change=present, at=at)
    ring_for(present)
    emergency = of_change(present)
    if emergency is not None:
        threads.catch_up(emergency=emergency, at=at)
