"""Loads the freezes that changes have met since they were opened, with their overrides. One query when there is none."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from changes.calendar.facts import Span
from changes.calendar.queries import confirmed_overrides, freezes_over, freezes_within
from changes.gates.facts import FreezeFact
from changes.proposals.models import Change

INSTANT = timedelta(microseconds=1)


def freeze_facts(changes: Sequence[Change], *, at: datetime) -> dict[int, tuple[FreezeFact, ...]]:
    """By change: freezes over its repositories from its opening until ``at``, earliest first. Those that met none are left out."""
    first = min((change.opened_at for change in changes), default=at)
    if not freezes_within(span=Span(first, at + INSTANT)).exists():
        return {}
    found = {change.pk: _met(change, at) for change in changes}
    return {pk: facts for pk, facts in found.items() if facts}


def _met(change: Change, at: datetime) -> tuple[FreezeFact, ...]:
    met = freezes_over(repositories=change.repository_names, span=Span(change.opened_at, at + INSTANT))
    given = {row.freeze_id: row for row in confirmed_overrides(change)} if met else {}
    return tuple(
        FreezeFact(
            name=freeze.name,
            hard=freeze.hard,
            starts_at=freeze.span.starts_at,
            ends_at=freeze.span.ends_at,
            environments=tuple(sorted(freeze.environments)),
            repositories=tuple(sorted(covered)),
            overridden_at=given[freeze.pk].answer.at if freeze.pk in given else None,
            overridden_by=(given[freeze.pk].proposed_by.name, given[freeze.pk].answer.by.name) if freeze.pk in given else (),
        )
        for freeze, covered in met
    )
