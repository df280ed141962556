"""Loads the freezes that a change has met since it was opened, with its overrides. One query when there is none."""

from datetime import datetime, timedelta

from changes.calendar.facts import Span
from changes.calendar.queries import confirmed_overrides, freezes_over
from changes.gates.facts import FreezeFact
from changes.proposals.models import Change

INSTANT = timedelta(microseconds=1)


def freeze_facts(change: Change, *, at: datetime) -> tuple[FreezeFact, ...]:
    """Freezes over the change's repositories from its opening until ``at``, earliest first."""
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
