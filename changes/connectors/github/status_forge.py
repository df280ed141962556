"""A forge that knows commit statuses instead of check runs, and keeps neither deployments nor a list of pushes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from changes.connectors.github.client import GitHub
from changes.delivery.facts import DeploymentReported, PushReported

STATES = {"success": "success", "neutral": "success", "skipped": "success"}
"""What a conclusion is as a status; every other one is a failure."""
DESCRIPTION = 140
"""Characters that are shown of a status."""


@dataclass
class StatusForge(GitHub):
    """One repository at such a forge. ``NAMED`` is its word for the name of a status, ``FAILED`` its word for a failure."""

    NAMED: ClassVar[str]
    FAILED: ClassVar[str]

    def deployments_since(self, *, since: datetime | None) -> Iterator[DeploymentReported]:
        """None: releases come from Fly."""
        return iter(())

    def activity_since(self, *, since: datetime) -> Iterator[PushReported]:
        """None: pushes are read from deliveries and from Git itself."""
        return iter(())

    def set_status(self, *, sha: str, name: str, run: Mapping[str, Any]) -> int:
        """Say how a commit stands; ``run`` holds status, conclusion, details_url and output as for a check run."""
        output = run.get("output") or {}
        body = {
            "state": "pending" if run["status"] != "completed" else STATES.get(str(run.get("conclusion")), self.FAILED),
            self.NAMED: name,
            "target_url": run.get("details_url", ""),
            "description": str(output.get("title", ""))[:DESCRIPTION],
        }
        made = self.api.write(path=self._path(f"/statuses/{quote(sha, safe='')}"), body=body)
        number = made.get("id")
        return number if isinstance(number, int) else 0
