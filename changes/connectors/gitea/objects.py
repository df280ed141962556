"""Gitea's objects as facts, where they differ from GitHub's. Shapes: Forgejo 16 (gitea 1.22), ``/swagger.v1.json``."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from changes.connectors.fields import BIG, Fields, Unreadable
from changes.connectors.github import objects
from changes.connectors.github.branches import rules_of
from changes.delivery.facts import BranchRulesReported, CheckReported, PullRequestReported, ReviewReported

ACCOUNTS = 1 << 40
"""Numbers of accounts begin here: GitHub's are far below, and one forge's account 7 is not the other's."""
REVIEWS = {
    "APPROVED": "approved",
    "REQUEST_CHANGES": "changes_requested",
    "COMMENT": "commented",
    "PENDING": "pending",
}
"""Gitea's words for the states that count. ``REQUEST_REVIEW`` is a question and no review."""
STATUSES = {"warning": "success", "skipped": "success"}
"""States that GitHub does not have: neither keeps Gitea from merging."""


def account(number: int | None) -> int | None:
    """The number of an account among all forges'."""
    if number is not None and number > BIG - ACCOUNTS:
        raise Unreadable("the number of an account is larger than any that is given out")
    return None if number is None else ACCOUNTS + number


def pull_request(*, value: Mapping[str, Any]) -> PullRequestReported:
    """A pull request; the same fields as at GitHub."""
    found = objects.pull_request(value=value)
    return replace(
        found,
        author_uid=account(found.author_uid),
        merged_by_uid=account(found.merged_by_uid),
        commit_people=None,
    )


def people(rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Contributors of commits with their numbers among all forges'."""
    return tuple({**row, "uid": account(row["uid"])} for row in rows)


def review(*, value: Mapping[str, Any], pull_request_number: int) -> ReviewReported | None:
    """A review; None for what is none. A dismissed one says so in a field of its own."""
    fields = Fields.of(value=value, path="review")
    state = REVIEWS.get(fields.text("state") or "")
    if state is None:
        return None
    uid, login, is_bot = objects.account(holder=fields, name="user")
    return ReviewReported(
        pull_request_number=pull_request_number,
        vendor_id=fields.needed_number("id"),
        state="dismissed" if fields.flag("dismissed") else state,
        uid=account(uid),
        login=login,
        is_bot=is_bot,
        commit_sha=fields.commit("commit_id"),
        submitted_at=fields.moment("submitted_at"),
        vendor_updated_at=fields.moment("updated_at"),
    )


def status(*, value: Mapping[str, Any], sha: str | None = None) -> CheckReported:
    """A commit status: ``status`` in the API, ``state`` in a delivery."""
    said = str(value.get("status") or value.get("state") or "")
    return objects.status(value={**value, "state": STATUSES.get(said, said)}, sha=sha)


def branch_rules(*, branch: str, rules: Sequence[Mapping[str, Any]]) -> BranchRulesReported:
    """What guards a branch: the rule with its name, else the first whose pattern fits, as Gitea chooses. In GitHub's form."""
    named = [rule for rule in rules if _name(rule) == branch]
    fitting = named or [rule for rule in rules if fnmatch.fnmatchcase(branch, _name(rule))]
    protection = _protection(Fields.of(value=fitting[0], path="rule")) if fitting else None
    return rules_of(branch=branch, rules=[], protection=protection, seen=True)


def _name(rule: Mapping[str, Any]) -> str:
    return str(rule.get("rule_name") or rule.get("branch_name") or "")


def _protection(rule: Fields) -> dict[str, Any]:
    """A rule of Gitea in the words of GitHub's branch protection. A protected branch takes no force push."""
    reviews = {
        "required_approving_review_count": rule.number("required_approvals") or 0,
        "dismiss_stale_reviews": rule.flag("dismiss_stale_approvals") is True,
    }
    checks = {
        "strict": rule.flag("block_on_outdated_branch") is True,
        "contexts": list(rule.texts("status_check_contexts")) if rule.flag("enable_status_check") else [],
    }
    limited = rule.flag("enable_merge_whitelist") is True
    return {
        "required_pull_request_reviews": reviews,
        "required_status_checks": checks,
        "enforce_admins": {"enabled": rule.flag("apply_to_admins") is True},
        "required_signatures": {"enabled": rule.flag("require_signed_commits") is True},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
        "restrictions": {
            "users": [{"login": name} for name in rule.texts("merge_whitelist_usernames")],
            "teams": [{"slug": name} for name in rule.texts("merge_whitelist_teams")],
        }
        if limited
        else None,
    }
