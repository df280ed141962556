"""A proposal from the form: opened, classified by its answers, and put up for review when it is ready; edited by its author."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from changes.proposals import actions, queries, risk
from changes.proposals.classification import NAMES, Classification, classify, rank_of
from changes.proposals.deriving import Carried, classes_of, keep_derived
from changes.proposals.digest import revision_digest
from changes.proposals.drafts import drop_draft
from changes.proposals.forms import asked_in
from changes.proposals.known import Known
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change, LinkedPullRequest, Revision
from changes.proposals.moving import stream_of
from changes.proposals.sections import texts_in
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.policy.refusal import Refused, Stale

EDITABLE = (State.DRAFT, State.PROPOSED, State.APPROVED)


class SentBefore(Stale):
    """This very form was sent before, with other words in it: ``revision`` is what it became."""

    def __init__(self, revision: Revision) -> None:
        self.revision = revision
        super().__init__(f"This form was sent already and became {revision}.")


class Overtaken(Stale):
    """Somebody saved another revision after the form was opened: ``present`` is what stands now."""

    def __init__(self, present: Revision) -> None:
        self.present = present
        super().__init__(f"Somebody saved {present} meanwhile.")


@transaction.atomic
def submit(*, given: Mapping[str, Any], by: User, ready: bool, at: datetime, form_key: UUID | None = None) -> Change:
    """A new change from the form's cleaned answers; ``ready`` puts it up for review at once.

    The same form sent twice is one change. Raises ``SentBefore`` when it was sent before with another text.
    """
    before = _sent(form_key, given)
    if before is not None:
        return before.change
    asked = asked_in(given)
    _check_category(asked, by, at)
    found = classes_by_answers(title=str(given["title"]), asked=asked, parameters=parameters_at(at))
    try:
        with transaction.atomic():
            change = actions.open_change(
                texts=texts_in(given),
                source="form",
                at=at,
                by=by,
                actor=actor_of(by),
                classified={**_classes(found, asked, by), **_risk(asked)},
                form_key=form_key,
            )
    except IntegrityError:
        before = _sent(form_key, given)
        if before is None:
            raise
        return before.change
    if ready:
        actions.move(change=change, verb="propose", actor=actor_of(by), at=at, fact={"by": by.name})
    _drop(by, form_key)
    return change


@transaction.atomic
def resubmit(
    *,
    change: Change,
    given: Mapping[str, Any],
    by: User,
    at: datetime,
    form_key: UUID | None = None,
    seen: int | None = None,
) -> Revision:
    """A new revision from the form. Only the requester or the architecture team edits, and only before the merge.

    ``seen`` is the revision that was being edited: raises ``Overtaken`` when another one stands meanwhile. The same form
    sent twice is one revision. Raises ``SentBefore`` when it was sent before with another text.
    """
    locked = queries.locked(change.pk)
    before = _sent(form_key, given)
    if before is not None:
        return before
    check_editor(change=locked, by=by, at=at)
    present = queries.current_revision(locked)
    if seen is not None and seen != present.number:
        raise Overtaken(present)
    asked, stood = asked_in(given), dict(locked.reasons.get("asked", {}))
    _check_category(asked, by, at)
    if locked.state != State.DRAFT:
        _check_not_lowered(stood, asked)
    revision = actions.revise(
        change=locked, texts=texts_in(given), source="form", at=at, by=by, actor=actor_of(by), form_key=form_key
    )
    if asked != stood:
        _answer_anew(locked, asked, stood, by, at)
    _drop(by, form_key)
    change.refresh_from_db()
    return revision


def check_editor(*, change: Change, by: User, at: datetime) -> None:
    """May ``by`` edit the text here and now? Raises ``Refused`` or ``Stale``."""
    if change.opened_by != "form":
        raise Refused(Clause.STARTS_AS_PULL_REQUEST, "This text comes from the pull request.", "Edit its description there.")
    if change.requester_id != by.pk and not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, "Only the requester or the architecture team edits a proposal.")
    if change.state not in EDITABLE:
        raise Stale(f"{change} is {State(change.state).label.lower()}; its text stands.")


def classes_by_answers(*, title: str, asked: Mapping[str, Any], parameters: Parameters) -> Classification:
    """The classes of a change that has no pull request yet, by what its requester says."""
    return classify(titles=(title,), labels=(), paths=None, changed_lines=None, asked=asked, parameters=parameters)


def _sent(form_key: UUID | None, given: Mapping[str, Any]) -> Revision | None:
    """What this form became when it was sent before; None when it was not. Raises ``SentBefore`` when the text is another."""
    row = Revision.objects.filter(form_key=form_key).select_related("change").first() if form_key else None
    if row is not None and row.digest != revision_digest(**texts_in(given)):
        raise SentBefore(row)
    return row


def _drop(by: User, form_key: UUID | None) -> None:
    if form_key is not None:
        drop_draft(person=by, form_key=form_key)


def _check_category(asked: Mapping[str, Any], by: User, at: datetime) -> None:
    if asked["category"] == Category.EMERGENCY and not may_at(by, P.EMERGENCY_DECLARE, at=at):
        raise Refused(Clause.EMERGENCY_COORDINATED, f"{by.name} may not declare an emergency.")


def _check_not_lowered(stood: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """What was asked for while others looked at it is lowered in sight of them, with a reason, and not by an edit (P-05)."""
    for name in NAMES:
        if stood.get(name) and rank_of(name, str(asked.get(name, ""))) < rank_of(name, str(stood[name])):
            raise Refused(
                Clause.CATEGORY,
                f"The {name} that was asked for, {stood[name]}, is not lowered by an edit.",
                "Somebody who oversees changes lowers it on the page of the change, with a reason.",
            )


def _answer_anew(change: Change, asked: dict[str, Any], stood: dict[str, Any], by: User, at: datetime) -> None:
    """Keep what the requester says now, on record, and class the change by it."""
    change.reasons = {**change.reasons, "asked": asked}
    change.save(update_fields=["reasons"])
    append(
        stream=stream_of(change),
        kind="change.answered",
        actor=actor_of(by),
        fact={"by": by.name, "before": stood, "now": asked, "at": at.isoformat()},
        rows=[change],
    )
    rows = list(queries.linked_pull_requests(change))
    work = [row for row in rows if queries.part_of(row) == LinkedPullRequest.Role.WORK]
    known = Known(at=at)
    values = classes_of(change, rows=rows, work=work, parameters=known.parameters)
    actions.classify(change=change, values=values, actor=actor_of(by), at=at)
    keep_derived(carried=Carried(change, rows, work), known=known)


def _classes(found: Classification, asked: Mapping[str, Any], by: User) -> dict[str, Any]:
    """The classes of a new change with their reasons; ``asked`` stays with them as the floor of later classing."""
    reasons: dict[str, Any] = {name: getattr(found, f"{name}_reasons") for name in NAMES}
    if found.category == Category.EMERGENCY:
        reasons["category"] = [f"{by.name} declared an emergency."]
    return {**{name: getattr(found, name) for name in NAMES}, "reasons": {**reasons, "asked": dict(asked)}}


def _risk(asked: Mapping[str, Any]) -> dict[str, Any]:
    found = risk.assess(asked.get("answers") or {}, risk.Measured())
    return {"risk": found.as_json(), "risk_points": found.points, "risk_level": found.level}
