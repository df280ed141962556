"""Where a change stands on the board, by its state and its gates. Pure; the database keeps the same answer in ``Change.stage``.

A change stands in the first column whose work is not done: nobody drags it there, evidence moves it on.
"""

import re
from dataclasses import dataclass

from django.db.models import Case, CharField, Q, TextChoices, Value, When

from changes.proposals.lifecycle import State

DONE = "[mnc]"
"""Gates that ask for nothing more before production: met, not needed, not connected (``Change.gates``)."""
BEFORE = (State.PROPOSED, State.APPROVED)


class Stage(TextChoices):
    DRAFT = "draft", "Draft"
    REVIEW = "review", "Review"
    MEETING = "meeting", "Meeting"
    STAGING = "staging", "Staging"
    APPROVAL = "approval", "Approval"
    PRODUCTION = "production", "Production"


@dataclass(frozen=True)
class Rule:
    """A column takes a change in one of ``states`` whose twelve letters ``fit`` (or do not, where ``unless`` says so)."""

    stage: Stage
    states: tuple[State, ...]
    fit: str = ""
    unless: str = ""


RULES: tuple[Rule, ...] = (
    Rule(Stage.DRAFT, (State.DRAFT,)),
    Rule(Stage.REVIEW, BEFORE, unless=f"^{DONE}.{DONE}{{4}}"),
    Rule(Stage.MEETING, BEFORE, unless=f"^.{DONE}"),
    Rule(Stage.STAGING, BEFORE, unless=f"^.{{6}}{DONE}"),
    Rule(Stage.APPROVAL, BEFORE, unless=f"^.{{7}}{DONE}"),
    Rule(Stage.PRODUCTION, (*BEFORE, State.MERGED)),
    Rule(Stage.PRODUCTION, (State.RELEASED, State.ROLLED_BACK), fit="^.{11}[wf]"),
)
"""The first rule that holds says the column. None holds for what is over: closed, withdrawn, released and reviewed."""

ENTERS: dict[Stage, str] = {
    Stage.DRAFT: "Not proposed yet.",
    Stage.REVIEW: "Proposed; text, pull request, review, checks or way back are not complete.",
    Stage.MEETING: "Reviewed and large: the meeting decides.",
    Stage.STAGING: "Ready for staging: release it there and sign it off.",
    Stage.APPROVAL: "Proved in staging: somebody who took no part approves it.",
    Stage.PRODUCTION: "Approved or merged; leaves once it is released and reviewed.",
}
"""What brings a change into each column, for the reader of the board."""


def stage_of(*, state: str, gates: str) -> str:
    """The column of a change; empty when it is on none."""
    return next((rule.stage.value for rule in RULES if _holds(rule, state, gates)), "")


def _holds(rule: Rule, state: str, gates: str) -> bool:
    if state not in rule.states or (rule.fit and not re.search(rule.fit, gates)):
        return False
    return not (rule.unless and re.search(rule.unless, gates))


def stage_expression() -> Case:
    """The same rules for the database, which computes the column whenever state or gates change."""
    branches = [When(_condition(rule), then=Value(rule.stage.value)) for rule in RULES]
    return Case(*branches, default=Value(""), output_field=CharField(max_length=12))


def _condition(rule: Rule) -> Q:
    condition = Q(state__in=[state.value for state in rule.states])
    if rule.fit:
        condition &= Q(gates__regex=rule.fit)
    return condition & ~Q(gates__regex=rule.unless) if rule.unless else condition
