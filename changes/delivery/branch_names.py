"""Names that main and prod had before. Nothing here reads or writes the database.

What is on record of a branch that was renamed is on record under its new name from then on (``renaming``). What a forge still tells
under the old name is taken under the new one, as far as it happened before the rename: an old name can come to mean another branch.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from changes.delivery.facts import PullRequestReported
from changes.delivery.models import Repository

Rename = Mapping[str, Any]


def noted(*, repository: Repository, was: str, name: str, at: datetime) -> list[dict[str, Any]]:
    """``former_branches`` once ``was`` is to be called ``name`` from ``at`` on. The next sweep tells whether it is the same.

    A name that was given and has not been swept yet is replaced.
    """
    renames = [dict(one) for one in repository.former_branches]
    given = next((one for one in renames if one.get("waits") and one["name"] == was), None)
    if given is None:
        return [*renames, {"was": was, "name": name, "until": at.isoformat(), "waits": True}]
    given["name"] = name
    return [one for one in renames if one["was"] != one["name"]]


def waiting(*, repository: Repository) -> list[Rename]:
    """Names that were given and that no sweep has looked for yet."""
    return [one for one in repository.former_branches if one.get("waits")]


def awaits(*, repository: Repository, name: str) -> bool:
    """Whether nobody knows yet if the branch of this name is the one that had another."""
    return any(one["name"] == name for one in waiting(repository=repository))


def decided(*, repository: Repository) -> list[Rename]:
    """Names under which a sweep has found the same branch, the oldest first."""
    return [one for one in repository.former_branches if not one.get("waits")]


def present_name(*, repository: Repository, name: str, at: datetime | None) -> str:
    """What the branch is called now that was called ``name`` at that moment; the name itself when nobody knows the moment."""
    for one in decided(repository=repository):
        if name == one["was"] and at is not None and at <= datetime.fromisoformat(one["until"]):
            name = one["name"]
    return name


def first_name(*, repository: Repository, name: str) -> str:
    """What a branch was called when it came into scope: keys are made of that, so that they outlast a rename."""
    return names_of(repository=repository, name=name)[-1]


def names_of(*, repository: Repository, name: str) -> list[str]:
    """Every name that a branch had, its present one first."""
    found = [name]
    for one in reversed(decided(repository=repository)):
        if found[-1] == one["name"]:
            found.append(one["was"])
    return found


def named_now(*, repository: Repository, fact: PullRequestReported) -> PullRequestReported:
    """A version of a pull request with the present names of its branches, where it was merged before they were renamed."""
    if not repository.former_branches or fact.merged_at is None:
        return fact
    base = present_name(repository=repository, name=fact.base_ref, at=fact.merged_at)
    head = present_name(repository=repository, name=fact.head_ref, at=fact.merged_at)
    return replace(fact, base_ref=base, head_ref=fact.head_ref if fact.head_is_fork else head)
