"""GitLab's objects in the form of GitHub's, then read as those are. Shapes: GitLab REST v4, and its webhooks."""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from changes.connectors.fields import BIG, SMALL, Fields, Incomplete, Unreadable
from changes.connectors.github import objects
from changes.connectors.github.branches import rules_of
from changes.delivery.facts import BranchRulesReported, CheckReported, PullRequestReported, RepositoryFact, ReviewReported

ACCOUNTS = 1 << 41
"""Numbers of accounts begin here, above GitHub's and Gitea's."""
GROUPS = 21
"""A project lies in a group, and that in up to twenty others, one in another."""
REVIEWS = 1 << 32
"""An approval has no number of its own: this many times that of its merge request, and that of its account."""
STATES = {"opened": "open", "reopened": "open", "locked": "open", "closed": "closed", "merged": "closed"}
CHECKS = {
    **dict.fromkeys(("success", "skipped"), "success"),
    **dict.fromkeys(("failed", "canceled", "canceling"), "failure"),
}
"""Every other state of a job or pipeline is still pending: created, running, manual, scheduled and so on."""
APPROVED = "approved this merge request"
"""What GitLab itself notes when somebody approves."""
PIPELINE = "pipeline"
"""The name of a pipeline among the checks: what "pipelines must succeed" asks for."""
NOBODY = 0
"""Access level of "No one"."""
OLD_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", re.ASCII)
Json = Mapping[str, Any]


def account(number: int | None) -> int | None:
    """The number of an account among all forges'."""
    if number is not None and number > BIG - ACCOUNTS:
        raise Unreadable("the number of an account is larger than any that is given out")
    return None if number is None else ACCOUNTS + number


def repository(*, value: Json) -> RepositoryFact:
    """A project, from the API or from a delivery."""
    fields = Fields.of(value=value, path="project")
    return RepositoryFact(
        name=fields.needed_text("path_with_namespace", limit=200),
        vendor_id=fields.number("id"),
        clone_url=fields.text("http_url_to_repo", limit=objects.REF) or fields.text("git_http_url", limit=objects.REF),
        default_branch=fields.word("default_branch", limit=200),
        archived=fields.flag("archived"),
        visibility=fields.word("visibility", limit=20),
    )


def merge_request(*, value: Json) -> PullRequestReported:
    """A merge request of the API. Its number is the one within the project (``iid``)."""
    fields = Fields.of(value=value, path="merge_request")
    merged = fields.text("state") == "merged"
    by = value.get("merge_user") or value.get("merged_by")
    return _read(
        fields, user=value.get("author"), merged_by=by if merged else None, head=_sha(fields), labels=fields.values.get("labels")
    )


def told(*, body: Json) -> PullRequestReported:
    """A merge request of a delivery: ``object_attributes``, with the one who acted beside it."""
    whole = Fields.of(value=body, path="")
    fields = whole.needed("object_attributes")
    last = fields.within("last_commit")
    user = body.get("user") if fields.text("action") == "merge" else None
    author = {"id": fields.number("author_id")} if fields.has("author_id") else None
    labels = [label.text("title") or "" for label in whole.items("labels")] if whole.has("labels") else None
    head = _sha(fields) if last is None and fields.has("sha") else fields.needed("last_commit").needed_commit("id")
    return _read(fields, user=author, merged_by=user, head=head, labels=labels)


def _sha(fields: Fields) -> str:
    """The head; a merge request whose branch has nothing of its own has none."""
    return fields.needed_commit("sha")


def _read(fields: Fields, *, user: Any, merged_by: Any, head: str, labels: Any) -> PullRequestReported:
    said = fields.needed_text("state")
    if said not in STATES:
        raise Incomplete(f"{fields.path}.state is none that GitLab documents")
    number, title = fields.needed_number("iid", largest=SMALL), fields.needed_text("title")
    branches = {side: fields.needed_text(f"{side}_branch") for side in ("source", "target")}
    draft = fields.flag("draft") if fields.has("draft") else fields.flag("work_in_progress")
    like = {
        "number": number,
        "title": title,
        "body": fields.values.get("description"),
        "state": STATES[said],
        "merged": said == "merged",
        "draft": draft,
        "user": _user(user),
        "merged_by": _user(merged_by),
        "labels": [{"name": name} for name in labels] if isinstance(labels, list) else None,
        "head": {"ref": branches["source"], "sha": head, "repo": {"id": fields.number("source_project_id")}},
        "base": {"ref": branches["target"], "repo": {"id": fields.number("target_project_id")}},
        "merge_commit_sha": fields.text("merge_commit_sha") or fields.text("squash_commit_sha") or head,
        **{name: _time(fields, name) for name in ("created_at", "updated_at", "closed_at", "merged_at")},
    }
    found = objects.pull_request(value=like, path=fields.path)
    return replace(found, author_uid=account(found.author_uid), merged_by_uid=account(found.merged_by_uid))


def _user(value: Any) -> dict[str, Any] | None:
    """An account in GitHub's form."""
    if not isinstance(value, Mapping):
        return None
    kind = "Bot" if value.get("bot") is True else "User" if "username" in value else None
    return {"id": value.get("id"), "login": value.get("username"), "type": kind}


def _time(fields: Fields, name: str) -> str | None:
    """ISO 8601; older versions write ``2017-12-10 17:08:07 UTC`` in deliveries."""
    said = fields.text(name)
    return said.replace(" UTC", "+00:00") if said and OLD_TIME.fullmatch(said) else said


def files(*, rows: Iterable[Json]) -> list[dict[str, Any]]:
    """The diffs of a merge request in GitHub's form; lines are counted in the diff."""
    found = []
    for row in rows:
        fields = Fields.of(value=row, path="diff")
        diff = fields.text("diff") or ""
        added, removed = _lines(diff, "+"), _lines(diff, "-")
        word = _change(fields)
        found.append(
            {
                "filename": fields.needed_text("new_path"),
                "previous_filename": fields.text("old_path"),
                "status": word,
                "additions": added,
                "deletions": removed,
                "changes": added + removed,
                "patch": diff,
            }
        )
    return found


def _change(fields: Fields) -> str:
    words = (("new_file", "added"), ("deleted_file", "removed"), ("renamed_file", "renamed"))
    return next((word for name, word in words if fields.flag(name) is True), "modified")


def _lines(diff: str, sign: str) -> int:
    return sum(line.startswith(sign) for line in diff.splitlines())


def commit(*, value: Json) -> dict[str, Any]:
    """A commit in GitHub's form. GitLab names addresses and no accounts."""
    fields = Fields.of(value=value, path="commit")
    people = {
        role: {"name": fields.text(f"{role}_name") or "", "email": fields.text(f"{role}_email") or ""}
        for role in ("author", "committer")
    }
    parents = [{"sha": sha} for sha in fields.texts("parent_ids")]
    return {"sha": fields.needed_text("id"), "parents": parents, "commit": {"message": fields.text("message") or "", **people}}


def reviews(
    *, number: int, approvals: Json, notes: Sequence[Json], versions: Sequence[Json], updated_at: datetime | None
) -> tuple[ReviewReported, ...]:
    """Who approves now, and who did and no longer does, each bound to the head that was there then.

    The list of approvals says who counts; the system's own notes say when. Without a time, an approval is bound to no commit.
    """
    standing = _standing(Fields.of(value=approvals, path="approvals"))
    said = _said(notes)
    heads = sorted(_heads(versions))
    found = []
    for uid in sorted({*standing, *said}):
        login, at = standing.get(uid, ("", None))
        noted_login, noted = said.get(uid, ("", None))
        when = at or noted
        found.append(
            ReviewReported(
                pull_request_number=number,
                vendor_id=number * REVIEWS + uid,
                state="approved" if uid in standing else "dismissed",
                uid=account(uid),
                login=login or noted_login,
                commit_sha=_head_at(heads, when),
                submitted_at=when,
                vendor_updated_at=updated_at,
            )
        )
    return tuple(found)


def _standing(fields: Fields) -> dict[int, tuple[str, datetime | None]]:
    rows = {}
    for row in fields.items("approved_by"):
        user = row.needed("user")
        rows[user.needed_number("id", largest=REVIEWS - 1)] = (user.text("username") or "", row.moment("approved_at"))
    return rows


def _said(notes: Sequence[Json]) -> dict[int, tuple[str, datetime | None]]:
    """By account: when it approved last, as the notes that GitLab writes itself say."""
    found: dict[int, tuple[str, datetime | None]] = {}
    for note in notes:
        fields = Fields.of(value=note, path="note")
        author, at = fields.within("author"), fields.moment("created_at")
        if fields.flag("system") is True and author is not None and (fields.text("body") or "") == APPROVED:
            uid = author.needed_number("id", largest=REVIEWS - 1)
            known = found.get(uid, ("", None))[1]
            if at is not None and (known is None or at > known):
                found[uid] = (author.text("username") or "", at)
    return found


def _heads(versions: Sequence[Json]) -> Iterator[tuple[datetime, str]]:
    for row in versions:
        fields = Fields.of(value=row, path="version")
        at, sha = fields.moment("created_at"), fields.commit("head_commit_sha")
        if at is not None and sha is not None:
            yield at, sha


def _head_at(heads: Sequence[tuple[datetime, str]], at: datetime | None) -> str | None:
    return next((sha for pushed, sha in reversed(heads) if at is not None and pushed <= at), None)


def status(*, value: Json, sha: str, name: str = "") -> CheckReported:
    """A job's or an outside status, or (with ``name``) a pipeline, as a commit status."""
    fields = Fields.of(value=value, path="status")
    said = fields.needed_text("status")
    state = "success" if said == "failed" and fields.flag("allow_failure") is True else CHECKS.get(said, "pending")
    like = {
        "id": fields.values.get("id"),
        "context": name or fields.values.get("name"),
        "state": state,
        "creator": _user(value.get("author") or value.get("user")),
        "updated_at": next((at for at in (_time(fields, one) for one in ("finished_at", "updated_at", "created_at")) if at), None),
    }
    return objects.status(value=like, sha=sha)


def branch_rules(*, branch: str, rules: Sequence[Json], project: Any, approvals: Any) -> BranchRulesReported:
    """What guards a branch, in GitHub's form: of several patterns GitLab lets the most open one win, and so do we."""
    project, approvals = (Fields.of(value=one, path=path).values for one, path in ((project, "project"), (approvals, "approvals")))
    fitting = [rule for rule in rules if _fits(str(rule.get("name", "")), branch)]
    protection = _protection([Fields.of(value=rule, path="rule") for rule in fitting], project, approvals) if fitting else None
    return rules_of(branch=branch, rules=[], protection=protection, seen=True)


def _fits(pattern: str, branch: str) -> bool:
    return pattern == branch or fnmatch.fnmatchcase(branch, pattern.replace("[", "[[]"))


def _protection(rules: Sequence[Fields], project: Json, approvals: Json) -> dict[str, Any]:
    pushers = [level for rule in rules for level in rule.items("push_access_levels") if level.number("access_level") != NOBODY]
    count = approvals.get("approvals_before_merge")
    reviews = {
        "required_approving_review_count": count if isinstance(count, int) else 0,
        "dismiss_stale_reviews": approvals.get("reset_approvals_on_push") is True,
        "require_code_owner_reviews": any(rule.flag("code_owner_approval_required") is True for rule in rules),
    }
    checked = project.get("only_allow_merge_if_pipeline_succeeds") is True
    return {
        "required_pull_request_reviews": None if pushers else reviews,
        "required_status_checks": {"strict": False, "contexts": [PIPELINE] if checked else []},
        "enforce_admins": {"enabled": not pushers},
        "required_conversation_resolution": {"enabled": project.get("only_allow_merge_if_all_discussions_are_resolved") is True},
        "allow_force_pushes": {"enabled": any(rule.flag("allow_force_push") is True for rule in rules)},
        "allow_deletions": {"enabled": False},
        "restrictions": {
            "users": [],
            "teams": [{"slug": level.text("access_level_description") or "somebody"} for level in pushers],
        },
    }
