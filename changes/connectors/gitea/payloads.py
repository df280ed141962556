"""A Gitea delivery as facts, in the same form as GitHub's. Pure; raises ``Unreadable`` only.

A review arrives as ``pull_request_approved``, ``pull_request_rejected`` or ``pull_request_comment`` without its id, its commit or
its time (services/webhook/payloader.go), so it is only a reason to read the reviews again.
"""

from collections.abc import Iterator, Mapping

from changes.connectors.fields import Fields, clean, read_json
from changes.connectors.gitea import objects
from changes.connectors.github import objects as shared
from changes.connectors.github.dialects import Reader, pushed, read_delivery
from changes.connectors.github.payloads import Parsed, unused
from changes.delivery.facts import Fact

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
    if event not in EVENTS:
        return unused(event=event, body=fields.values, under="repository", named="full_name")
    uid, login, _ = shared.account(holder=fields, name="sender")
    return read_delivery(
        event=event,
        fields=fields,
        action=fields.text("action") or "",
        sender=(objects.account(uid), login),
        under="repository",
        repository=lambda value: shared.repository(value=value),
        readers=EVENTS,
    )


def _pull_request(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    yield objects.pull_request(value=body.needed("pull_request").values)


def _push(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    commits = body.items("commits")
    pushed_at = commits[0].moment("timestamp") if commits else None
    yield from pushed(body, parsed, commits=tuple(reversed(commits)), pushed_at=pushed_at)


def _status(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    yield objects.status(value=body.values)


EVENTS: Mapping[str, Reader] = {
    **dict.fromkeys(PULL_REQUESTS, _pull_request),
    "push": _push,
    "status": _status,
}
