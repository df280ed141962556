"""A GitHub delivery as facts. Pure: bytes in, values out; no database, no clock, no network.

``parse`` never raises anything but ``Unreadable`` and ``Disagrees``, whatever the bytes are. Both, and the kinds
"unknown" and "incomplete", carry a reason that a person can read on the integrations page.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from changes.connectors.fields import Fields, Incomplete, Unreadable, clean, read_json
from changes.connectors.github import deploy_reviews, edits, objects
from changes.connectors.github.delivered import Delivered
from changes.connectors.github.shapes import SHAPES, events_of
from changes.delivery.facts import (
    Fact,
    GateAskedReported,
    InstallationReported,
    MergeGroupReported,
    PushReported,
    RepositoryFact,
)

QUEUED = re.compile(r"/pr-(\d{1,9})-[^/]*$", re.ASCII)
WAITS = re.compile(r"/actions/runs/(\d{1,18})/deployment_protection_rule$", re.ASCII)
__all__ = ["Disagrees", "Parsed", "Unreadable", "parse"]


class Disagrees(Exception):
    """The header names one event and the body is another: somebody tampers, or replays with another header."""


@dataclass(frozen=True, kw_only=True)
class Parsed:
    event: str
    action: str
    """Empty for events that have none."""
    repository: RepositoryFact | None
    """None for events of an organisation or of the app."""
    facts: tuple[Fact, ...]
    kind: Literal["known", "unknown", "incomplete"]
    note: str
    """Why it is unknown or incomplete, or why a known one changes nothing; else empty."""
    sender_uid: int | None = None
    sender_login: str | None = None


def parse(event: str, body: bytes) -> Parsed:
    """Turn one delivery into facts. ``event`` is the X-GitHub-Event header, ``body`` the raw bytes.

    Raises ``Unreadable`` when the bytes are no usable payload and ``Disagrees`` when the body is another event than the
    header says. "incomplete" keeps the facts that were read before the gap.
    """
    event = clean(text=event)
    fields = Fields.of(value=read_json(body=body), path="")
    shapes = events_of(body=fields.values)
    if shapes and shapes != (event,):
        raise Disagrees(f"The header says {event[:60]!r}, the body is {' and '.join(shapes)}")
    if event not in SHAPES:
        return unused(event=event, body=fields.values, under="repository", named="full_name")
    sender_uid, sender_login, _ = objects.account(holder=fields, name="sender")
    reading = Delivered(body=fields, action=fields.text("action") or "", sender_uid=sender_uid, sender_login=sender_login)
    return _read(event=event, reading=reading, fits=bool(shapes))


def unused(*, event: str, body: Mapping[str, Any], under: str, named: str) -> Parsed:
    """An event that nothing is read of but the repository's name, for the list: whatever else is odd about it does not matter."""
    repository, action = body.get(under), body.get("action")
    name = repository.get(named) if isinstance(repository, Mapping) else None
    return Parsed(
        event=event,
        action=clean(text=action) if isinstance(action, str) else "",
        repository=RepositoryFact(name=clean(text=name)) if isinstance(name, str) and name else None,
        facts=(),
        kind="unknown",
        note=f"Countersign does not use {event[:60]!r} events",
    )


def _read(*, event: str, reading: Delivered, fits: bool) -> Parsed:
    facts: list[Fact] = []
    kind: Literal["known", "incomplete"] = "known"
    try:
        reading.repository = _repository(body=reading.body)
        if not fits:
            raise Incomplete(f"The body is not that of a {event} event: {', '.join(sorted(SHAPES[event].needs))} expected")
        facts.extend(EVENTS[event](reading))
    except Incomplete as gap:
        kind, reading.note = "incomplete", str(gap)
    return Parsed(
        event=event,
        action=reading.action,
        repository=reading.repository,
        facts=tuple(facts),
        kind=kind,
        note=reading.note,
        sender_uid=reading.sender_uid,
        sender_login=reading.sender_login,
    )


def _repository(*, body: Fields) -> RepositoryFact | None:
    """From ``repository``, else from a repository's own ruleset, whose payload may leave it out."""
    if body.has("repository"):
        return objects.repository(value=body.needed("repository").values)
    ruleset = body.within("repository_ruleset") if body.has("repository_ruleset") else None
    source = ruleset.text("source", limit=200) if ruleset and ruleset.text("source_type") in (None, "Repository") else None
    return RepositoryFact(name=source) if source and source.count("/") == 1 else None


def _pull_request(reading: Delivered) -> Iterator[Fact]:
    found = objects.pull_request(value=reading.body.needed("pull_request").values)
    if reading.action == "enqueued":
        found = replace(found, queued_by_uid=reading.sender_uid, queued_by_login=reading.sender_login)
    yield found


def _review(reading: Delivered) -> Iterator[Fact]:
    request = objects.pull_request(value=reading.body.needed("pull_request").values)
    yield request
    review = objects.review(value=reading.body.needed("review").values, pull_request_number=request.number)
    yield replace(review, vendor_updated_at=review.vendor_updated_at or request.vendor_updated_at)


def _check_run(reading: Delivered) -> Iterator[Fact]:
    yield objects.check_run(value=reading.body.needed("check_run").values)


def _check_suite(reading: Delivered) -> Iterator[Fact]:
    yield objects.check_suite(value=reading.body.needed("check_suite").values)


def _status(reading: Delivered) -> Iterator[Fact]:
    yield objects.status(value=reading.body.values, by=reading.sender_login)


def _push(reading: Delivered) -> Iterator[Fact]:
    body = reading.body
    ref = body.needed_text("ref")
    if not ref.startswith(objects.BRANCH):
        reading.note = "A push to a tag, not to a branch"
        return
    pusher = body.within("pusher")
    yield PushReported(
        branch=ref.removeprefix(objects.BRANCH),
        before=body.needed_commit("before"),
        after=body.needed_commit("after"),
        forced=bool(body.flag("forced")),
        deleted=bool(body.flag("deleted")),
        created=bool(body.flag("created")),
        commits=tuple(pushed_commit(commit) for commit in body.items("commits")),
        pusher_login=reading.sender_login or (pusher.text("name", limit=objects.LOGIN) if pusher else None),
        pusher_uid=reading.sender_uid,
        pushed_at=_pushed_at(body),
    )


def _pushed_at(body: Fields) -> datetime | None:
    """GitHub's clock: in a push ``repository.pushed_at`` is in whole seconds. Else the head commit's own time, if any."""
    repository, head = body.within("repository"), body.within("head_commit")
    if repository is not None and isinstance(repository.values.get("pushed_at"), int):
        return repository.moment("pushed_at")
    return head.moment("timestamp") if head is not None else None


def pushed_commit(commit: Fields) -> dict[str, Any]:
    """A commit in a push, as every forge writes it; GitLab names no account."""
    author = commit.within("author")
    touched = {path for name in ("added", "removed", "modified") for path in commit.texts(name)}
    return {
        "sha": commit.needed_commit("id"),
        "message": commit.text("message") or "",
        "author_login": (author.text("username") if author else None) or "",
        "author_email": (author.text("email") if author else None) or "",
        "paths": sorted(touched),
    }


def _deployment(reading: Delivered) -> Iterator[Fact]:
    yield objects.deployment(value=reading.body.needed("deployment").values)


def _deployment_status(reading: Delivered) -> Iterator[Fact]:
    """The deployment first: a step in a state that we do not know still tells of it."""
    value = reading.body.needed("deployment")
    yield objects.deployment(value=value.values)
    step = reading.body.needed("deployment_status")
    yield objects.deployment_status(value=step.values, deployment_id=value.needed_number("id"))


def _deployment_review(reading: Delivered) -> Iterator[Fact]:
    found = deploy_reviews.told(body=reading.body, action=reading.action)
    if found is None:
        reading.note = "It names no run"
        return
    if found.state not in deploy_reviews.STATES:
        raise Incomplete("deployment_review.action is none that GitHub documents")
    yield found


def _repository_event(reading: Delivered) -> Iterator[Fact]:
    now = objects.repository(value=reading.body.needed("repository").values)
    yield replace(now, action=reading.action, previous_name=_previous_name(now=now.name, changes=reading.body.within("changes")))


def _previous_name(*, now: str, changes: Fields | None) -> str | None:
    """owner/name before a rename (``changes.repository.name.from``) or a transfer (``changes.owner.from.…``)."""
    owner, _, name = now.partition("/")
    renamed = changes and changes.within("repository")
    was = renamed and renamed.within("name")
    if was is not None and was.text("from", limit=100):
        return f"{owner}/{was.text('from')}"
    moved = changes and changes.within("owner")
    before = moved and moved.within("from")
    for kind in ("user", "organization"):
        holder = before.within(kind) if before is not None else None
        if holder is not None and holder.text("login", limit=objects.LOGIN):
            return f"{holder.text('login')}/{name}"
    return None


def _gate_asked(reading: Delivered) -> Iterator[Fact]:
    """The run stands in the address to answer to; that address itself is not used."""
    body = reading.body
    if not body.has("deployment_callback_url"):
        reading.note = "It names no run, so there is nothing to answer"
        return
    found = WAITS.search(body.needed_text("deployment_callback_url"))
    if found is None:
        raise Incomplete("deployment_callback_url names no run")
    yield GateAskedReported(
        environment=body.needed_text("environment", limit=objects.ENVIRONMENT),
        commit_sha=body.needed("deployment").needed_commit("sha"),
        run=int(found[1]),
    )


def _merge_group(reading: Delivered) -> Iterator[Fact]:
    """``gh-readonly-queue/main/pr-104-<base>`` is the branch of the queue; ``base_ref`` the one that it merges into."""
    group = reading.body.needed("merge_group")
    head_ref = group.needed_text("head_ref").removeprefix(objects.BRANCH)
    base_ref = group.needed_text("base_ref").removeprefix(objects.BRANCH)
    found = QUEUED.search(head_ref)
    yield MergeGroupReported(
        action=reading.action,
        head_sha=group.needed_commit("head_sha"),
        head_ref=head_ref,
        base_ref=base_ref,
        base_sha=group.commit("base_sha") or "",
        numbers=(int(found[1]),) if found else (),
    )


def _installation(reading: Delivered) -> Iterator[Fact]:
    """Installed, removed, suspended, or seeing other repositories: what we can no longer see is a finding."""
    body = reading.body
    installation = body.needed("installation")
    _, account, _ = objects.account(holder=installation, name="account")
    gone = reading.action in ("deleted", "suspend")
    listed = _full_names(body, "repositories")
    yield InstallationReported(
        action=reading.action,
        installation_id=installation.needed_number("id"),
        account=account,
        added=_full_names(body, "repositories_added") or (() if gone else listed),
        removed=_full_names(body, "repositories_removed") or (listed if gone else ()),
        actor_uid=reading.sender_uid,
        actor_login=reading.sender_login,
    )


def _full_names(body: Fields, name: str) -> tuple[str, ...]:
    return tuple(one.needed_text("full_name", limit=200) for one in body.items(name))


def _ping(reading: Delivered) -> Iterator[Fact]:
    reading.note = f"The hook {reading.body.number('hook_id', largest=2**53)} was created: GitHub can reach the portal"
    return iter(())


EVENTS: Mapping[str, Callable[[Delivered], Iterator[Fact]]] = {
    "branch_protection_configuration": edits.protection_configuration,
    "branch_protection_rule": edits.protection_rule,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "deployment": _deployment,
    "deployment_protection_rule": _gate_asked,
    "deployment_review": _deployment_review,
    "deployment_status": _deployment_status,
    "installation": _installation,
    "installation_repositories": _installation,
    "member": edits.member,
    "membership": edits.membership,
    "merge_group": _merge_group,
    "organization": edits.organization,
    "ping": _ping,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "push": _push,
    "repository": _repository_event,
    "repository_ruleset": edits.ruleset,
    "status": _status,
    "team": edits.team,
}
