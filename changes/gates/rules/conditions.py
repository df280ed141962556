"""Conditions of an approval as parts of the gates: before the merge in gate 8, before the release in 10, afterwards in 12."""

from dataclasses import replace
from datetime import datetime

from changes.gates.facts import ChangeFacts, ConditionFact, GateState
from changes.gates.gate import Evidence, Judgement, met, open_or_failed
from changes.gates.reading import deployed_at, into_prod, moment

MERGE, RELEASE, AFTER = "merge", "release", "after"
TO_CONFIRM = "to_confirm"
SHOWN = 80
"""Letters of a condition inside a sentence; its whole text stands on the page."""


def before_merge(facts: ChangeFacts) -> list[Judgement]:
    """What had to be done before the first merge to prod, or the first push past it."""
    moments = [pr.merged_at for pr in into_prod(facts) if pr.merged_at] + [push.at for push in facts.direct_pushes]
    deadline = min(moments, default=None)
    return [_by(item, deadline) for item in _counting(facts, MERGE, deadline)]


def before_release(facts: ChangeFacts) -> list[Judgement]:
    """What had to be done before the first release to production began. Once merged, what is open holds the release."""
    deadline = deployed_at(facts)
    parts = [_by(item, deadline) for item in _counting(facts, RELEASE, deadline)]
    merged = any(pr.merged_at for pr in into_prod(facts))
    return [replace(part, held=merged) if part.state == GateState.WAITING else part for part in parts]


def afterwards(facts: ChangeFacts) -> list[Judgement]:
    """What is done after the release, until its due date."""
    return [_until_due(item, facts.as_of) for item in _counting(facts, AFTER, None)]


def _counting(facts: ChangeFacts, before: str, deadline: datetime | None) -> list[ConditionFact]:
    """Those whose approval counts: now, or at the deadline when it has lapsed since."""
    return [
        item
        for item in facts.conditions
        if item.before == before and (item.ended_at is None or (deadline is not None and item.ended_at > deadline))
    ]


def _by(item: ConditionFact, deadline: datetime | None) -> Judgement:
    if item.done_at is not None and (deadline is None or item.done_at <= deadline):
        return _done(item)
    return _missing(item, late=deadline is not None)


def _until_due(item: ConditionFact, now: datetime) -> Judgement:
    if item.done_at is None:
        return _missing(item, late=now > item.due_at)
    if item.done_at > item.due_at:
        reason = f"{_named(item)}: done at {moment(item.done_at)}, but it was due {moment(item.due_at)}"
        return open_or_failed(late=True, reason=reason, who="", evidence=(_mark(item),))
    return _done(item)


def _done(item: ConditionFact) -> Judgement:
    return met(f"{_named(item)}: done", _mark(item))


def _missing(item: ConditionFact, *, late: bool) -> Judgement:
    what = "is not confirmed" if item.state == TO_CONFIRM else "is not done"
    who = item.set_by.name if item.state == TO_CONFIRM else item.owner.name
    act = "confirms it" if item.state == TO_CONFIRM else f"does it until {moment(item.due_at)} and says so"
    return open_or_failed(
        late=late,
        reason=f"{_named(item)} {what}{'' if late else ' yet'}",
        who=f"{who} {act} on the change's page.",
        evidence=(_mark(item),),
    )


def _named(item: ConditionFact) -> str:
    text = " ".join(item.text.split())
    return f"Condition of {item.set_by.name} “{text if len(text) <= SHOWN else f'{text[: SHOWN - 1]}…'}”"


def _mark(item: ConditionFact) -> Evidence:
    return Evidence(f"Condition {item.number}", f"condition:{item.number}")
