"""GitLab's webhooks (docs.gitlab.com/user/project/integrations/webhook_events): a secret in clear, no signature."""

import uuid
from collections.abc import Iterator
from typing import Any

from portal.standins.forge import ForgeHooks, Told
from portal.standins.git import NOBODY
from portal.standins.gitlab import shapes
from portal.standins.store import Row

ACTIONS = {
    "opened": "open",
    "closed": "close",
    "reopened": "reopen",
    **dict.fromkeys(("edited", "synchronize", "labeled", "unlabeled", "ready_for_review", "review_requested"), "update"),
}
TOLD = 20
"""Commits of a push that are told; ``total_commits_count`` says how many there are."""
OLDER = {"ci_config_path", "homepage", "url", "ssh_url", "http_url"}
"""Fields of a project that a pipeline's hook does not carry."""
HOOK = str(uuid.UUID(int=61))


class GitLabHooks(ForgeHooks):
    """The webhook of a project."""

    def told(self, event: str, payload: Row, repository: Row) -> Iterator[Told]:
        """Pushes, merge requests with their approvals, pipelines."""
        by = payload["sender"]["login"]
        if event == "push":
            yield "Push Hook", self._pushed(payload, repository, by)
        elif event == "pull_request" and payload["action"] in ACTIONS:
            merged = payload["action"] == "closed" and payload["pull_request"]["merged_at"]
            yield "Merge Request Hook", self._merge_request("merge" if merged else ACTIONS[payload["action"]], payload, repository)
        elif event == "pull_request_review" and payload["review"]["state"] in ("approved", "dismissed"):
            action = "approved" if payload["review"]["state"] == "approved" else "unapproved"
            yield "Merge Request Hook", self._merge_request(action, payload, repository)
        elif event == "status" and payload["context"] == shapes.PIPELINE:
            yield "Pipeline Hook", self._pipeline(payload, repository, by)

    def _merge_request(self, action: str, payload: Row, repository: Row) -> Row:
        name = repository["full_name"]
        row = self.forge.pull(name, payload["pull_request"]["number"])
        return {
            "object_kind": "merge_request",
            "event_type": "merge_request",
            "user": shapes.told_user(self.forge, payload["sender"]["login"]),
            "project": shapes.told_project(self.forge, repository),
            "object_attributes": shapes.told_merge_request(self.forge, repository, row, action),
            "labels": [{"id": place, "title": text} for place, text in enumerate(row["labels"], start=1)],
            "changes": {"updated_at": {"previous": row["created_at"], "current": row["updated_at"]}},
            "repository": shapes.told_repository(self.forge, repository),
        }

    def _pushed(self, payload: Row, repository: Row, by: str) -> Row:
        account = self.forge.account(by)
        commits: list[Row] = payload["commits"]
        gone = payload["after"] == NOBODY
        return {
            "object_kind": "push",
            "event_name": "push",
            "before": payload["before"],
            "after": payload["after"],
            "ref": payload["ref"],
            "checkout_sha": None if gone else payload["after"],
            "message": None,
            "user_id": account["uid"],
            "user_name": account["name"],
            "user_username": account["login"],
            "user_email": "",
            "user_avatar": None,
            "project_id": repository["id"],
            "project": shapes.told_project(self.forge, repository),
            "commits": [shapes.pushed(self.forge, repository["full_name"], one) for one in commits[-TOLD:]],
            "total_commits_count": len(commits),
            "repository": shapes.told_repository(self.forge, repository),
        }

    def _pipeline(self, payload: Row, repository: Row, by: str) -> Row:
        row: dict[str, Any] = {**payload, "creator": by}
        said = shapes.pipeline(self.forge, repository, row)
        ended = said["updated_at"] if said["status"] in ("success", "failed") else None
        project = shapes.told_project(self.forge, repository)
        attributes = {key: said[key] for key in ("id", "iid", "ref", "sha", "source", "status", "created_at")}
        return {
            "object_kind": "pipeline",
            "object_attributes": {**attributes, "tag": False, "before_sha": said["sha"], "finished_at": ended},
            "user": shapes.told_user(self.forge, by),
            "project": {key: value for key, value in project.items() if key not in OLDER},
            "builds": [],
        }

    def _headers(self, row: Row) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "GitLab/18.0.0",
            "X-Gitlab-Event": row["event"],
            "X-Gitlab-Event-UUID": row["guid"],
            "X-Gitlab-Instance": self.forge.url,
            "X-Gitlab-Token": self.signing_secret().decode(),
            "X-Gitlab-Webhook-UUID": HOOK,
            "Idempotency-Key": row["guid"],
        }
