"""The GitLab stand-in as one object."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from portal.standins.faults import Rule
from portal.standins.forge import ACTS, Forge, tagged
from portal.standins.github.tokens import Caller
from portal.standins.gitlab import api
from portal.standins.gitlab.hooks import GitLabHooks
from portal.standins.gitlab.shapes import PIPELINE
from portal.standins.limits import Window
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

PATH = "/gitlab"
LIMIT, WINDOW = 2000, 60.0
STATES = {"success": "success", "failed": "failure", "running": "pending"}


class GitLabStandIn(Forge):
    """One GitLab in a folder. ``limit`` requests a minute, as gitlab.com allows; its answers carry ETags."""

    vendor = "gitlab"
    api_path, git_path = f"{PATH}/api/v4", PATH
    acts: Sequence[str] = (*ACTS, "pipeline")

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1", limit: int = LIMIT) -> None:
        super().__init__(directory, url=url)
        self.window = Window(limit=limit, seconds=WINDOW)

    def webhooks(self) -> GitLabHooks:
        """The secret travels in a header, in clear."""
        return GitLabHooks(self)

    def pipeline(self, *, repository: str, sha: str, status: str = "success", by: str, at: datetime | None = None) -> Row:
        """CI: a pipeline on a commit, which is running, success or failed."""
        return self.status(repository=repository, sha=sha, context=PIPELINE, state=STATES.get(status, ""), by=by, at=at)

    def tags(self, rule: Rule | None) -> bool:
        """Rails gives every answer an ETag."""
        return tagged(rule)

    def called(self, caller: Caller, request: Request, path: str) -> Answer:
        """One call of ``/api/v4``, within the limit."""
        left, wait = self.window.take()
        if left < 0:
            served = json_answer({"message": "429 Too Many Requests"}, status=429, headers={"Retry-After": str(wait)})
        else:
            served = api.answer(self, caller, request, path)
        served.headers |= {
            "RateLimit-Limit": str(self.window.limit),
            "RateLimit-Observed": str(self.window.limit - max(0, left)),
            "RateLimit-Remaining": str(max(0, left)),
        }
        return served

    def says(self, message: str) -> Row:
        """An error's body."""
        return {"message": message}

    def refusal(self, status: int, message: str) -> Answer:
        """The status stands in the words too."""
        words = {401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Not Found"}.get(status, message)
        return json_answer(self.says(words), status=status)
