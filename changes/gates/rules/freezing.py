"""Freezes: which one holds a change at a moment, and which only has to be told (P-08, P-22)."""

from collections.abc import Iterator
from datetime import datetime

from changes.gates.facts import ChangeFacts, FreezeFact
from changes.gates.reading import is_emergency, listed, moment
from portal.policy.parameters import Parameters

OVERRIDERS = "After it, or once two people have overridden it on the change's page."


def holding(facts: ChangeFacts, parameters: Parameters, *, environment: str, repository: str, at: datetime) -> FreezeFact | None:
    """The hard freeze that holds the change back at ``at``, the longest of several; None when none does.

    An override counts from the moment of its second yes. A declared emergency goes out on its +1, unless the parameters say
    otherwise; one that only the portal found is held like everything else.
    """
    if passes(facts, parameters):
        return None
    hard = [freeze for freeze in _in_force(facts, environment, repository, at) if freeze.hard and not _overridden(freeze, at)]
    return max(hard, key=lambda freeze: freeze.ends_at, default=None)


def passes(facts: ChangeFacts, parameters: Parameters) -> bool:
    """Whether freezes do not hold this change at all."""
    return is_emergency(facts) and facts.declared and not parameters.freezes_hold_emergencies


def remarks_on(facts: ChangeFacts, parameters: Parameters, *, environment: str, repository: str, at: datetime) -> list[str]:
    """What has to be told about freezes that do not hold the change: each one, as a sentence without its full stop."""
    return [
        _remark(freeze, at) for freeze in _in_force(facts, environment, repository, at) if _lets_pass(freeze, facts, parameters, at)
    ]


def _lets_pass(freeze: FreezeFact, facts: ChangeFacts, parameters: Parameters, at: datetime) -> bool:
    return not freeze.hard or _overridden(freeze, at) or passes(facts, parameters)


def _remark(freeze: FreezeFact, at: datetime) -> str:
    if not freeze.hard:
        return f"the soft freeze {freeze.name} asks to wait until {moment(freeze.ends_at)}"
    if _overridden(freeze, at):
        return f"the freeze {freeze.name} was overridden by {listed(freeze.overridden_by)}"
    return f"the freeze {freeze.name} does not hold emergencies"


def _in_force(facts: ChangeFacts, environment: str, repository: str, at: datetime) -> Iterator[FreezeFact]:
    for freeze in facts.freezes:
        if environment in freeze.environments and repository in freeze.repositories and freeze.starts_at <= at < freeze.ends_at:
            yield freeze


def _overridden(freeze: FreezeFact, at: datetime) -> bool:
    return freeze.overridden_at is not None and freeze.overridden_at <= at
