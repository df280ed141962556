"""What forges besides GitHub send, read with its parts: the frame of a delivery, and a push. Pure; raises ``Unreadable`` only."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from changes.connectors.fields import Fields, Incomplete
from changes.connectors.github import objects
from changes.connectors.github.payloads import Parsed, pushed_commit
from changes.delivery.facts import Fact, PushReported, RepositoryFact

Reader = Callable[[Fields, Parsed], Iterator[Fact]]


def read_delivery(
    *,
    event: str,
    fields: Fields,
    action: str,
    sender: tuple[int | None, str | None],
    under: str,
    repository: Callable[[Mapping[str, Any]], RepositoryFact],
    readers: Mapping[str, Reader],
) -> Parsed:
    """One delivery as facts. ``sender`` is number and login, ``under`` the key of the repository; ``readers`` are by event, and
    this one is among them."""
    parsed = Parsed(
        event=event,
        action=action,
        repository=None,
        facts=(),
        kind="known",
        note="",
        sender_uid=sender[0],
        sender_login=sender[1],
    )
    try:
        if fields.has(under):
            parsed = replace(parsed, repository=repository(fields.needed(under).values))
        return replace(parsed, facts=tuple(readers[event](fields, parsed)))
    except Incomplete as gap:
        return replace(parsed, kind="incomplete", note=str(gap))


def pushed(body: Fields, parsed: Parsed, *, commits: Sequence[Fields], pushed_at: datetime | None) -> Iterator[Fact]:
    """A push to a branch, nothing for one to a tag. ``commits`` come oldest first; these forges do not tell who forced."""
    ref = body.needed_text("ref")
    if not ref.startswith(objects.BRANCH):
        return
    after = body.needed_commit("after")
    yield PushReported(
        branch=ref.removeprefix(objects.BRANCH),
        before=body.needed_commit("before"),
        after=after,
        forced=False,
        deleted=not after.strip("0"),
        commits=tuple(pushed_commit(commit) for commit in commits),
        pusher_login=parsed.sender_login,
        pusher_uid=parsed.sender_uid,
        pushed_at=pushed_at,
    )
