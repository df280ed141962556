"""A Gitea delivery as facts, in the same form as GitHub's. Pure; raises ``Unreadable`` only.

A review arrives as ``pull_request_approved``, ``pull_request_rejected`` or ``pull_request_comment`` without its id, its commit or
its time (services/webhook/payloader.go), so it is only a reason to read the reviews again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from changes.connectors.fields import Fields, Incomplete, clean, read_json
from changes.connectors.gitea import objects
from changes.connectors.github import objects as shared
from changes.connectors.github.payloads import Parsed
from changes.delivery.facts import Fact, PushReported

PULL_REQUESTS = (
    "pull_request",
    "pull_request_approved",
    "pull_request_rejected",
    "pull_request_comment",
    "pull_request_sync",
    "pull_request_label",
    "pull_request_assign",
    "pull_request_milestone",
    "pull_request_review_request",
)


def parse(event: str, body: bytes) -> Parsed:
    """Turn one delivery into facts. ``event`` is the X-Gitea-Event header."""
    event = clean(text=event)[:60]
    fields = Fields.of(value=read_json(body=body), path="")
    uid, login, _ = shared.account(holder=fields, name="sender")
    parsed = Parsed(
        event=event,
        action=fields.text("action") or "",
        repository=None,
        facts=(),
        kind="known",
        note="",
        sender_uid=objects.account(uid),
        sender_login=login,
    )
    try:
        if fields.has("repository"):
            parsed = replace(parsed, repository=shared.repository(value=fields.needed("repository").values))
        reader = EVENTS.get(event)
        if reader is None:
            return replace(parsed, kind="unknown", note=f"Countersign does not use {event!r} events")
        return replace(parsed, facts=tuple(reader(fields, parsed)))
    except Incomplete as gap:
        return replace(parsed, kind="incomplete", note=str(gap))


def _pull_request(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    yield objects.pull_request(value=body.needed("pull_request").values)


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
        commits=tuple(_commit(commit) for commit in reversed(commits)),
        pusher_login=parsed.sender_login,
        pusher_uid=parsed.sender_uid,
        pushed_at=commits[0].moment("timestamp") if commits else None,
    )


def _commit(commit: Fields) -> Mapping[str, Any]:
    author = commit.within("author")
    touched = {path for name in ("added", "removed", "modified") for path in commit.texts(name)}
    return {
        "sha": commit.needed_commit("id"),
        "message": commit.text("message") or "",
        "author_login": (author.text("username") if author else None) or "",
        "author_email": (author.text("email") if author else None) or "",
        "paths": sorted(touched),
    }


def _status(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    yield objects.status(value=body.values)


EVENTS: Mapping[str, Callable[[Fields, Parsed], Iterator[Fact]]] = {
    **dict.fromkeys(PULL_REQUESTS, _pull_request),
    "push": _push,
    "status": _status,
}
