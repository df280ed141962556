"""Loads whether the people involved in a change are trained on the policy (P-28)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from changes.delivery.actor import Actor
from changes.gates.facts import ChangeFacts, TrainingFact
from changes.gates.reading import contributors, merger
from changes.gates.rules.training import TRAINING
from changes.training import queries
from changes.training.facts import Standing


def with_training(found: Sequence[ChangeFacts], *, moments: Sequence[datetime]) -> list[ChangeFacts]:
    """The facts of changes with everybody's training, of each as of its moment; as they are, with one query for each different
    moment, while no course was published."""
    asked: dict[datetime, list[ChangeFacts]] = {}
    for facts, moment in zip(found, moments, strict=True):
        asked.setdefault(moment, []).append(facts)
    known = {moment: _trained_at(those, moment) for moment, those in asked.items()}
    return [_with(facts, known[moment]) for facts, moment in zip(found, moments, strict=True)]


@dataclass(frozen=True)
class _Trained:
    """Who is trained at a moment, by person, and whether the policy then had a course."""

    standings: Mapping[int, Standing]
    connected: bool


def _trained_at(found: Iterable[ChangeFacts], at: datetime) -> _Trained | None:
    taught = queries.lessons(at=at)
    people = sorted({pk for facts in found for pk in _people(facts)})
    if not taught.called or not people:
        return None
    members = queries.members(at=at, people=people, taught=taught)
    return _Trained({member.person.pk: member.standing for member in members}, taught.connected)


def _with(facts: ChangeFacts, trained: _Trained | None) -> ChangeFacts:
    people = _people(facts)
    if trained is None or not people:
        return facts
    found = [(people[pk], trained.standings[pk]) for pk in sorted(people) if pk in trained.standings]
    return replace(
        facts,
        training=tuple(TrainingFact(actor, standing.current, standing.why, standing.since) for actor, standing in found),
        connected=facts.connected | ({TRAINING} if trained.connected else set()),
    )


def _people(facts: ChangeFacts) -> dict[int, Actor]:
    people: dict[int, Actor] = {}
    for actor in involved(facts):
        if actor.person is not None and not actor.bot:
            people.setdefault(actor.person, actor)
    return people


def involved(facts: ChangeFacts) -> Iterator[Actor]:
    """Who made it, asked for it, approved it, tested it and merged it."""
    yield from contributors(facts)
    yield facts.requester
    yield from (item.by for item in facts.approvals if not item.lapsed)
    yield from (item.by for item in facts.sign_offs)
    yield from (who for pr in facts.pull_requests if (who := merger(pr) or pr.merged_by) is not None)
