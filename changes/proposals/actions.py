"""What is done to a change. Every action writes its evidence in the same transaction, under a lock on the change.

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from changes.delivery.models import PullRequest
from changes.proposals import queries
from changes.proposals.approving import approve, lapse_approvals, plus_one, review_after, sign_off, withdraw_approval
from changes.proposals.digest import revision_digest
from changes.proposals.lifecycle import State, find_move
from changes.proposals.models import Category, Change, LinkedPullRequest, Revision
from changes.proposals.moving import move, ring_for, stream_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

__all__ = [
    "approve",
    "classify",
    "lapse_approvals",
    "link",
    "move",
    "name_requester",
    "open_change",
    "plus_one",
    "press",
    "review_after",
    "revise",
    "sign_off",
    "stream_of",
    "withdraw_approval",
]

NUMBERS = 7201
"""Key of the advisory lock under which change numbers are given: no number is lost, none is given twice."""
FIRST_NUMBER = 1001
TEXT_FIELDS = ("title", "why", "what", "tested", "rollback", "snapshot")
Texts = Mapping[str, str]


@transaction.atomic
def open_change(
    *,
    texts: Texts,
    source: str,
    at: datetime,
    by: User | None = None,
    by_login: str = "",
    actor: str,
    state: State = State.DRAFT,
    classified: Mapping[str, Any] | None = None,
) -> Change:
    """Open a change with its first revision. ``source`` is form, pull_request or portal; ``texts`` has the six texts."""
    change = Change(
        number=_next_number(),
        title=texts["title"],
        state=state,
        requester=by,
        requester_login=by_login,
        opened_by=source,
        opened_at=at,
        moved_at=at,
        **(classified or {}),
    )
    change.save()
    revision = _add_revision(change, texts, source, by, by_login, at)
    append(
        stream=stream_of(change),
        kind="change.opened",
        actor=actor,
        fact={"title": change.title, "opened_by": source, "at": at.isoformat(), "digest": revision.digest},
        rows=[change, revision],
    )
    ring("changes")
    return change


@transaction.atomic
def revise(
    *, change: Change, texts: Texts, source: str, at: datetime, by: User | None = None, by_login: str = "", actor: str
) -> Revision:
    """Add a revision when the text differs from the present one; approvals of the old text lapse visibly."""
    locked = queries.locked(change.pk)
    present = queries.current_revision(locked)
    wanted = {name: texts.get(name, "") for name in TEXT_FIELDS}
    if present.digest == revision_digest(**wanted):
        return present
    revision = _add_revision(locked, wanted, source, by, by_login, at)
    locked.title = revision.title
    locked.version += 1
    locked.moved_at = max(locked.moved_at, at)
    locked.save(update_fields=["title", "version", "moved_at"])
    append(
        stream=stream_of(locked),
        kind="change.revised",
        actor=actor,
        fact={"revision": revision.number, "digest": revision.digest, "at": at.isoformat()},
        rows=[revision],
    )
    if locked.category != Category.EMERGENCY:  # whose words bind to the commit alone: its text may be written afterwards (P-22)
        lapse_approvals(change=locked, reason=f"the proposal was edited: revision {revision.number}", at=at)
    ring_for(locked)
    return revision


@transaction.atomic
def press(*, change: Change, verb: str, by: User, at: datetime) -> Change:
    """A move that a person presses: propose, withdraw, reopen, close. Only the requester may, and who classifies."""
    step = find_move(verb, change.state)
    if step is None or not step.by_person or verb == "approve":
        raise Stale(f"{change} is {State(change.state).label.lower()} now; it cannot {verb} from there.")
    if change.requester_id != by.pk and not may_at(by, P.CHANGE_CLASSIFY, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"Only the requester or the architecture team can {verb} this change.")
    return move(change=change, verb=verb, actor=actor_of(by), at=at, fact={"by": by.name})


@transaction.atomic
def link(*, change: Change, pull_request: PullRequest, role: str, reason: str, actor: str, at: datetime) -> bool:
    """Join a pull request to a change. Returns whether the link is new."""
    row, made = LinkedPullRequest.objects.get_or_create(
        change=change, pull_request=pull_request, defaults={"role": role, "reason": reason, "at": at}
    )
    if made:
        names = sorted({*change.repository_names, pull_request.repository.name})
        Change.objects.filter(pk=change.pk).update(repository_names=names)
        change.repository_names = names
        append(
            stream=stream_of(change),
            kind="change.linked",
            actor=actor,
            fact={"pull_request": str(pull_request), "role": role, "reason": reason, "at": at.isoformat()},
            rows=[row],
        )
    return made


@transaction.atomic
def name_requester(*, change: Change, person: User, actor: str, at: datetime) -> None:
    """Put the person behind the account that asked for the change on record, once the account is linked."""
    locked = queries.locked(change.pk)
    locked.requester = person
    locked.save(update_fields=["requester"])
    append(
        stream=stream_of(locked),
        kind="change.requester_named",
        actor=actor,
        fact={"person": person.name, "account": locked.requester_login, "at": at.isoformat()},
        rows=[locked],
    )
    change.requester = person


@transaction.atomic
def classify(*, change: Change, values: Mapping[str, Any], actor: str, at: datetime) -> bool:
    """Write category, size and kind as computed. Returns whether anything changed; an unchanged one writes nothing."""
    locked = queries.locked(change.pk)
    fresh = {name: values[name] for name in ("category", "size", "kind") if values[name] != getattr(locked, name)}
    if not fresh and values["reasons"] == locked.reasons:
        return False
    for name, value in (*fresh.items(), ("reasons", values["reasons"])):
        setattr(locked, name, value)
        setattr(change, name, value)
    locked.save(update_fields=[*fresh, "reasons"])
    if fresh:
        append(
            stream=stream_of(locked),
            kind="change.emergency_declared" if fresh.get("category") == "emergency" else "change.classified",
            actor=actor,
            fact={**fresh, "reasons": values["reasons"], "at": at.isoformat()},
            rows=[locked],
        )
        ring_for(locked)
    return bool(fresh)


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
        cursor.execute("SELECT coalesce(max(number), %s) + 1 FROM changes_change", [FIRST_NUMBER - 1])
        row = cursor.fetchone()
    return int(row[0]) if row else FIRST_NUMBER


def _add_revision(change: Change, texts: Texts, source: str, by: User | None, by_login: str, at: datetime) -> Revision:
    values = {name: texts.get(name, "") for name in TEXT_FIELDS}
    last = change.revisions.order_by("-number").values_list("number", flat=True).first() or 0
    return Revision.objects.create(
        change=change,
        number=last + 1,
        digest=revision_digest(**values),
        source=source,
        by=by,
        by_login=by_login,
        at=at,
        **values,
    )
