"""The check run at the forge: one on each head, about every change that the head carries.

A forge looks at the newest run of a name alone, so one run for each change of a promotion would let a ready change speak for
one that is not. The text is put together once when it is asked for and again when it is delivered: two changes of one head
that are judged at the same moment do not see each other's judgement before both are committed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from changes.delivery.models import MergeGroup, PullRequest, Repository
from changes.gates.gate import Code
from changes.proposals.models import Change, LinkedPullRequest
from changes.proposals.queries import CARRYING
from portal.outbox.actions import enqueue

KIND = "github.check_run"
CHECK_NAME = "Countersign"
BEFORE_MAIN = (Code.PULL_REQUEST, Code.REVIEW, Code.CI)
"""Gates of what goes into main (P-09); whatever comes after them cannot be met before that merge."""
DONE = ("met", "not_needed")


def publish(*, change: Change, at: datetime) -> None:
    """Ask for the check run on every open head of the change, and on what a merge queue made of it, as last judged."""
    links = LinkedPullRequest.objects.filter(change=change, role__in=CARRYING)
    rows = PullRequest.objects.filter(pk__in=links.values("pull_request"), state=PullRequest.State.OPEN).select_related(
        "repository"
    )
    for repository, sha in heads_of(list(rows.order_by("id"))):
        ask_for(repository=repository, sha=sha, at=at)


def ask_for(*, repository: Repository, sha: str, at: datetime) -> None:
    """Ask for the check run on one head. Without any judgement there is nothing to say yet; the first one says it."""
    run = run_of(repository=repository, sha=sha)
    if run is not None:
        subject = f"{repository.forge}:{repository.name}:{sha}"
        enqueue(kind=KIND, key=f"check:{subject}:{int(at.timestamp() * 1_000_000)}", subject=subject, at=at, payload=run)


def heads_of(rows: Sequence[PullRequest]) -> list[tuple[Repository, str]]:
    """Where the check of these open pull requests has to stand: their own heads, and the heads of queues that try them."""
    found = {(row.repository_id, row.head_sha): row.repository for row in rows}
    for row in rows:
        tried = MergeGroup.objects.filter(repository=row.repository, numbers__contains=[row.number], state=MergeGroup.State.OPEN)
        found |= {(row.repository_id, sha): row.repository for sha in tried.values_list("head_sha", flat=True)}
    return [(repository, sha) for (_, sha), repository in found.items()]


def run_of(*, repository: Repository, sha: str) -> dict[str, Any] | None:
    """What the check run on a head says now; None when no change on it has been judged."""
    rows = list(_on_head(repository, sha))
    changes = _changes_on(rows)
    if not changes:
        return None
    into_main = bool(rows) and all(row.base_ref == repository.main_branch for row in rows)
    open_ones = [change for change in changes if not _is_ready(change, into_main=into_main)]
    return {
        "repository": repository.name,
        "head_sha": sha,
        "external_id": str(changes[0]),
        "name": CHECK_NAME,
        "status": "in_progress" if open_ones else "completed",
        "conclusion": "" if open_ones else "success",
        "title": _title(changes, open_ones, into_main=into_main),
        "summary": _summary(changes),
        "details_url": address_of((open_ones or changes)[0]),
    }


def _on_head(repository: Repository, sha: str) -> QuerySet[PullRequest]:
    """The open pull requests with this head, or those that a merge queue tries with it."""
    ours = PullRequest.objects.filter(repository=repository, state=PullRequest.State.OPEN)
    groups = MergeGroup.objects.filter(repository=repository, head_sha=sha).values_list("numbers", flat=True)
    numbers = [number for tried in groups for number in tried]
    return (ours.filter(head_sha=sha) | ours.filter(number__in=numbers)).order_by("id")


def _changes_on(rows: Iterable[PullRequest]) -> list[Change]:
    """The judged changes of these pull requests, the first linked first, so that the run keeps its key."""
    links = LinkedPullRequest.objects.filter(pull_request__in=[row.pk for row in rows], role__in=CARRYING)
    numbers = list(dict.fromkeys(links.order_by("id").values_list("change_id", flat=True)))
    found = Change.objects.in_bulk(numbers)
    return [found[pk] for pk in numbers if found[pk].assessment]


def _is_ready(change: Change, *, into_main: bool) -> bool:
    """Whether nothing stands in the way of the merge that the head is for."""
    kept: Mapping[str, Any] = change.assessment or {}
    if not into_main:
        return bool(kept.get("tone") == "ok")
    states = {gate["code"]: gate["state"] for gate in kept.get("gates", [])}
    return all(states.get(code) in DONE for code in BEFORE_MAIN)


def _title(changes: Sequence[Change], open_ones: Sequence[Change], *, into_main: bool) -> str:
    if len(changes) > 1:
        return f"{len(open_ones)} of {len(changes)} changes not ready." if open_ones else f"All {len(changes)} changes are ready."
    if into_main:
        return "Not ready for main." if open_ones else "Ready for main."
    return str((changes[0].assessment or {}).get("headline", ""))


def _summary(changes: Sequence[Change]) -> str:
    """Each change with its sentence, and its gates as a table."""
    parts = []
    for change in changes:
        kept: Mapping[str, Any] = change.assessment or {}
        lead = f"[{change}]({address_of(change)}) {kept.get('headline', '')} " if len(changes) > 1 else ""
        parts.append(f"{lead}{kept.get('sentence', '')}\n\n{_table(kept.get('gates', []))}")
    return "\n\n".join(parts)


def _table(gates: Iterable[Mapping[str, Any]]) -> str:
    rows = [f"| {gate['number']} | {gate['name']} | {gate['state'].replace('_', ' ')} | {gate['reason']} |" for gate in gates]
    return "\n".join(["| | Gate | State | Why |", "|---|---|---|---|", *rows])


def address_of(change: Change) -> str:
    """The page of a change, from outside."""
    return f"{settings.BASE_URL}/changes/{change.number}/"
