"""GitHub's objects as facts: the same functions read a webhook's payload and an answer of the API.

Each takes the object as decoded JSON and gives one fact. ``Unreadable`` means a field has a type that GitHub does not
document; ``Incomplete`` means something that we cannot do without is missing. Shapes: GitHub REST API 2022-11-28.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from changes.connectors.fields import SMALL, Fields, Incomplete
from changes.delivery.facts import (
    CheckReported,
    DeploymentReported,
    DeploymentStatusReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
)
from changes.proposals.measuring import is_migration

REVIEW_STATES = frozenset({"approved", "changes_requested", "commented", "dismissed", "pending"})
STATUS_STATES = frozenset({"pending", "success", "failure", "error"})
STEP_STATES = frozenset({"error", "failure", "inactive", "in_progress", "queued", "pending", "waiting", "success"})
RUN = re.compile(r"/actions/runs/(\d{1,18})(?:/|$)", re.ASCII)
BRANCH = "refs/heads/"
LOGIN = 120
"""Characters that the database keeps of a login."""
ENVIRONMENT = 60
REF = 500
"""Characters of a branch's name: Git itself allows fewer, and an index holds no more."""


def account(*, holder: Fields, name: str) -> tuple[int | None, str | None, bool | None]:
    """(uid, login, is a bot) of the account under ``name``. All None when it is missing or was deleted."""
    user = holder.within(name)
    if user is None:
        return None, None, None
    login = user.text("login", limit=LOGIN)
    kind = user.text("type")
    bot = True if (login or "").endswith("[bot]") or kind == "Bot" else (False if kind else None)
    return user.number("id"), login, bot


def repository(*, value: Mapping[str, Any]) -> RepositoryFact:
    """A repository object, full or minimal."""
    fields = Fields.of(value=value, path="repository")
    name = fields.text("full_name", limit=200)
    if not name:
        owner = fields.needed("owner")
        name = f"{owner.text('login') or owner.needed_text('name')}/{fields.needed_text('name')}"
    if name.count("/") != 1 or name.startswith("/") or name.endswith("/"):
        raise Incomplete("repository.full_name is no owner/name")
    return RepositoryFact(
        name=name,
        vendor_id=fields.number("id"),
        clone_url=fields.text("clone_url", limit=REF),
        default_branch=fields.word("default_branch", limit=200),
        archived=fields.flag("archived"),
        disabled=fields.flag("disabled"),
        visibility=fields.word("visibility", limit=20),
    )


def pull_request(*, value: Mapping[str, Any], path: str = "pull_request") -> PullRequestReported:
    """A pull request from a webhook, from the list, or read singly (only that one knows sizes and who merged)."""
    fields = Fields.of(value=value, path=path)
    head, base = fields.needed("head"), fields.needed("base")
    author_uid, author_login, author_is_bot = account(holder=fields, name="user")
    state = _pull_request_state(fields=fields)
    merged = state == "merged"
    merged_by_uid, merged_by_login, _ = account(holder=fields, name="merged_by") if merged else (None, None, None)
    return PullRequestReported(
        number=fields.needed_number("number", largest=SMALL),
        title=fields.needed_text("title"),
        state=state,
        head_ref=head.needed_text("ref", limit=REF),
        head_sha=head.needed_commit("sha"),
        base_ref=base.needed_text("ref", limit=REF),
        body=fields.text_or_empty("body"),
        draft=fields.flag("draft"),
        author_uid=author_uid,
        author_login=author_login,
        author_is_bot=author_is_bot,
        labels=_labels(fields=fields),
        additions=fields.number("additions", largest=SMALL),
        deletions=fields.number("deletions", largest=SMALL),
        changed_files=fields.number("changed_files", largest=SMALL),
        opened_at=fields.moment("created_at"),
        closed_at=fields.moment("closed_at"),
        merged_at=fields.moment("merged_at") if merged else None,
        merged_by_uid=merged_by_uid,
        merged_by_login=merged_by_login,
        merge_sha=fields.commit("merge_commit_sha") if merged else None,
        head_is_fork=_is_fork(head=head, base=base),
        vendor_updated_at=fields.moment("updated_at"),
    )


def _pull_request_state(*, fields: Fields) -> str:
    """GitHub knows open and closed; merged is closed with ``merged`` or, in the shorter forms, with ``merged_at``."""
    state = fields.needed_text("state")
    merged = fields.flag("merged")
    if merged or (merged is None and fields.has("merged_at")):
        return "merged"
    if state not in ("open", "closed"):
        raise Incomplete(f"{fields.path}.state is neither open nor closed")
    return state


def _is_fork(*, head: Fields, base: Fields) -> bool | None:
    """Whether its branch lives in another repository: a branch named main there is not our main. A deleted fork is null."""
    if "repo" not in head.values or not base.has("repo"):
        return None
    ours, theirs = base.needed("repo"), head.within("repo")
    return theirs is None or theirs.number("id") != ours.number("id")


def _labels(*, fields: Fields) -> tuple[str, ...] | None:
    if not fields.has("labels"):
        return None
    return tuple(name for label in fields.items("labels") if (name := label.text("name")))


def review(*, value: Mapping[str, Any], pull_request_number: int, path: str = "review") -> ReviewReported:
    """A review. REST writes its state in capitals, webhooks in small letters; here it is small."""
    fields = Fields.of(value=value, path=path)
    state = fields.needed_text("state").lower()
    if state not in REVIEW_STATES:
        raise Incomplete(f"{path}.state is none that GitHub documents")
    uid, login, is_bot = account(holder=fields, name="user")
    return ReviewReported(
        pull_request_number=pull_request_number,
        vendor_id=fields.needed_number("id"),
        state=state,
        uid=uid,
        login=login,
        is_bot=is_bot,
        commit_sha=fields.commit("commit_id"),
        submitted_at=fields.moment("submitted_at"),
        vendor_updated_at=fields.moment("updated_at"),
    )


def check_run(*, value: Mapping[str, Any]) -> CheckReported:
    """A check run. It carries no time of update: the later of its end and its start orders two versions."""
    fields = Fields.of(value=value, path="check_run")
    completed_at = fields.moment("completed_at")
    return CheckReported(
        head_sha=fields.needed_commit("head_sha"),
        source="check_run",
        vendor_id=fields.needed_number("id"),
        name=fields.needed_text("name"),
        status=fields.needed_word("status", limit=20),
        conclusion=fields.word("conclusion", limit=20) or "",
        app=_app(fields=fields),
        completed_at=completed_at,
        vendor_updated_at=completed_at or fields.moment("started_at"),
    )


def check_suite(*, value: Mapping[str, Any]) -> CheckReported:
    """A check suite: all runs of one app on one commit. It has no name of its own, so it goes by the app's."""
    fields = Fields.of(value=value, path="check_suite")
    app = _app(fields=fields)
    status = fields.word("status", limit=20) or "queued"
    updated_at = fields.moment("updated_at")
    return CheckReported(
        head_sha=fields.needed_commit("head_sha"),
        source="check_suite",
        vendor_id=fields.needed_number("id"),
        name=app or "check suite",
        status=status,
        conclusion=fields.word("conclusion", limit=20) or "",
        app=app,
        completed_at=updated_at if status == "completed" else None,
        vendor_updated_at=updated_at,
    )


def _app(*, fields: Fields) -> str | None:
    app = fields.within("app")
    return (app.word("slug", limit=LOGIN) or app.word("name", limit=LOGIN)) if app is not None else None


def status(*, value: Mapping[str, Any], sha: str | None = None, by: str | None = None) -> CheckReported:
    """A commit status. REST leaves out the commit, so the caller says which (``sha``) it asked about.

    Anyone with write access may write one (REFERENCE §1.1): ``app`` names the account, ``by`` in a webhook.
    """
    fields = Fields.of(value=value, path="status")
    state = fields.needed_text("state")
    if state not in STATUS_STATES:
        raise Incomplete("status.state is none that GitHub documents")
    updated_at = fields.moment("updated_at") or fields.moment("created_at")
    _, creator, _ = account(holder=fields, name="creator")
    done = state != "pending"
    return CheckReported(
        head_sha=sha if sha is not None else fields.needed_commit("sha"),
        source="status",
        vendor_id=fields.needed_number("id"),
        name=fields.needed_text("context"),
        status="completed" if done else "pending",
        conclusion={"pending": "", "error": "failure"}.get(state, state),
        app=creator or by,
        completed_at=updated_at if done else None,
        vendor_updated_at=updated_at,
    )


def deployment(*, value: Mapping[str, Any]) -> DeploymentReported:
    """A deployment of one commit to one environment."""
    fields = Fields.of(value=value, path="deployment")
    environment = fields.needed_text("environment")
    _, actor, _ = account(holder=fields, name="creator")
    return DeploymentReported(
        vendor_id=str(fields.needed_number("id")),
        environment=environment if len(environment) <= ENVIRONMENT else f"{environment[: ENVIRONMENT - 1]}…",
        commit_sha=fields.needed_commit("sha"),
        ref=fields.text("ref") or "",
        created_at=fields.needed_moment("created_at"),
        actor=actor,
        description=fields.text_or_empty("description"),
        vendor_updated_at=fields.moment("updated_at"),
    )


def deployment_status(*, value: Mapping[str, Any], deployment_id: int) -> DeploymentStatusReported:
    """One step of the deployment ``deployment_id``."""
    fields = Fields.of(value=value, path="deployment_status")
    state = fields.needed_text("state")
    if state not in STEP_STATES:
        raise Incomplete("deployment_status.state is none that GitHub documents")
    return DeploymentStatusReported(
        deployment_id=deployment_id,
        vendor_id=fields.needed_number("id"),
        state=state,
        at=fields.needed_moment("created_at"),
        vendor_updated_at=fields.moment("updated_at"),
        run=_run_of(fields),
    )


def _run_of(status: Fields) -> int | None:
    """The workflow run behind a step of a deployment, by the address of its log."""
    found = (RUN.search(status.text(name) or "") for name in ("log_url", "target_url"))
    return next((int(one[1]) for one in found if one is not None), None)


def activity(*, value: Mapping[str, Any]) -> PushReported | None:
    """One entry of a repository's activity as the push that it was. None for what happened to no branch.

    ``before`` and ``after`` are forty zeros where the branch was made or deleted.
    """
    fields = Fields.of(value=value, path="activity")
    ref, kind = fields.needed_text("ref", limit=REF), fields.needed_text("activity_type")
    uid, login, _ = account(holder=fields, name="actor")
    if not ref.startswith(BRANCH):
        return None
    return PushReported(
        branch=ref.removeprefix(BRANCH),
        before=fields.needed_commit("before"),
        after=fields.needed_commit("after"),
        forced=kind == "force_push",
        deleted=kind == "branch_deletion",
        created=kind == "branch_creation",
        commits=(),
        pusher_login=login,
        pusher_uid=uid,
        pushed_at=fields.needed_moment("timestamp"),
    )


MIGRATION_LINES, MIGRATION_LINE = 500, 500
"""New lines of one migration that are kept, and characters of each; a longer one counts as not read."""


def files(*, values: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """What happened to each file of a pull request: {"path", "status", "lines", "added"}, in the forge's order.

    ``status`` is GitHub's word (added, removed, modified, renamed …), ``lines`` added plus removed ones. ``added`` holds
    the new lines of a database migration, for which the policy has questions; None for other files, and for a
    migration whose difference GitHub left out.
    """
    return tuple(_file(fields=Fields.of(value=value, path="file")) for value in values)


def _file(*, fields: Fields) -> dict[str, Any]:
    path = fields.needed_text("filename")
    lines = fields.number("changes", largest=SMALL)
    added = _added(patch=fields.text("patch")) if is_migration(path) else None
    return {"path": path, "status": fields.word("status", limit=20) or "", "lines": lines or 0, "added": added}


def _added(*, patch: str | None) -> list[str] | None:
    if patch is None:
        return None
    lines = [line[1:] for line in patch.splitlines() if line.startswith("+")]
    if len(lines) > MIGRATION_LINES or any(len(line) > MIGRATION_LINE for line in lines):
        return None
    return lines


def file_paths(*, values: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Paths touched, from the files of a pull request or a comparison; a rename counts with both names. Sorted."""
    paths: set[str] = set()
    for value in values:
        fields = Fields.of(value=value, path="file")
        paths.add(fields.needed_text("filename"))
        paths.add(fields.text("previous_filename") or fields.needed_text("filename"))
    return tuple(sorted(paths))
