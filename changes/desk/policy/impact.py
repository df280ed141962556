"""Which open changes would be judged otherwise under other parameters: shown before a version is adopted. Writes nothing."""

from dataclasses import dataclass, replace
from datetime import datetime

from changes.gates.facts import ChangeFacts
from changes.gates.queries import facts_of_all
from changes.gates.verdict import evaluate
from changes.proposals import queries as proposals
from changes.proposals.deriving import classes_of
from changes.proposals.lifecycle import OPEN_STATES, State
from changes.proposals.models import Change, LinkedPullRequest
from portal.access.scope import Scope
from portal.policy.parameters import Parameters

LOOKED_AT = 100
"""The newest open changes that are judged twice; a page that judged thousands would not answer."""
CLASSES = ("category", "kind", "size")


@dataclass(frozen=True)
class Otherwise:
    """One change and what would be different, each as (name, now, then)."""

    change: Change
    differences: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Impact:
    """``looked_at`` of ``open_count`` open changes were judged."""

    changes: list[Otherwise]
    looked_at: int
    open_count: int


def impact_of(*, now: Parameters, then: Parameters, at: datetime, scope: Scope) -> Impact:
    """Judge the newest open changes by both."""
    rows = Change.objects.filter(state__in=[*OPEN_STATES, State.MERGED]).select_related("requester")
    if scope.repositories is not None:
        rows = rows.filter(repository_names__overlap=sorted(scope.repositories))
    looked = list(rows.order_by("-moved_at", "-id")[:LOOKED_AT])
    judged = zip(looked, facts_of_all(looked, at=at), strict=True)
    found = [Otherwise(change, _differences(change, facts, now, then)) for change, facts in judged]
    return Impact([item for item in found if item.differences], len(looked), rows.count())


def _differences(change: Change, facts: ChangeFacts, now: Parameters, then: Parameters) -> tuple[tuple[str, str, str], ...]:
    rows = list(proposals.linked_pull_requests(change))
    work = [row for row in rows if proposals.part_of(row) == LinkedPullRequest.Role.WORK]
    before, after = (classes_of(change, rows=rows, work=work, parameters=each) for each in (now, then))
    gates = zip(
        evaluate(replace(facts, **{name: before[name] for name in CLASSES}), now),
        evaluate(replace(facts, **{name: after[name] for name in CLASSES}), then),
        strict=True,
    )
    classes = [(name.capitalize(), str(before[name]), str(after[name])) for name in CLASSES if before[name] != after[name]]
    states = [(one.name, _words(one.state), _words(other.state)) for one, other in gates if one.state != other.state]
    return (*classes, *states)


def _words(state: str) -> str:
    return str(state).replace("_", " ")
