"""Gitea's webhooks (services/webhook/payloader.go): GitHub's headers beside its own, reviews without their number or commit."""

import hashlib
import hmac
from collections.abc import Iterator

from portal.standins.forge import ForgeHooks, Told
from portal.standins.git import NOBODY
from portal.standins.gitea import shapes
from portal.standins.store import Row

ACTIONS = {
    **{name: name for name in ("opened", "edited", "closed", "reopened")},
    "synchronize": "synchronized",
    "labeled": "label_updated",
    "unlabeled": "label_updated",
    "ready_for_review": "edited",
}
REVIEWED = {"approved": "approved", "changes_requested": "rejected", "commented": "comment"}
TYPES = {"synchronized": "pull_request_sync", "label_updated": "pull_request_label"}
"""What ``X-Gitea-Event-Type`` says besides ``X-Gitea-Event``."""


class GiteaHooks(ForgeHooks):
    """The webhook of a Gitea."""

    def told(self, event: str, payload: Row, repository: Row) -> Iterator[Told]:
        """Pushes, made and deleted branches, pull requests, reviews, statuses. A review that is dismissed is told nobody."""
        common = {"repository": shapes.repository(self.forge, repository)}
        common["sender"] = shapes.user(self.forge, payload["sender"]["login"])
        if event == "push":
            yield from self._pushed(payload, repository, common)
        elif event == "pull_request" and payload["action"] in ACTIONS:
            yield "pull_request", self._pull(ACTIONS[payload["action"]], payload, repository) | common
        elif event == "pull_request_review" and payload["action"] == "submitted":
            word = REVIEWED[payload["review"]["state"]]
            said = {"type": f"pull_request_review_{word}", "content": payload["review"]["body"] or ""}
            yield f"pull_request_{word}", self._pull("reviewed", payload, repository) | {"review": said} | common
        elif event == "status":
            yield "status", shapes.told_status(self.forge, repository["full_name"], payload) | common

    def _pull(self, action: str, payload: Row, repository: Row) -> Row:
        number = payload["pull_request"]["number"]
        row = self.forge.pull(repository["full_name"], number)
        return {"action": action, "number": number, "pull_request": shapes.pull_request(self.forge, repository, row)}

    def _pushed(self, payload: Row, repository: Row, common: Row) -> Iterator[Told]:
        branch, before, after = payload["ref"].removeprefix("refs/heads/"), payload["before"], payload["after"]
        if after == NOBODY:
            yield "delete", {"ref": branch, "ref_type": "branch", "pusher_type": "user"} | common
            return
        if before == NOBODY:
            yield "create", {"ref": branch, "ref_type": "branch", "sha": after} | common
        commits = [shapes.pushed(self.forge, repository["full_name"], one) for one in reversed(payload["commits"])]
        head = shapes.pushed(self.forge, repository["full_name"], payload["head_commit"])
        page = f"{self.forge.url}{self.forge.git_path}/{repository['full_name']}"
        told = {
            "ref": payload["ref"],
            "before": before,
            "after": after,
            "compare_url": f"{page}/compare/{before}...{after}",
            "commits": commits,
            "total_commits": len(commits),
            "head_commit": head,
            "pusher": common["sender"],
        }
        yield "push", told | common

    def _headers(self, row: Row) -> dict[str, str]:
        secret = self.signing_secret()
        digest = hmac.new(secret, row["body"].encode(), hashlib.sha256).hexdigest()
        event = row["event"]
        kind = TYPES.get(row["action"] or "", event.replace("pull_request_", "pull_request_review_", 1))
        named = {f"X-{name}-{part}": value for name in ("Gitea", "Forgejo", "Gogs") for part, value in _named(row, kind)}
        return {
            "Content-Type": "application/json",
            "User-Agent": "Go-http-client/1.1",
            **named,
            "X-Gitea-Signature": digest,
            "X-Gogs-Signature": digest,
            "X-Hub-Signature-256": f"sha256={digest}",
            "X-GitHub-Delivery": row["guid"],
            "X-GitHub-Event": event,
            "X-GitHub-Event-Type": kind,
        }


def _named(row: Row, kind: str) -> tuple[tuple[str, str], ...]:
    return ("Delivery", row["guid"]), ("Event", row["event"]), ("Event-Type", kind)
