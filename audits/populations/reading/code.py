"""What is in Git and at the forge: first-parent commits of the restricted branches, and merged pull requests."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import F, Q, QuerySet

from audits.controls.reading.merges import uncovered
from audits.populations.facts import IDS, NUMBER, TIME, Asked, Column, Kind, Row, ids, moment
from audits.populations.reading.pieces import pieces
from changes.delivery.models import BY_HAND, BranchCommit, PullRequest, Review
from changes.exceptions.detect import push_key
from changes.exceptions.merges import KIND, key_of
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.forges import FORGES
from changes.proposals.models import LinkedPullRequest, LinkedPush

BY_PULL_REQUEST, PUSHED, GONE = "By a pull request", "Pushed without a pull request", "No longer on the branch"
BEFORE = "From before the scope began"


def commits_in(asked: Asked) -> QuerySet[BranchCommit]:
    """First-parent commits of main and prod with a committer's time in the window; those of forced pushes as well."""
    rows = BranchCommit.objects.filter(committed_at__gte=asked.since, committed_at__lt=asked.until)
    if asked.scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(asked.scope.repositories))
    return rows.select_related("repository").defer("paths").order_by("repository__name", "branch", "position", "id")


def read_commits(asked: Asked) -> Iterator[Row]:
    """The rows, by repository, branch and place."""
    for piece in pieces(commits_in(asked).iterator(chunk_size=1000)):
        merged, pushes = _merged(piece), _pushes(piece)
        changes: dict[int, list[str]] = {}
        for link in _links([row for many in merged.values() for row in many]):
            changes.setdefault(link.pull_request_id, []).append(str(link.change))
        direct = _direct(piece) | _by_hand(piece)
        bare = uncovered(BranchCommit.objects.filter(pk__in=[commit.pk for commit in piece]))
        for commit in piece:
            yield _commit(commit, merged.get((commit.repository_id, commit.sha), []), changes, pushes, direct, bare)


def _merged(commits: list[BranchCommit]) -> dict[tuple[int, str], list[PullRequest]]:
    rows = PullRequest.objects.filter(merge_sha__in={commit.sha for commit in commits}, state=PullRequest.State.MERGED)
    found: dict[tuple[int, str], list[PullRequest]] = defaultdict(list)
    for row in rows.select_related("repository").only("repository__name", "number", "merge_sha").order_by("number"):
        found[(row.repository_id, row.merge_sha)].append(row)
    return found


def _links(rows: list[PullRequest]) -> QuerySet[LinkedPullRequest]:
    links = LinkedPullRequest.objects.filter(pull_request__in=rows).exclude(role=LinkedPullRequest.Role.JOINED)
    return links.select_related("change").only("change__number", "pull_request_id").order_by("change__number")


def _pushes(commits: list[BranchCommit]) -> dict[tuple[int, str], str]:
    rows = LinkedPush.objects.filter(commit_sha__in={commit.sha for commit in commits}, taken_back_at=None)
    return {(row.repository_id, row.commit_sha): str(row.change) for row in rows.select_related("change")}


def _direct(commits: list[BranchCommit]) -> dict[tuple[int, str], int]:
    """Exceptions about commits that no pull request accounts for: by repository and ``prod:<twelve digits>``."""
    keys = {f"{push_key(repository=row.repository, branch=row.branch, sha=row.sha)}:direct_push": row for row in commits}
    return _standing(keys)


def _by_hand(commits: list[BranchCommit]) -> dict[tuple[int, str], int]:
    """Exceptions about merges that hold what nobody reviewed, in the same way."""
    keys = {f"{key_of(row.repository.key, row.sha)}:{KIND}": row for row in commits if row.merge_content in BY_HAND}
    return _standing(keys)


def _standing(keys: dict[str, BranchCommit]) -> dict[tuple[int, str], int]:
    rows = ExceptionRecord.objects.filter(key__in=keys).exclude(state=ExceptionState.CLEARED).only("key")
    return {(keys[row.key].repository_id, f"{keys[row.key].branch}:{keys[row.key].sha[:12]}"): row.pk for row in rows}


def _commit(
    commit: BranchCommit,
    merged: list[PullRequest],
    changes: dict[int, list[str]],
    pushes: dict[tuple[int, str], str],
    direct: dict[tuple[int, str], int],
    bare: set[int],
) -> Row:
    place = (commit.repository_id, commit.sha)
    exception = direct.get((commit.repository_id, f"{commit.branch}:{commit.sha[:12]}"))
    return {
        "key": f"{commit.repository.name}@{commit.branch}:{commit.sha}",
        "repository": commit.repository.name,
        "branch": commit.branch,
        "commit": commit.sha,
        "subject": commit.subject,
        "author": commit.author_name,
        "committer": commit.committer_name,
        "co_authors": ids(commit.co_authors),
        "committed_at": moment(commit.committed_at),
        "seen_at": moment(commit.seen_at),
        "pull_requests": ids(merged),
        "changes": ids([*(name for row in merged for name in changes.get(row.pk, [])), pushes.get(place, "")]),
        "exceptions": f"EXC-{exception}" if exception else "",
        "merge": commit.merge_words,
        "outcome": _outcome(commit, merged, bare),
    }


def _outcome(commit: BranchCommit, merged: list[PullRequest], bare: set[int]) -> str:
    """How it came there, as P-02 counts it: a rebase brings several commits by one pull request."""
    if commit.gone_at:
        return GONE
    if commit.pk in bare:
        return PUSHED
    return BEFORE if not merged and commit.committed_at < commit.repository.in_scope_from else BY_PULL_REQUEST


def pull_requests_in(asked: Asked) -> QuerySet[PullRequest]:
    """Those merged into main or prod in the window."""
    guarded = Q(base_ref=F("repository__main_branch")) | Q(base_ref=F("repository__prod_branch"))
    rows = PullRequest.objects.filter(guarded, merged_at__gte=asked.since, merged_at__lt=asked.until)
    if asked.scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(asked.scope.repositories))
    rows = rows.defer("body", "files", "paths", "clocks", "commit_people")
    return rows.select_related("repository").order_by("repository__name", "number")


def read_pull_requests(asked: Asked) -> Iterator[Row]:
    """The rows, by repository and number."""
    for piece in pieces(pull_requests_in(asked).iterator(chunk_size=1000)):
        changes: dict[int, list[str]] = defaultdict(list)
        for link in _links(piece):
            changes[link.pull_request_id].append(str(link.change))
        reviewers: dict[int, list[str]] = defaultdict(list)
        approving = Review.objects.filter(pull_request__in=piece, state=Review.State.APPROVED).order_by("submitted_at", "id")
        for pk, login in approving.values_list("pull_request_id", "login"):
            reviewers[pk].append(login)
        found = _about(piece)
        for row in piece:
            yield _pull_request(
                row, changes.get(row.pk, []), reviewers.get(row.pk, []), found.get((row.repository_id, row.number), [])
            )


def _about(rows: list[PullRequest]) -> dict[tuple[int, int], list[str]]:
    """Exceptions about these pull requests: their subject is ``#17`` in the repository."""
    subjects = {f"#{row.number}" for row in rows}
    records = ExceptionRecord.objects.filter(subject__in=subjects, repository__in={row.repository_id for row in rows})
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    for record in records.exclude(state=ExceptionState.CLEARED).only("repository_id", "subject").order_by("id"):
        found[(record.repository_id or 0, int(record.subject[1:]))].append(f"EXC-{record.pk}")
    return found


def _pull_request(row: PullRequest, changes: list[str], reviewers: list[str], exceptions: list[str]) -> Row:
    return {
        "key": str(row),
        "repository": row.repository.name,
        "number": row.number,
        "title": row.title,
        "branch": row.base_ref,
        "author": row.author_login,
        "merged_by": row.merged_by_login,
        "approving_reviewers": ids(reviewers),
        "opened_at": moment(row.opened_at),
        "merged_at": moment(row.merged_at),
        "head_commit": row.head_sha,
        "merge_commit": row.merge_sha,
        "changes": ids(changes),
        "exceptions": ids(exceptions),
        "outcome": "With an exception" if exceptions else "No exception",
        "read": "Confirmed by the forge's API" if row.confirmed_at else "Reported by a webhook only",
    }


COMMITS = Kind(
    code="commits",
    title="Commits",
    one="A first-parent commit of main or prod, from Git itself, whose committer's time lies in the window.",
    columns=(
        Column("key", "Commit"),
        Column("repository", "Repository"),
        Column("branch", "Branch"),
        Column("commit", "SHA"),
        Column("subject", "Subject"),
        Column("author", "Author"),
        Column("committer", "Committer"),
        Column("co_authors", "Co-authors", IDS),
        Column("committed_at", "Committed", TIME),
        Column("seen_at", "Read from Git", TIME),
        Column("pull_requests", "Pull requests", IDS),
        Column("changes", "Changes", IDS),
        Column("exceptions", "Exceptions", IDS),
        Column("merge", "As a merge"),
        Column("outcome", "Outcome"),
    ),
    read=read_commits,
    count_sql="""
SELECT count(*) FROM changes_branchcommit b JOIN changes_repository r ON r.id = b.repository_id
WHERE b.committed_at >= %(since)s AND b.committed_at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR r.name = ANY (%(repositories)s::text[]))
""",
    source="Git, mirrored from the forge",
    systems=("git",),
    filters=("repository", "branch", "outcome"),
    providers=("git", *FORGES),
    shown=("commit", "subject", "repository", "branch", "committed_at", "pull_requests", "outcome"),
)
PULL_REQUESTS = Kind(
    code="pull_requests",
    title="Pull requests",
    one="A pull request that was merged into main or prod in the window.",
    columns=(
        Column("key", "Pull request"),
        Column("repository", "Repository"),
        Column("number", "Number", NUMBER),
        Column("title", "Title"),
        Column("branch", "Into"),
        Column("author", "Author"),
        Column("merged_by", "Merged by"),
        Column("approving_reviewers", "Approving reviewers", IDS),
        Column("opened_at", "Opened", TIME),
        Column("merged_at", "Merged", TIME),
        Column("head_commit", "Head commit"),
        Column("merge_commit", "Merge commit"),
        Column("changes", "Changes", IDS),
        Column("exceptions", "Exceptions", IDS),
        Column("outcome", "Outcome"),
        Column("read", "Witness"),
    ),
    read=read_pull_requests,
    count_sql="""
SELECT count(*) FROM changes_pullrequest p JOIN changes_repository r ON r.id = p.repository_id
WHERE p.merged_at >= %(since)s AND p.merged_at < %(until)s AND p.base_ref IN (r.main_branch, r.prod_branch)
  AND (%(repositories)s::text[] IS NULL OR r.name = ANY (%(repositories)s::text[]))
""",
    source="The forge: pull requests of the repositories in scope",
    systems=("git",),
    filters=("repository", "branch", "outcome"),
    providers=FORGES,
    shown=("key", "title", "branch", "author", "merged_by", "merged_at", "outcome"),
)
