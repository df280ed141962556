"""Repositories and their environments for the inventory (P-23): what the last reading of each showed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from changes.connectors.models import Source
from changes.delivery.models import Environment, Repository
from changes.delivery.rules import newest
from changes.exceptions.intervals import lasting
from changes.inventory.actions import observe
from changes.inventory.facts import Seen

REPOSITORY, ENVIRONMENT = "github.repository", "github.environment"


def observe_repositories(*, source: Source, at: datetime) -> None:
    """Every repository in scope that can be read, under its number. One that cannot be read any more is gone."""
    rows = Repository.objects.filter(forge=source.kind, in_scope_until=None, vendor_id__isnull=False).order_by("id")
    seen = [_repository(row) for row in rows if not lasting(prefix=unreadable(row)).exists()]
    observe(source=source.name, kinds=[REPOSITORY], seen=seen, at=at)


def unreadable(repository: Repository) -> str:
    """The name under which it is watched whether a repository can be read (``exceptions.intervals``)."""
    return f"{repository.key}:unreadable"


def _repository(row: Repository) -> Seen:
    snapshot = newest(repository=row, subject="repository")
    settings: Mapping[str, Any] = snapshot.rules if snapshot is not None else {}
    branches = {"main_branch": row.main_branch, "prod_branch": row.prod_branch}
    return Seen(kind=REPOSITORY, external_id=str(row.vendor_id), name=row.name, configuration={**settings, **branches})


def observe_environments(
    *, source: Source, repository: Repository, environments: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], at: datetime
) -> None:
    """The environments of one repository, each with what guards it."""
    if repository.vendor_id is None:
        return
    within = str(repository.vendor_id)
    seen = [_environment(row, guard, within) for row, guard in environments if isinstance(row.get("id"), int)]
    observe(source=source.name, kinds=[ENVIRONMENT], within=within, seen=seen, at=at)


def _environment(row: Mapping[str, Any], guard: Mapping[str, Any], within: str) -> Seen:
    name = str(row.get("name", ""))
    known = name.lower() if name.lower() in Environment.values else ""
    return Seen(
        kind=ENVIRONMENT, external_id=str(row["id"]), name=name, environment=known, within=within, configuration=dict(guard)
    )
