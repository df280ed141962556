"""What a person says about the classes of a change: raised at once, lowered with a reason and a right (P-01, P-05).

Each word is a row of its own with its ledger entry. A new class ends the approvals that were given on the old one
(SECURITY, roles, rule 4). Actions raise ``Refused`` or ``Stale``; nothing was changed then.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from changes.delivery.models import PullRequest
from changes.proposals import actions, queries
from changes.proposals.classification import CATEGORY, Classed, rank_of
from changes.proposals.deriving import classes_of, classification_of
from changes.proposals.lifecycle import OPEN_STATES, State
from changes.proposals.models import Category, Change, ClassChoice, Kind, Size
from changes.proposals.moving import stream_of
from changes.proposals.policy import check_independent
from changes.proposals.refreshing import work_of
from changes.proposals.undeclared import upheld
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.policy.refusal import Refused, Stale

VALUES: Mapping[str, tuple[str, ...]] = {
    "category": tuple(Category.values),
    "size": tuple(Size.values),
    "kind": tuple(Kind.values),
}


@transaction.atomic
def choose_class(
    *, change: Change, name: str, value: str, reason: str, by: User, at: datetime, parameters: Parameters | None = None
) -> ClassChoice:
    """Put a person's word on one class (``name``: category, size or kind) on record, and class the change anew by it."""
    locked, parameters = queries.locked(change.pk), parameters or parameters_at(at)
    was = _present(locked, name, value)
    lowers = rank_of(name, value, parameters) < rank_of(name, was, parameters)
    if lowers:
        _check_lowering(locked, reason=reason, by=by, at=at)
    else:
        _check_raising(locked, name=name, by=by, at=at)
    rows = list(queries.linked_pull_requests(locked))
    work = work_of(rows)
    by_rule = classification_of(locked, rows=rows, work=work, parameters=parameters).by_rule[name]
    choice = _record(locked, name=name, was=was, value=value, lowers=lowers, reason=reason, by_rule=by_rule, by=by, at=at)
    _apply(locked, rows, work, by=by, at=at, parameters=parameters)
    change.refresh_from_db()
    return choice


def _present(change: Change, name: str, value: str) -> str:
    """The class as it stands. Raises ``Refused`` for a word that is none, and ``Stale`` when it is that class already."""
    if value not in VALUES.get(name, ()):
        raise Refused(Clause.CATEGORY, f"“{value[:40]}” is no {name[:40]} that the policy knows.", "Choose one of the list.")
    was = str(getattr(change, name))
    if was == value:
        raise Stale(f"The {name} of {change} is {value} already.")
    return was


def _check_raising(change: Change, *, name: str, by: User, at: datetime) -> None:
    """Whoever works on changes may be stricter than the rules, at once. An emergency is more than a class: it is declared."""
    if not may_at(by, P.CHANGE_PROPOSE, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{by.name} may not {P.CHANGE_PROPOSE.sentence}.")
    if name == CATEGORY:
        raise Refused(
            Clause.EMERGENCY_COORDINATED,
            "An emergency is declared, with what is broken, the fix, and the way back.",
            "Declare it under Emergencies, or with the slash command in Slack.",
        )
    if change.state in (State.CLOSED, State.WITHDRAWN):
        raise Stale(f"{change} is {State(change.state).label.lower()}; its classes stand.")


def _check_lowering(change: Change, *, reason: str, by: User, at: datetime) -> None:
    """Less strict than the rules: only who oversees, with a reason, before the merge, and not on one's own work."""
    if not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(
            Clause.ACCESS_RESTRICTED,
            f"{by.name} may raise a class and not lower it.",
            "Ask an architect, the chair or the compliance manager.",
        )
    if not reason.strip():
        raise Refused(Clause.CATEGORY, "Lowering a class needs a reason.", "Write in a sentence why the rule is too strict here.")
    if change.state not in OPEN_STATES:
        raise Stale(f"{change} is {State(change.state).label.lower()}; its classes stand.")
    check_independent(
        person=queries.actor_for(by), contributors=queries.contributors(change), requester=queries.requester_of(change)
    )


def _record(
    change: Change,
    *,
    name: str,
    was: str,
    value: str,
    lowers: bool,
    reason: str,
    by_rule: Classed,
    by: User,
    at: datetime,
) -> ClassChoice:
    choice = ClassChoice.objects.create(
        change=change,
        name=name,
        was=was,
        value=value,
        lowers=lowers,
        reason=reason.strip(),
        causes=sorted(by_rule.causes) if lowers else [],
        by=by,
        at=at,
    )
    append(
        stream=stream_of(change),
        kind="change.class_lowered" if lowers else "change.class_raised",
        actor=actor_of(by),
        fact={
            "by": by.name,
            "class": name,
            "was": was,
            "value": value,
            "by_rule": by_rule.value,
            "reason": choice.reason,
            "at": at.isoformat(),
        },
        rows=[choice],
    )
    return choice


def _apply(
    change: Change, rows: list[PullRequest], work: list[PullRequest], *, by: User, at: datetime, parameters: Parameters
) -> None:
    values = classes_of(change, rows=rows, work=work, parameters=parameters)
    actions.classify(change=change, values=upheld(change, values), actor=actor_of(by), at=at)
