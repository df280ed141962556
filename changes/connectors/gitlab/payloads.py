"""A GitLab delivery as facts, in the same form as GitHub's. Pure; raises ``Unreadable`` only.

docs.gitlab.com/user/project/integrations/webhook_events. An approval is told without its commit, so it is only a reason to read
the merge request again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from changes.connectors.fields import Fields, Incomplete, clean, read_json
from changes.connectors.github import objects as shared
from changes.connectors.github.payloads import Parsed
from changes.connectors.gitlab import objects
from changes.delivery.facts import Fact, PushReported


def parse(event: str, body: bytes) -> Parsed:
    """Turn one delivery into facts. ``event`` is the X-Gitlab-Event header: ``Merge Request Hook``."""
    event = clean(text=event)[:60]
    fields = Fields.of(value=read_json(body=body), path="")
    uid, login = _sender(fields)
    parsed = Parsed(
        event=event,
        action=_action(fields),
        repository=None,
        facts=(),
        kind="known",
        note="",
        sender_uid=objects.account(uid),
        sender_login=login,
    )
    try:
        if fields.has("project"):
            parsed = replace(parsed, repository=objects.repository(value=fields.needed("project").values))
        reader = EVENTS.get(event)
        if reader is None:
            return replace(parsed, kind="unknown", note=f"Countersign does not use {event!r}")
        return replace(parsed, facts=tuple(reader(fields, parsed)))
    except Incomplete as gap:
        return replace(parsed, kind="incomplete", note=str(gap))


def _sender(fields: Fields) -> tuple[int | None, str | None]:
    """``user`` of most events, ``user_id`` and ``user_username`` of a push."""
    user = fields.within("user")
    if user is not None:
        return user.number("id"), user.text("username", limit=shared.LOGIN)
    return fields.number("user_id"), fields.text("user_username", limit=shared.LOGIN)


def _action(fields: Fields) -> str:
    attributes = fields.within("object_attributes")
    return (attributes.text("action") or "") if attributes is not None else ""


def _merge_request(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    yield objects.told(body=body.values)


def _push(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    ref = body.needed_text("ref")
    if not ref.startswith(shared.BRANCH):
        return
    commits = body.items("commits")
    after = body.needed_commit("after")
    yield PushReported(
        branch=ref.removeprefix(shared.BRANCH),
        before=body.needed_commit("before"),
        after=after,
        forced=False,
        deleted=not after.strip("0"),
        commits=tuple(_commit(commit) for commit in commits),
        pusher_login=parsed.sender_login,
        pusher_uid=parsed.sender_uid,
        pushed_at=None,
    )


def _commit(commit: Fields) -> Mapping[str, Any]:
    author = commit.within("author")
    touched = {path for name in ("added", "removed", "modified") for path in commit.texts(name)}
    return {
        "sha": commit.needed_commit("id"),
        "message": commit.text("message") or "",
        "author_login": "",
        "author_email": (author.text("email") if author else None) or "",
        "paths": sorted(touched),
    }


def _pipeline(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    attributes = body.needed("object_attributes")
    yield objects.status(value=attributes.values, sha=attributes.needed_commit("sha"), name=objects.PIPELINE)


EVENTS: Mapping[str, Callable[[Fields, Parsed], Iterator[Fact]]] = {
    "Merge Request Hook": _merge_request,
    "Push Hook": _push,
    "Pipeline Hook": _pipeline,
}
