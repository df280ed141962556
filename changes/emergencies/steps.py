"""The steps of an emergency, as sentences with names that make each one unique. Read from the records, in their order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from changes.emergencies.models import Answer, Emergency
from changes.gates.facts import GateState
from changes.gates.reading import moment
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, Change, ReviewAfter

APPROVAL_GATE = 8
WHERE = {"portal": "in the portal", "slack": "in Slack"}
OUTCOMES = {"went_well": "it went well", "partly": "partly", "failed": "it failed"}


@dataclass(frozen=True)
class Step:
    """One thing that happened; ``at`` orders it."""

    name: str
    text: str
    at: datetime


def steps_of(emergency: Emergency) -> list[Step]:
    """Every step so far, oldest first. Four queries at most."""
    change = emergency.change
    words = list(change.approvals.filter(verdict=Approval.Verdict.YES).select_related("by", "lapse").order_by("id"))
    found = [*_of_words(words), *_by_review(change, words), *_of_production(change), *_of_reviews(change), *_of_answers(emergency)]
    return sorted(found, key=lambda step: step.at)


def _of_words(words: list[Approval]) -> Iterator[Step]:
    for row in words:
        note = f" “{row.note}”" if row.note.strip() else ""
        yield Step(f"word-{row.pk}", f"+1 by {row.by.name} {WHERE.get(row.via, '')}.{note}", row.at)
        if hasattr(row, "lapse"):
            yield Step(f"lapse-{row.pk}", f"The +1 of {row.by.name} no longer counts: {row.lapse.reason}.", row.lapse.at)


def _by_review(change: Change, words: list[Approval]) -> Iterator[Step]:
    """A +1 that was given as an approving review of the pull request."""
    gates = (change.assessment or {}).get("gates", [])
    gate = next((gate for gate in gates if gate["number"] == APPROVAL_GATE), None)
    if gate and gate["state"] == GateState.MET and not any(not hasattr(row, "lapse") for row in words):
        yield Step("review", gate["reason"], change.gates_at or change.moved_at)


def _of_production(change: Change) -> Iterator[Step]:
    if change.merged_at is not None:
        yield Step(f"merged-{change.merged_at:%Y%m%d%H%M%S}", f"In prod since {moment(change.merged_at)}.", change.merged_at)
        if change.retrospective_due_at is not None:
            yield Step(f"due-{change.retrospective_due_at:%Y%m%d%H%M%S}", _due(change), change.merged_at)
    if change.released_at is not None:
        text = f"Released to production at {moment(change.released_at)}."
        yield Step(f"released-{change.released_at:%Y%m%d%H%M%S}", text, change.released_at)
    if change.state == State.ROLLED_BACK:
        release = change.released_at or change.merged_at or change.moved_at
        yield Step(f"rolled-back-{release:%Y%m%d%H%M%S}", "Rolled back to an earlier release.", change.moved_at)
    if change.state == State.WITHDRAWN:
        yield Step("withdrawn", "The change was withdrawn.", change.moved_at)


def _due(change: Change) -> str:
    parts = ["Afterwards: the retrospective review, by somebody who took no part"]
    parts.append(f", is due {moment(change.retrospective_due_at)}" if change.retrospective_due_at else " is due")
    parts.append(f"; the post-implementation review {moment(change.review_due_at)}." if change.review_due_at else ".")
    return "".join(parts)


def _of_reviews(change: Change) -> Iterator[Step]:
    for row in change.reviews_after.select_related("by").order_by("id"):
        name = ReviewAfter.Kind(row.kind).label
        yield Step(f"after-{row.pk}", f"{name} by {row.by.name}: {OUTCOMES.get(row.outcome, row.outcome)}.", row.at)


def _of_answers(emergency: Emergency) -> Iterator[Step]:
    for row in Answer.objects.filter(ask__emergency=emergency).select_related("by").order_by("id"):
        yield Step(f"answer-{row.pk}", f"{row.by.name} gave the reason: {row.text[:600]}", row.at)
