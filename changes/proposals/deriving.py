"""What follows from the facts about changes: their classes by rule and by people, whether they are routine, and their risk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Func, Value

from changes.delivery.models import PullRequest
from changes.proposals import queries, risk
from changes.proposals.classification import NAMES, Choice, Classification, classify
from changes.proposals.known import PATHS, Known
from changes.proposals.largeness import counted_lines, losing_line
from changes.proposals.measuring import Piece, Touched, is_migration, touched
from changes.proposals.models import Change, ClassChoice
from changes.proposals.paths import any_match
from changes.proposals.routine import Routine, Work, routine_of
from changes.proposals.untouched import Touching, untouched_days
from portal.policy.parameters import Parameters
from portal.rows import update_rows

DERIVED = ("routine", "risk", "risk_points", "risk_level")
"""Fields of a change that follow from the facts and are no evidence."""


def follow_rename(*, was: str, name: str) -> None:
    """A repository has another name: changes are listed under it. What is frozen keeps the name that it had."""
    rows = Change.objects.filter(repository_names__contains=[was])
    rows.update(repository_names=Func(F("repository_names"), Value(was), Value(name), function="array_replace"))


def choices_of(change: Change) -> dict[str, Choice]:
    """The newest word of a person on each class."""
    rows = ClassChoice.objects.filter(change=change).select_related("by").order_by("name", "-id").distinct("name")
    return {row.name: Choice(row.value, row.lowers, row.by.name, row.at, row.reason, tuple(map(str, row.causes))) for row in rows}


def touched_by(rows: Iterable[PullRequest]) -> Touched:
    """What pull requests touch, as far as it was read."""
    return touched(
        Piece(
            paths=row.paths,
            total=None if row.additions is None else row.additions + (row.deletions or 0),
            files=row.files,
            count=row.changed_files,
        )
        for row in rows
    )


def touched_by_pushes(change: Change) -> Touched:
    """What pushes past every pull request touch; nothing is known of a change that has neither."""
    pushes = queries.standing_pushes(change)
    return touched(Piece(paths=push.paths or None, total=None, files=None, count=None) for push in pushes)


def classification_of(
    change: Change,
    *,
    rows: list[PullRequest],
    work: list[PullRequest],
    parameters: Parameters,
    choices: Mapping[str, Choice] | None = None,
) -> Classification:
    """The classes of a change now. ``rows`` are its pull requests, ``work`` those that carry it (maybe none); ``choices`` what
    people said, where the caller knows it."""
    facts = touched_by(work or rows) if rows else touched_by_pushes(change)
    return classify(
        titles=tuple(row.title for row in work) or (change.title,),
        labels=tuple(label for row in work or rows for label in row.labels),
        branches=tuple(row.head_ref for row in work),
        paths=facts.paths,
        changed_lines=facts.total if work else None,
        lines_by_path=facts.lines if work else None,
        new_paths=facts.new,
        migrations=facts.said,
        asked=dict(change.reasons.get("asked", {})),
        choices=choices_of(change) if choices is None else choices,
        parameters=parameters,
    )


def classes_of(
    change: Change,
    *,
    rows: list[PullRequest],
    work: list[PullRequest],
    parameters: Parameters,
    choices: Mapping[str, Choice] | None = None,
) -> dict[str, Any]:
    """The same as ``actions.classify`` takes it: the three classes, and ``reasons`` with what else stands there."""
    found = classification_of(change, rows=rows, work=work, parameters=parameters, choices=choices)
    reasons = {name: getattr(found, f"{name}_reasons") for name in NAMES}
    return {**{name: getattr(found, name) for name in NAMES}, "reasons": {**change.reasons, **reasons}}


def routine_by(work: Iterable[PullRequest], parameters: Parameters) -> Routine:
    """Whether these pull requests are a dependency update that bots made alone."""
    return routine_of((Work(row.author_login, row.commit_people, row.paths) for row in work), parameters)


@dataclass(frozen=True)
class Carried:
    """A change, its pull requests, and those of them that carry it (maybe none)."""

    change: Change
    rows: list[PullRequest]
    work: list[PullRequest]


def keep_derived(*, carried: Carried, known: Known) -> None:
    """Keep on the change whether it is routine and how risky it is. Derived, so no evidence."""
    update_rows(derive(carried=[carried], known=known), names=DERIVED)


def derive(*, carried: Sequence[Carried], known: Known) -> list[Change]:
    """Note on changes, in memory, whether they are routine and how risky they are; writes nothing. Returns those of which
    ``DERIVED`` differs now.

    The risk is that of taking a change to production: once it is there, what was known before stands.
    """
    risky = [one for one in carried if one.change.merged_at is None or not one.change.risk]
    risks = {
        one.change.pk: facts for one, facts in zip(risky, _measured([one.work or one.rows for one in risky], known), strict=True)
    }
    changed = []
    for one in carried:
        values: dict[str, Any] = {"routine": routine_by(one.work, known.parameters).yes}
        if one.change.pk in risks:
            values |= risk_values(one.change, risks[one.change.pk], known.parameters)
        fresh = {name: value for name, value in values.items() if value != getattr(one.change, name)}
        for name, value in fresh.items():
            setattr(one.change, name, value)
        if fresh:
            changed.append(one.change)
    return changed


def risk_values(change: Change, facts: risk.Measured, parameters: Parameters) -> dict[str, Any]:
    """The risk of a change as its fields keep it."""
    answers: Mapping[str, Any] = change.reasons.get("asked", {}).get("answers") or {}
    found = risk.assess(answers, facts, parameters)
    return {"risk": found.as_json(), "risk_points": found.points, "risk_level": found.level}


def measured(*, work: list[PullRequest], known: Known) -> risk.Measured:
    """What the portal knows about the reach and the history of the paths of these pull requests."""
    return _measured([work], known)[0]


def _measured(works: Sequence[list[PullRequest]], known: Known) -> list[risk.Measured]:
    """``measured`` of each of these; the history of all of their paths is asked once."""
    about = [_About(work, touched_by(work)) for work in works]
    days = untouched_days([Touching(one.work, one.looked_for) for one in about], at=known.at)
    failures = known.failures([(one.repositories, one.looked_for) for one in about])
    return [
        replace(_measure(one, known), failures=bad, untouched_days=since)
        for one, bad, since in zip(about, failures, days, strict=True)
    ]


class _About:
    """Pull requests that belong together, and what they touch."""

    def __init__(self, work: list[PullRequest], facts: Touched) -> None:
        self.work, self.facts = work, facts
        self.paths = list(dict.fromkeys(facts.paths or ()))
        self.looked_for = self.paths[:PATHS]
        self.repositories = {row.repository_id: row.repository.name for row in work}


def _measure(about: _About, known: Known) -> risk.Measured:
    """Without the history of the paths."""
    parameters, facts = known.parameters, about.facts
    migrations = tuple(path for path in about.paths if is_migration(path, parameters))
    return risk.Measured(
        files=len(about.paths) if facts.paths is not None else None,
        lines=counted_lines(facts, parameters)[0],
        migrations=migrations,
        destructive=any(losing_line(path, (facts.said or {}).get(path) or (), parameters) for path in migrations),
        repositories=tuple(sorted(about.repositories.values())),
        apps=known.apps_of(about.repositories),
        shared=tuple(path for path in about.paths if any_match(path, parameters.shared_paths)),
    )
