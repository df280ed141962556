"""A decision as a file in a repository, written once for each version of it. Kind ``decision.file``.

https://docs.github.com/rest/repos/contents: GET to look, PUT with the blob's ``sha`` to replace. The file itself is what tells
us that it is there already: the same bytes are not written again, so a lost answer makes no second commit.
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils import timezone

from changes.connectors import errors
from changes.connectors.github.api import Api
from changes.connectors.github.check_run import wait_of
from changes.connectors.github.comments import not_connected
from changes.connectors.models import Source
from changes.meetings.exporting import KIND
from portal.outbox.errors import Passing, Permanent
from portal.outbox.registry import deliverer

SETTING = "decisions"
"""Under which the GitHub source keeps the repository of decisions, as owner/name."""


@deliverer(KIND)
def deliver_file(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring about that the file stands there; returns its address, or why there is no place for it.

    ``payload``: path, text, message. That no repository is named is a result and no error: the page offers the file instead.
    """
    source = Source.objects.filter(kind="github").order_by("id").first()
    missing = not_connected(source)
    if source is None or missing:
        return {"published": False, "reason": f"not connected: {missing}"}
    repository = str(source.settings.get(SETTING) or "")
    if not repository:
        return {"published": False, "reason": "no repository is named for decisions"}
    try:
        return _written(Api(source=source, at=timezone.now()), repository, payload)
    except errors.Passing as problem:
        raise Passing(wait_of(problem), problem.reason) from problem
    except errors.Permanent as problem:
        raise Permanent(problem.reason) from problem


def _written(api: Api, repository: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    owner, _, name = repository.partition("/")
    path = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/contents/{quote(str(payload['path']))}"
    found, wanted = _there(api, path), str(payload["text"])
    if found is not None and _text_of(found) == wanted:
        return {"published": True, "repository": repository, "url": found.get("html_url"), "sha": found.get("sha")}
    body = {"message": str(payload["message"]), "content": base64.b64encode(wanted.encode()).decode()}
    made = api.write(path=path, body=body | ({"sha": found["sha"]} if found is not None else {}), method="PUT")
    content, commit = made.get("content") or {}, made.get("commit") or {}
    return {
        "published": True,
        "repository": repository,
        "url": content.get("html_url"),
        "sha": content.get("sha"),
        "commit": commit.get("sha"),
    }


def _there(api: Api, path: str) -> dict[str, Any] | None:
    try:
        found = api.get(path=path)
    except errors.NotFound:
        return None
    if not isinstance(found, dict) or found.get("type") != "file":
        raise errors.Invalid(f"{path} is no file")
    return found


def _text_of(found: Mapping[str, Any]) -> str:
    """The text of a file; its base64 comes in lines. What is too large to be sent along is not ours."""
    return base64.b64decode(str(found.get("content") or "")).decode(errors="replace")
