"""GitHub payloads made here, in the official shape, for tests that must run everywhere."""

import json
from typing import Any

BEFORE, HEAD, MERGE = "a" * 40, "b" * 40, "c" * 40
REPOSITORY = {"id": 97, "name": "web", "full_name": "northwind/web", "owner": {"login": "northwind", "id": 1}}
SENDER = {"login": "bob-northwind", "id": 12, "type": "User"}
RULE = {
    "id": 1,
    "name": "prod",
    "updated_at": "2026-02-10T10:33:00Z",
    "pull_request_reviews_enforcement_level": "everyone",
    "required_approving_review_count": 1,
    "dismiss_stale_reviews_on_push": True,
    "require_code_owner_review": False,
    "authorized_dismissal_actors_only": False,
    "ignore_approvals_from_contributors": False,
    "required_status_checks": ["ci / tests"],
    "required_status_checks_enforcement_level": "everyone",
    "strict_required_status_checks_policy": False,
    "signature_requirement_enforcement_level": "off",
    "linear_history_requirement_enforcement_level": "off",
    "lock_branch_enforcement_level": "off",
    "admin_enforced": True,
    "allow_force_pushes_enforcement_level": "off",
    "allow_deletions_enforcement_level": "off",
    "merge_queue_enforcement_level": "off",
    "required_deployments_enforcement_level": "off",
    "required_conversation_resolution_level": "off",
    "authorized_actors_only": False,
    "authorized_actor_names": [],
}


def pull_request(**changed: Any) -> dict[str, Any]:
    return {
        "number": 31,
        "title": "Rotate the database path",
        "state": "open",
        "draft": False,
        "merged": False,
        "body": None,
        "user": {"login": "ann-northwind", "id": 11, "type": "User"},
        "labels": [{"name": "config"}],
        "head": {"ref": "fix/db", "sha": HEAD},
        "base": {"ref": "main", "sha": BEFORE},
        "merge_commit_sha": "e" * 40,
        "merged_at": None,
        "merged_by": None,
        "closed_at": None,
        "created_at": "2026-02-10T10:00:00Z",
        "updated_at": "2026-02-10T10:03:00Z",
        "additions": 3,
        "deletions": 1,
        "changed_files": 2,
    } | changed


def review(**changed: Any) -> dict[str, Any]:
    return {
        "id": 5,
        "user": {"login": "bob-northwind", "id": 12, "type": "User"},
        "state": "approved",
        "commit_id": HEAD,
        "submitted_at": "2026-02-10T10:08:00Z",
    } | changed


def check_run(**changed: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "head_sha": HEAD,
        "name": "ci / tests",
        "status": "completed",
        "conclusion": "success",
        "external_id": "",
        "started_at": "2026-02-10T10:10:00Z",
        "completed_at": "2026-02-10T10:15:00Z",
        "app": {"slug": "github-actions", "name": "GitHub Actions"},
    } | changed


def deployment(**changed: Any) -> dict[str, Any]:
    return {
        "id": 135,
        "sha": MERGE,
        "ref": "prod",
        "environment": "production",
        "description": "fly deploy",
        "creator": {"login": "flyctl-ci[bot]", "id": 13, "type": "Bot"},
        "created_at": "2026-02-10T11:00:00Z",
        "updated_at": "2026-02-10T11:00:00Z",
    } | changed


def delivery(**keys: Any) -> bytes:
    """A body with GitHub's usual envelope."""
    return json.dumps({"repository": REPOSITORY, "sender": SENDER} | keys).encode()


def push(**changed: Any) -> bytes:
    keys = {
        "ref": "refs/heads/prod",
        "before": BEFORE,
        "after": MERGE,
        "created": False,
        "deleted": False,
        "forced": False,
        "pusher": {"name": "bob-northwind", "email": "bob@northwind.example"},
        "head_commit": {"timestamp": "2026-02-10T10:26:00+01:00"},
        "commits": [
            {
                "id": MERGE,
                "message": "quick fix",
                "author": {"name": "Bob", "email": "bob@northwind.example", "username": "bob-northwind"},
                "added": ["b.txt"],
                "removed": [],
                "modified": ["a.txt", "b.txt"],
            }
        ],
    }
    return delivery(**(keys | changed))
