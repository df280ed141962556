"""A proposal from the form: opened, classified by its answers, and put up for review when it is ready."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.proposals import actions
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change, Size
from changes.proposals.sections import texts_in
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale


@transaction.atomic
def submit(*, given: Mapping[str, Any], by: User, ready: bool, at: datetime) -> Change:
    """A new change from the form's cleaned answers; ``ready`` puts it up for review at once."""
    _check_category(given, by, at)
    change = actions.open_change(
        texts=_texts(given),
        source="form",
        at=at,
        by=by,
        actor=actor_of(by),
        classified={"category": given["category"], "size": given["size"], "reasons": _reasons(given, by)},
    )
    if ready:
        actions.move(change=change, verb="propose", actor=actor_of(by), at=at, fact={"by": by.name})
    return change


@transaction.atomic
def resubmit(*, change: Change, given: Mapping[str, Any], by: User, at: datetime) -> None:
    """A new revision from the form. Only the requester or the architecture team edits, and only before the merge."""
    if change.opened_by != "form":
        raise Refused(Clause.STARTS_AS_PULL_REQUEST, "This text comes from the pull request.", "Edit its description there.")
    if change.requester_id != by.pk and not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, "Only the requester or the architecture team edits a proposal.")
    if change.state not in (State.DRAFT, State.PROPOSED, State.APPROVED):
        raise Stale(f"{change} is {State(change.state).label.lower()}; its text stands.")
    _check_category(given, by, at)
    actions.revise(change=change, texts=_texts(given), source="form", at=at, by=by, actor=actor_of(by))
    values = {"category": given["category"], "size": given["size"], "kind": change.kind}
    actions.classify(
        change=change, values={**values, "reasons": {**change.reasons, **_reasons(given, by)}}, actor=actor_of(by), at=at
    )


def _check_category(given: Mapping[str, Any], by: User, at: datetime) -> None:
    if given["category"] == Category.EMERGENCY and not may_at(by, P.EMERGENCY_DECLARE, at=at):
        raise Refused(Clause.EMERGENCY_COORDINATED, f"{by.name} may not declare an emergency.")


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    return texts_in(given)


def _reasons(given: Mapping[str, Any], by: User) -> dict[str, Any]:
    """What the person asked for; the classification by rule keeps it as the floor."""
    asked = {"category": given["category"], "size": given["size"]}
    reasons: dict[str, Any] = {"asked": asked}
    if given["category"] == Category.EMERGENCY:
        reasons["category"] = [f"{by.name} declared an emergency."]
    if given["size"] == Size.LARGE:
        reasons["size"] = [f"{by.name} asked for a decision of the meeting."]
    return reasons
