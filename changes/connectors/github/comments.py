"""Comments at GitHub, on a pull request or a commit, as effects that are written once. Kind ``github.comment``.

https://docs.github.com/rest/issues/comments ("every pull request is an issue") and /rest/commits/comments. GitHub keeps no
name for a comment, so ours carries one inside: a line that readers do not see. An answer can get lost after GitHub has
taken the comment, so we look for that line first.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils import timezone

from changes.connectors import errors
from changes.connectors.github.api import Api
from changes.connectors.github.check_run import GITHUB_API, wait_of
from changes.connectors.models import Source
from changes.delivery.models import Repository
from portal.outbox.errors import Passing, Permanent
from portal.outbox.registry import deliverer

KIND = "github.comment"
LONGEST = 65_536
"""Characters that GitHub takes."""


@deliverer(KIND)
def deliver_comment(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring about that the comment stands there; returns its id and address, or why GitHub is not connected.

    ``payload``: repository, body, and number (of a pull request) or commit. That no source is connected is a result and no
    error: there is nothing to try again for.
    """
    if Repository.objects.filter(name=payload["repository"], in_scope_until=None).exclude(forge="github").exists():
        return {"published": False, "reason": "not connected: comments are written at GitHub only"}
    source = Source.objects.filter(kind="github").order_by("id").first()
    missing = not_connected(source)
    if source is None or missing:
        return {"published": False, "reason": f"not connected: {missing}"}
    path, mark = place_of(payload), mark_of(payload["key"])
    try:
        api = Api(source=source, at=timezone.now())
        found = next((row for row in api.items(path=path) if mark in str(row.get("body") or "")), None)
        made = found or api.write(path=path, body={"body": body_of(payload, mark)})
    except errors.Passing as problem:
        raise Passing(wait_of(problem), problem.reason) from problem
    except errors.Permanent as problem:
        raise Permanent(problem.reason) from problem
    return {"published": True, "comment": made.get("id"), "url": made.get("html_url")}


def not_connected(source: Source | None) -> str:
    """Why no comment can be written through ``source``; empty when it can."""
    if source is None:
        return "no GitHub source"
    if source.paused_at is not None:
        return "the GitHub source is paused"
    if not source.readable or (source.api_url == GITHUB_API and not source.has_token and not source.app_id):
        return "the GitHub source has no token"
    return ""


def place_of(payload: Mapping[str, Any]) -> str:
    """The list that the comment belongs to."""
    owner, _, name = str(payload["repository"]).partition("/")
    where = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
    if payload.get("number"):
        return f"{where}/issues/{int(payload['number'])}/comments"
    return f"{where}/commits/{quote(str(payload['commit']), safe='')}/comments"


def mark_of(key: str) -> str:
    """The line by which we know our own comment again: the effect's key, so short that it tells nothing."""
    return f"<!-- countersign:{hashlib.sha256(key.encode()).hexdigest()[:24]} -->"


def body_of(payload: Mapping[str, Any], mark: str) -> str:
    """The text with the mark at its end, no longer than GitHub takes."""
    return f"{str(payload['body'])[: LONGEST - len(mark) - 2]}\n\n{mark}"
