"""Loads whether the people involved in a change are trained on the policy (P-28)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from changes.delivery.actor import Actor
from changes.gates.facts import ChangeFacts, TrainingFact
from changes.gates.reading import contributors, merger
from changes.gates.rules.training import TRAINING
from changes.training import queries


def with_training(facts: ChangeFacts, *, at: datetime) -> ChangeFacts:
    """The facts with everybody's training as of ``at``; as they are, with one query, while no course was published."""
    people: dict[int, Actor] = {}
    for actor in involved(facts):
        if actor.person is not None and not actor.bot:
            people.setdefault(actor.person, actor)
    taught = queries.lessons(at=at)
    if not taught.called or not people:
        return facts
    members = sorted(queries.members(at=at, people=list(people), taught=taught), key=lambda member: member.person.pk)
    found = [(people[member.person.pk], member.standing) for member in members]
    return replace(
        facts,
        training=tuple(TrainingFact(actor, standing.current, standing.why, standing.since) for actor, standing in found),
        connected=facts.connected | ({TRAINING} if taught.connected else set()),
    )


def involved(facts: ChangeFacts) -> Iterator[Actor]:
    """Who made it, asked for it, approved it, tested it and merged it."""
    yield from contributors(facts)
    yield facts.requester
    yield from (item.by for item in facts.approvals if not item.lapsed)
    yield from (item.by for item in facts.sign_offs)
    yield from (who for pr in facts.pull_requests if (who := merger(pr) or pr.merged_by) is not None)
