"""The vendors' side of the story: acts at the stand-ins, each done once and remembered there."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.standins import company
from portal.standins.client import Remote
from portal.standins.times import moment, stamp

MINUTE = timedelta(minutes=1)
Said = dict[str, Any]


class Vendors:
    """The stand-ins as the story uses them. ``began`` is the moment that the story counts its days back from."""

    def __init__(self, remote: Remote, *, now: datetime) -> None:
        self.remote = remote
        kept = remote.mark("demo-began") or remote.do("mark", name="demo-began", value=stamp(now))
        self.began = moment(kept)

    def on(self, days_ago: int, clock: str) -> datetime:
        """That many days before the beginning at ``clock`` ("09:30", UTC)."""
        hour, minute = clock.split(":")
        day = (self.began - timedelta(days=days_ago)).astimezone(UTC)
        return day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)

    def ago(self, minutes: int) -> datetime:
        """That many minutes before the beginning."""
        return self.began - minutes * MINUTE

    def once(self, key: str, act: Callable[[], Any]) -> Any:
        """Does ``act`` unless it was done in an earlier run, and returns what came of it then or now (as JSON)."""
        kept = self.remote.mark(f"demo/{key}")
        if kept is not None:
            return json.loads(kept)
        result = act()
        self.remote.do("mark", name=f"demo/{key}", value=json.dumps(result))
        return result

    def act(self, key: str, act: str, **arguments: Any) -> Any:
        """One act at the stand-ins, such as ``fly/rollback``, once."""
        return self.once(key, lambda: _short(self.remote.do(act, **arguments)))

    def github(self, key: str, act: str, **arguments: Any) -> Any:
        """One act at GitHub, once."""
        return self.act(key, f"github/{act}", **arguments)

    def open(self, repository: str, title: str, **arguments: Any) -> Said:
        """Somebody opens a pull request with a commit; found by its title when an earlier run broke off right after it."""
        key = f"{repository}/{title}/open"
        found: Said = self.once(key, lambda: self._opened(repository, title, arguments))
        return found

    def _opened(self, repository: str, title: str, arguments: dict[str, Any]) -> Any:
        for row in self.remote.do("pull-requests", repository=repository):
            if row["title"] == title:
                return {"number": row["number"], "head": row["head_sha"]}
        made = self.remote.do("open-work", repository=repository, title=title, **arguments)
        return {"number": made["number"], "head": made["head"]["sha"]}

    def promotion(self, repository: str, *, key: str, at: datetime, body: str) -> Said:
        """Ann opens the promotion of what is on main; CI passes on it."""
        found: Said = self.once(f"{key}/open", lambda: self._promoted(repository, at, body))
        self.check(repository, found, at=at + 8 * MINUTE)
        return found

    def _promoted(self, repository: str, at: datetime, body: str) -> Said:
        made = self.remote.do("promote", repository=repository, by="ann", body=body, at=at)
        return {"number": made["number"], "head": made["head"]["sha"]}

    def check(self, repository: str, pull: Said, *, at: datetime, conclusion: str = "success") -> None:
        """CI ends on a pull request's head."""
        key = f"{repository}/{pull['number']}/check/{pull['head']}"
        self.github(key, "check", repository=repository, sha=pull["head"], name=company.CI, conclusion=conclusion, at=at)

    def review(self, repository: str, pull: Said, *, by: str, at: datetime, state: str = "approved", body: str = "") -> None:
        """Somebody reviews a pull request."""
        key = f"{repository}/{pull['number']}/review/{by}/{state}"
        self.github(key, "review", repository=repository, number=pull["number"], by=by, state=state, body=body, at=at)

    def merge(self, repository: str, pull: Said, *, by: str, at: datetime) -> str:
        """Somebody merges a pull request; returns the commit that it became."""
        key = f"{repository}/{pull['number']}/merge"
        return str(self.once(key, lambda: self._merged(repository, pull["number"], by, at)))

    def _merged(self, repository: str, number: int, by: str, at: datetime) -> str:
        known = self.remote.do("pull-request", repository=repository, number=number)
        if known["merged"]:
            return str(known["merge_commit_sha"])
        return str(self.remote.do("github/merge", repository=repository, number=number, by=by, at=at)["sha"])

    def ship(self, repository: str, sha: str, environment: str, *, by: str = "bob", at: datetime, key: str = "") -> None:
        """A commit is released to an environment: at Fly, and as a deployment at GitHub."""
        name = f"{repository}/{sha}/{environment}{key}"
        self.act(name, "ship", repository=repository, sha=sha, environment=environment, by=by, at=at)


def _short(result: Any) -> Any:
    """What is remembered of an answer: enough to go on with."""
    if not isinstance(result, dict):
        return result
    return {name: result[name] for name in ("number", "id", "sha", "version", "tag") if name in result}
