"""What was merged into main and prod: with a pull request, reviewed, green, after staging, by people on the list (P-02 to P-20)."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from audits.controls.reading.found import Found, kinds_of, ref_to
from audits.controls.reading.gates import said
from audits.controls.result import Flat, Row, Window, judged, when
from audits.controls.rows import reader
from changes.delivery.branch_names import names_of
from changes.delivery.models import (
    UNCOMPARED,
    BranchCommit,
    Check,
    Environment,
    PullRequest,
    Release,
    Repository,
    Review,
    words_of_merge,
)
from changes.delivery.population import uncovered_commits
from changes.entitlements.mergers.queries import in_force, kept_lists
from changes.exceptions.detect import push_key
from changes.exceptions.merges import KIND as OWN_CONTENT
from changes.exceptions.merges import key_of
from changes.gates.facts import GateState
from changes.gates.gate import Code
from changes.proposals.models import DECLARED, Change, LinkedPullRequest
from changes.proposals.queries import CARRYING
from portal.access.scope import Scope
from portal.policy.clauses import Clause

AT_ONCE = 500
"""Rows that are in memory at a time."""


@reader
def commits_by_pull_request(window: Window, scope: Scope) -> Iterator[Row]:
    """P-02: first-parent commits from Git itself; one that no pull request brought deviates. Older than the scope: not asked."""
    rows = BranchCommit.objects.filter(committed_at__gte=window.since, committed_at__lt=window.until)
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    bare = uncovered(rows)
    rows = rows.filter(Q(committed_at__gte=F("repository__in_scope_from")) | Q(pk__in=bare)).select_related("repository")
    found = Found(window, scope, {"direct_push"})
    for row in rows.defer("paths").order_by("repository__name", "branch", "position", "pk").iterator(chunk_size=AT_ONCE):
        records = found.take(push_key(repository=row.repository, branch=row.branch, sha=row.sha))
        words = [record.sentence for record in records]
        if row.pk in bare and not words:
            words = [f"{row.committer_name} put {row.sha[:7]} on {row.branch} without a pull request."]
        facts: dict[str, Flat] = {"branch": row.branch, "commit": row.sha, "at": when(row.committed_at)}
        facts |= {"committer": row.committer_name, "pull_request": row.pk not in bare, "gone": row.gone_at is not None}
        facts |= {"merge_content": row.merge_words or None}
        key = f"{row.repository.name} {row.branch} {row.sha}"
        yield judged(key, words, facts=facts, ref=ref_to(records), repository=row.repository.name)
    yield from found.rest()


def uncovered(rows: QuerySet[BranchCommit]) -> set[int]:
    """Ids of the commits that no pull request accounts for."""
    found: set[int] = set()
    for pk, branch in sorted(rows.order_by().values_list("repository", "branch").distinct()):
        repository = Repository.objects.get(pk=pk)
        among = list(rows.filter(repository=pk, branch=branch).values_list("sha", flat=True))
        found |= {commit.pk for commit in uncovered_commits(repository=repository, branch=branch, among=among)}
    return found


def merges(window: Window, scope: Scope) -> QuerySet[PullRequest]:
    """Pull requests merged into main or prod, in the order of their merges."""
    guarded = Q(base_ref=F("repository__main_branch")) | Q(base_ref=F("repository__prod_branch"))
    rows = PullRequest.objects.filter(guarded, merged_at__gte=window.since, merged_at__lt=window.until)
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    links = LinkedPullRequest.objects.filter(pull_request=OuterRef("pk")).order_by("pk").values("change__number")
    rows = rows.annotate(change_number=Subquery(links[:1])).select_related("repository")
    return rows.defer("body", "paths", "files", "clocks").order_by("merged_at", "pk")


def _with_gates(rows: QuerySet[PullRequest]) -> QuerySet[Any]:
    """With the gates of the change of each, as judged last."""
    links = LinkedPullRequest.objects.filter(pull_request=OuterRef("pk")).order_by("pk").values("change__assessment__gates")
    return rows.annotate(gates=Subquery(links[:1]))


def _with_content(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With what the merge commit of each was found to hold; null where there is none of it in Git."""
    commits = BranchCommit.objects.filter(repository=OuterRef("repository"), branch=OuterRef("base_ref"), sha=OuterRef("merge_sha"))
    held = commits.filter(parents__len__gt=1).order_by()
    content, why = Subquery(held.values("merge_content")[:1]), Subquery(held.values("merge_why")[:1])
    found: QuerySet[Any] = rows.annotate(merge_content=content, merge_why=why)
    return found


def _review_unknown(row: Any) -> Iterator[str]:
    """Why nobody can tell whether somebody else reviewed it. ``row`` was read ``_with_gates`` and ``_with_content``."""
    yield from said(row.gates or (), (Code.REVIEW,), GateState.NOT_CONNECTED)
    if row.merge_content in UNCOMPARED:
        why = row.merge_why or "Its merge commit was not compared with its two sides yet."
        yield f"Nobody can tell whether {row.merge_sha[:7]} holds more than was reviewed. {why}"


def _facts(row: PullRequest) -> dict[str, Flat]:
    return {
        "base": row.base_ref,
        "head": row.head_sha,
        "merge": row.merge_sha,
        "merged_at": when(row.merged_at),
        "merged_by": row.merged_by_login,
        "author": row.author_login,
    }


def _row(row: Any, found: Found, more: dict[str, Flat], unknown: Iterable[str] = ()) -> Row:
    """``row`` is a pull request of ``merges``."""
    records = found.take(row.key) + (found.take(key_of(row.repository.key, row.merge_sha)) if row.merge_sha else [])
    ref = ref_to(records, f"change:{row.change_number}" if row.change_number else "")
    words = (record.sentence for record in records)
    return judged(str(row), words, unknown=unknown, facts=_facts(row) | more, ref=ref, repository=row.repository.name)


@reader
def merges_reviewed(window: Window, scope: Scope) -> Iterator[Row]:
    """P-03: merges, with who approved which commit; one without an approval of the merged head by somebody else deviates, and
    one whose merge commit holds what neither side has.

    Where a contributor is known by a mail address alone, nobody can tell whether it was somebody else: unknown. So is one whose
    merge commit could not be compared.
    """
    found = Found(window, scope, kinds_of(Clause.REVIEWED))
    rows = _with_content(_with_gates(merges(window, scope))).prefetch_related("reviews")
    for row in rows.iterator(chunk_size=AT_ONCE):
        said = sorted((review for review in row.reviews.all() if review.submitted_at), key=lambda review: review.vendor_id)
        words = "; ".join(f"{one.login} {one.state} {one.commit_sha[:12]} {when(one.submitted_at)}" for one in said)
        approved = sum(one.state == Review.State.APPROVED for one in said)
        content = words_of_merge(row.merge_content) if row.merge_content is not None else None
        more = {"reviews": words, "approvals": approved, "merge_content": content}
        yield _row(row, found, more, _review_unknown(row))
    yield from found.rest()


@reader
def merges_staged(window: Window, scope: Scope) -> Iterator[Row]:
    """P-04: merges into prod, those of nothing but emergencies that somebody declared aside; one whose commit was not in staging
    deviates."""
    links = LinkedPullRequest.objects.filter(pull_request=OuterRef("pk"), role__in=CARRYING)
    declared = Change.objects.filter(DECLARED)
    spared = Exists(links.filter(change__in=declared)) & ~Exists(links.exclude(change__in=declared))
    staged = Release.objects.filter(
        Q(commit_sha=OuterRef("head_sha")) | Q(commit_sha=OuterRef("merge_sha")),
        repository=OuterRef("repository"),
        environment=Environment.STAGING,
        succeeded_at__isnull=False,
    )
    rows = merges(window, scope).filter(~spared, base_ref=F("repository__prod_branch"))
    rows = rows.annotate(staged_at=Subquery(staged.order_by("succeeded_at").values("succeeded_at")[:1]))
    found = Found(window, scope, {"no_staging"})
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield _row(row, found, {"staged_at": when(row.staged_at)})
    yield from found.rest()


@reader
def main_reviewed_and_green(window: Window, scope: Scope) -> Iterator[Row]:
    """P-09: what P-02, P-03 and P-11 say, for main alone: merges, and what was pushed past them."""
    kinds = kinds_of(Clause.REVIEWED, Clause.CI_PASSES)
    found = Found(window, scope, {*kinds, "direct_push"})
    into_main = _with_content(_with_gates(merges(window, scope).filter(base_ref=F("repository__main_branch"))))
    for row in into_main.iterator(chunk_size=AT_ONCE):
        yield _row(row, found, {}, _review_unknown(row))
    mains = {row.name: names_of(repository=row, name=row.main_branch) for row in Repository.objects.order_by("id")}
    for row_ in found.rest(kinds={"direct_push", OWN_CONTENT}):
        # What was found before the branch got another name is about the same branch.
        if str(row_.facts["subject"]).rpartition(":")[0] in mains.get(row_.repository, ()):
            yield row_


@reader
def merges_green(window: Window, scope: Scope) -> Iterator[Row]:
    """P-11: merges, with how many checks of the merged head had succeeded; one with a failed or missing required check deviates."""
    checks = Check.objects.filter(repository=OuterRef("repository"), head_sha=OuterRef("head_sha")).order_by()
    counted = checks.values("head_sha").annotate(count=Count("pk"), good=Count("pk", filter=Q(conclusion="success")))
    rows = merges(window, scope).annotate(
        checks=Coalesce(Subquery(counted.values("count")[:1]), 0),
        good=Coalesce(Subquery(counted.values("good")[:1]), 0),
    )
    found = Found(window, scope, kinds_of(Clause.CI_PASSES))
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield _row(row, found, {"checks": row.checks, "checks_succeeded": row.good})
    yield from found.rest()


@reader
def merges_authorised(window: Window, scope: Scope) -> Iterator[Row]:
    """P-20: merges while a list was in force for their branch; one by somebody who was not on it deviates."""
    lists = kept_lists()
    parts = Case(When(base_ref=F("repository__prod_branch"), then=Value("prod")), default=Value("main"))
    found = Found(window, scope, kinds_of(Clause.AUTHORISED_MERGE))
    listed = merges(window, scope).filter(repository__in={repository for repository, _ in lists})
    for row in listed.annotate(part=parts).iterator(chunk_size=AT_ONCE):
        at = row.merged_at
        kept = in_force(lists, repository=row.repository_id, branch=row.part, at=at) if at is not None else None
        if kept is not None:
            yield _row(row, found, {"list": kept.pk, "list_since": when(kept.confirmed_at)})
    yield from found.rest()
