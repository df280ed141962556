"""Changes that reached production, each with its pull requests, commits, releases, messages and frozen verdict."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Func, JSONField, QuerySet, Value

from audits.populations.facts import IDS, TIME, Asked, Column, Kind, Row, ids, moment
from audits.populations.reading.pieces import pieces
from changes.delivery.models import Environment, Release
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.gates.models import Verdict
from changes.proposals import models as proposals
from changes.proposals.models import Change, LinkedPullRequest, LinkedPush

OUTCOMES = {"compliant": "Compliant", "not_compliant": "Not compliant", "unproven": "Unproven", "": "No verdict"}
"""What a frozen verdict says, in words."""
FAILED = '$[*] ? (@.state == "failed").name'
Commit = tuple[int, str]
"""A repository (its id) and a commit there."""


@dataclass
class Around:
    """What belongs to the changes of one piece, by the change's id."""

    links: dict[int, list[LinkedPullRequest]]
    pushes: dict[int, list[LinkedPush]]
    releases: dict[Commit, list[Release]]
    verdicts: dict[int, dict[str, Any]]
    exceptions: dict[int, list[str]]


def changes_in(asked: Asked) -> QuerySet[Change]:
    """Those merged to production in the window, by number."""
    rows = Change.objects.filter(merged_at__gte=asked.since, merged_at__lt=asked.until)
    if asked.scope.repositories is not None:
        rows = rows.filter(repository_names__overlap=sorted(asked.scope.repositories))
    return rows.select_related("requester").defer("assessment", "reasons", "risk").order_by("number")


def read(asked: Asked) -> Iterator[Row]:
    """The rows, by number."""
    for piece in pieces(changes_in(asked).iterator(chunk_size=1000)):
        around = _around(piece)
        for change in piece:
            yield _row(change, around)


def _around(changes: list[Change]) -> Around:
    links = LinkedPullRequest.objects.filter(change__in=changes).exclude(role=LinkedPullRequest.Role.JOINED)
    links = links.select_related("pull_request__repository").order_by("pull_request__repository__name", "pull_request__number")
    links = links.defer("pull_request__body", "pull_request__files", "pull_request__paths", "pull_request__commit_people")
    pushes = LinkedPush.objects.filter(change__in=changes, taken_back_at=None).select_related("repository").order_by("id")
    found = ExceptionRecord.objects.filter(change__in=changes).exclude(state=ExceptionState.CLEARED).order_by("id")
    links_of, pushes_of, exceptions_of = defaultdict(list), defaultdict(list), defaultdict(list)
    for link in links:
        links_of[link.change_id].append(link)
    for push in pushes:
        pushes_of[push.change_id].append(push)
    for change_id, pk in found.values_list("change_id", "pk"):
        exceptions_of[change_id or 0].append(f"EXC-{pk}")
    return Around(links_of, pushes_of, _releases(links_of, pushes_of), _verdicts(changes), exceptions_of)


def _releases(links: dict[int, list[LinkedPullRequest]], pushes: dict[int, list[LinkedPush]]) -> dict[Commit, list[Release]]:
    wanted = {commit for many in links.values() for link in many for commit in commits_of(link)}
    wanted |= {(push.repository_id, push.commit_sha) for many in pushes.values() for push in many}
    rows = Release.objects.filter(commit_sha__in={sha for _, sha in wanted}, environment=Environment.PRODUCTION)
    found: dict[Commit, list[Release]] = defaultdict(list)
    for row in rows.select_related("log").order_by("created_at", "id"):
        if row.repository_id is not None and (row.repository_id, row.commit_sha) in wanted:
            found[(row.repository_id, row.commit_sha)].append(row)
    return found


def commits_of(link: LinkedPullRequest) -> list[Commit]:
    """The commits by which a pull request's releases are known."""
    row = link.pull_request
    return [(row.repository_id, sha) for sha in dict.fromkeys((row.merge_sha, row.head_sha)) if sha]


def _verdicts(changes: Iterable[Change]) -> dict[int, dict[str, Any]]:
    """The verdict frozen at the merge to production; of several, the last."""
    failed = Func(
        F("gates"),
        Value(FAILED),
        template="jsonb_path_query_array(%(expressions)s::jsonpath)",
        output_field=JSONField(),
    )
    rows = Verdict.objects.filter(change__in=changes, moment=Verdict.Moment.MERGE).annotate(failed=failed).order_by("id")
    wanted = ("change_id", "outcome", "failed", "facts_digest", "rules_version", "policy_version")
    return {row["change_id"]: row for row in rows.values(*wanted)}


def _row(change: Change, around: Around) -> Row:
    links, pushes = around.links.get(change.pk, []), around.pushes.get(change.pk, [])
    commits = [commit for link in links for commit in commits_of(link)] + [(p.repository_id, p.commit_sha) for p in pushes]
    releases = list({row.pk: row for commit in commits for row in around.releases.get(commit, [])}.values())
    verdict = around.verdicts.get(change.pk, {})
    return {
        "key": str(change),
        "title": change.title,
        "category": change.get_category_display(),
        "declared": _declared(change),
        "size": change.get_size_display(),
        "kind": change.get_kind_display(),
        "state": change.get_state_display(),
        "requester": change.requester.name if change.requester else change.requester_login,
        "repositories": ids(change.repository_names),
        "opened_at": moment(change.opened_at),
        "merged_at": moment(change.merged_at),
        "released_at": moment(change.released_at),
        "pull_requests": ids(link.pull_request for link in links),
        "commits": ids([*(link.pull_request.merge_sha for link in links), *(push.commit_sha for push in pushes)]),
        "releases": ids(f"release-{row.pk}" for row in releases),
        "messages": ids(row.log.permalink for row in releases if hasattr(row, "log")),
        "exceptions": ids(around.exceptions.get(change.pk, [])),
        "outcome": OUTCOMES[str(verdict.get("outcome", ""))],
        "failed_gates": ids(verdict.get("failed", [])),
        "rules_version": str(verdict.get("rules_version", "")),
        "policy_version": str(verdict.get("policy_version", "")),
        "facts_digest": str(verdict.get("facts_digest", "")),
    }


def _declared(change: Change) -> str:
    if change.category != proposals.Category.EMERGENCY:
        return ""
    return "By the portal, afterwards" if change.undeclared else "By a person"


CHANGES = Kind(
    code="changes",
    title="Changes",
    one="A change whose merge to production lies in the window.",
    columns=(
        Column("key", "Change"),
        Column("title", "Title"),
        Column("category", "Category"),
        Column("declared", "Emergency declared"),
        Column("size", "Size"),
        Column("kind", "Kind"),
        Column("state", "State"),
        Column("requester", "Requester"),
        Column("repositories", "Repositories", IDS),
        Column("opened_at", "Opened", TIME),
        Column("merged_at", "Merged to production", TIME),
        Column("released_at", "Released", TIME),
        Column("pull_requests", "Pull requests", IDS),
        Column("commits", "Commits", IDS),
        Column("releases", "Releases to production", IDS),
        Column("messages", "Messages in Slack", IDS),
        Column("exceptions", "Exceptions", IDS),
        Column("outcome", "Frozen verdict"),
        Column("failed_gates", "Failed gates", IDS),
        Column("rules_version", "Rules"),
        Column("policy_version", "Policy"),
        Column("facts_digest", "Digest of the facts"),
    ),
    read=read,
    count_sql="""
SELECT count(*) FROM changes_change c
WHERE c.merged_at >= %(since)s AND c.merged_at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR c.repository_names::text[] && %(repositories)s::text[])
""",
    source="Countersign, from pull requests at the forge",
    systems=("git",),
    filters=("category", "size", "kind", "repositories", "outcome", "declared"),
    shown=("key", "title", "category", "kind", "merged_at", "requester", "outcome"),
)
