"""A branch that got another name: what is on record under the old one is on record under the new one (P-02, P-08).

Whoever runs the portal says the new name; whether it is the same branch, Git tells at the next sweep. It is, if the two still were
one when the scope began, or later: what they have in common was brought by pull requests into the old name. Whatever the new one
holds beside that comes new on record, and counts whatever date it carries. Another branch begins with a history of its own.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from changes.delivery import git
from changes.delivery.branch_names import decided, waiting
from changes.delivery.models import BranchCommit, PullRequest, Push, Repository
from changes.delivery.population import BATCH
from changes.delivery.rule_models import BranchRules
from portal.ledger.actions import append


def follow_branch_names(*, repository: Repository, folder: Path, at: datetime) -> int:
    """Decide about each new name that the mirror in ``folder`` has by now. Returns how many were decided.

    To be called before the branches are recorded, by one worker at a time. A name that is not there yet waits.
    """
    there = [one for one in waiting(repository=repository) if git.tip(folder=folder, branch=one["name"]) is not None]
    for rename in there:
        _decide(repository, rename, folder, at)
    return len(there)


@transaction.atomic
def _decide(repository: Repository, rename: Mapping[str, Any], folder: Path, at: datetime) -> None:
    locked = Repository.objects.select_for_update().get(pk=repository.pk)
    was, name = rename["was"], rename["name"]
    common = _newest_in_common(locked, was, name, folder)
    same = _is_same(locked, was, common)
    # What went into it before it was guarded is looked at now.
    PullRequest.objects.filter(repository=locked, base_ref=name).update(touched_at=at)
    moved = _move(locked, was, name, datetime.fromisoformat(rename["until"])) if same else {}
    now = [{"was": was, "name": name, "until": rename["until"]}] if same else []
    locked.former_branches = [*decided(repository=locked), *now, *(one for one in waiting(repository=locked) if one != rename)]
    locked.save(update_fields=["former_branches"])
    repository.former_branches = locked.former_branches
    sha = common.sha if common is not None else ""
    append(
        stream=f"repository:{locked.pk}",
        kind="repository.branch_renamed" if same else "repository.branch_replaced",
        actor="portal",
        fact={"name": locked.name, "branch": name, "was": was, "common": sha, **moved, "at": at.isoformat()},
        rows=[],
    )


def _newest_in_common(repository: Repository, was: str, name: str, folder: Path) -> BranchCommit | None:
    """The newest commit of ``name`` that is on record of ``was``."""
    recorded = BranchCommit.objects.filter(repository=repository, branch=was).order_by("-position")
    shas = git.first_parent_shas(folder=folder, branch=name)
    while batch := list(islice(shas, BATCH)):
        found = recorded.filter(sha__in=batch).first()
        if found is not None:
            return found
    return None


def _is_same(repository: Repository, was: str, common: BranchCommit | None) -> bool:
    """Whether the two parted after the scope began, or not at all. One of which nothing is on record may well be the same."""
    recorded = BranchCommit.objects.filter(repository=repository, branch=was)
    if common is None:
        return not recorded.exists()
    newest = recorded.order_by(F("gone_at").desc(nulls_first=True), "-position")[0]
    first = recorded.order_by("position", "seen_at")[0]
    return common.pk == newest.pk or common.committed_at >= repository.in_scope_from or common.seen_at > first.seen_at


def _move(repository: Repository, was: str, name: str, until: datetime) -> dict[str, int]:
    """Put what is on record of ``was`` under ``name``. A commit, or a push, that stands there already stays where it is."""
    there = BranchCommit.objects.filter(repository=repository, branch=name, sha=OuterRef("sha"))
    commits = BranchCommit.objects.filter(~Exists(there), repository=repository, branch=was).update(branch=name)
    merged = PullRequest.objects.filter(repository=repository, state=PullRequest.State.MERGED, merged_at__lte=until)
    requests = merged.filter(base_ref=was).update(base_ref=name)
    merged.filter(head_ref=was, head_is_fork=False).update(head_ref=name)
    same = {one: OuterRef(one) for one in ("before", "after", "pushed_at")}
    twins = Push.objects.filter(repository=repository, branch=name, **same)
    told = Push.objects.filter(~Exists(twins), repository=repository, branch=was, pushed_at__lte=until)
    pushes = told.update(branch=name)
    if not BranchRules.objects.filter(repository=repository, branch=name).exists():
        BranchRules.objects.filter(repository=repository, branch=was).update(branch=name)
    return {"commits": commits, "pull_requests": requests, "pushes": pushes}
