"""What is done to a change. Every action writes its evidence in the same transaction, under a lock on the change.

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from changes.delivery.models import PullRequest
from changes.proposals import entries, material, queries
from changes.proposals.approving import approve, lapse_approvals, plus_one, review_after, sign_off, withdraw_approval
from changes.proposals.digest import revision_digest
from changes.proposals.lifecycle import State, find_move
from changes.proposals.models import Category, Change, LinkedPullRequest, Revision
from changes.proposals.moving import move, ring_for, stream_of
from changes.proposals.sections import texts_in, texts_of
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
Texts = Mapping[str, str]


@dataclass(frozen=True)
class Written:
    """Where a text came from, who wrote it, and when."""

    source: str
    by: User | None
    by_login: str
    at: datetime
    form_key: UUID | None


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
    form_key: UUID | None = None,
) -> Change:
    """Open a change with its first revision. ``source`` is form, pull_request or portal; ``texts`` those of ``sections``."""
    (number,) = take_numbers(1)
    change = Change(
        number=number,
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
    revision = first_revision(change, texts_in(texts), Written(source, by, by_login, at, form_key))
    revision.save()
    append(**vars(entries.opened(change, revision, actor=actor)))
    ring("changes")
    return change


@transaction.atomic
def revise(
    *,
    change: Change,
    texts: Texts,
    source: str,
    at: datetime,
    by: User | None = None,
    by_login: str = "",
    actor: str,
    form_key: UUID | None = None,
    held: bool = False,
) -> Revision:
    """Add a revision when the text differs from the present one. A material edit ends the approvals of the old text, visibly;
    an immaterial one leaves them standing (``material`` has the rule). ``held`` says that the caller has locked ``change`` and
    read it since: it is not read again, and shows what was written."""
    locked = change if held else queries.locked(change.pk)
    present = queries.current_revision(locked)
    wanted = texts_in(texts)
    if present.digest == revision_digest(**wanted):
        return present
    judged = material.judge(before=texts_of(queries.bound_revision(present)), after=wanted)
    revision = _add_revision(locked, wanted, Written(source, by, by_login, at, form_key), judged, binds=present.binds)
    locked.title = revision.title
    locked.version += 1
    locked.moved_at = max(locked.moved_at, at)
    locked.save(update_fields=["title", "version", "moved_at"])
    append(
        stream=stream_of(locked),
        kind="change.revised",
        actor=actor,
        fact={
            "revision": revision.number,
            "digest": revision.digest,
            "binds": revision.binds,
            "material": judged.material,
            "reason": judged.reason,
            "at": at.isoformat(),
        },
        rows=[revision],
    )
    if judged.material and locked.category != Category.EMERGENCY:
        # The words of an emergency bind to the commit alone: its text may be written afterwards (P-22).
        lapse_approvals(change=locked, reason=f"the proposal was edited: revision {revision.number}. {judged.reason}", at=at)
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
    if change.joined_to is not None:
        raise Refused(Clause.STARTS_AS_PULL_REQUEST, f"{change} joined {change.joined_to}.", "Go on there.")
    return move(change=change, verb=verb, actor=actor_of(by), at=at, fact={"by": by.name})


@transaction.atomic
def link(*, change: Change, pull_request: PullRequest, role: str, reason: str, actor: str, at: datetime) -> bool:
    """Join a pull request to a change. Returns whether the link is new."""
    row, made = LinkedPullRequest.objects.get_or_create(
        change=change, pull_request=pull_request, defaults={"role": role, "reason": reason, "at": at}
    )
    if made:
        row.change, row.pull_request = change, pull_request
        names = sorted({*change.repository_names, pull_request.repository.name})
        Change.objects.filter(pk=change.pk).update(repository_names=names)
        change.repository_names = names
        append(**vars(entries.linked(row, actor=actor)))
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


@transaction.atomic(savepoint=False)
def classify(*, change: Change, values: Mapping[str, Any], actor: str, at: datetime, held: bool = False) -> bool:
    """Write category, size and kind as computed. Returns whether anything changed; an unchanged one writes nothing.
    ``held`` says that the caller has locked ``change`` and read it since.

    A new class ends the approvals of the old one, visibly. The +1 of an emergency binds to the commit alone (P-22): what is
    read about its files a minute later leaves it standing.
    """
    locked = change if held else queries.locked(change.pk)
    fresh = entries.fresh_classes(locked, values)
    if not fresh and values["reasons"] == locked.reasons:
        return False
    for name, value in (*fresh.items(), ("reasons", values["reasons"])):
        setattr(locked, name, value)
        setattr(change, name, value)
    locked.save(update_fields=[*fresh, "reasons"])
    if fresh:
        append(**vars(entries.classified(locked, fresh, actor=actor, at=at)))
        _lapse_reclassified(locked, fresh, at)
        change.state, change.version, change.moved_at = locked.state, locked.version, locked.moved_at
        ring_for(locked)
    return bool(fresh)


def _lapse_reclassified(change: Change, fresh: Mapping[str, str], at: datetime) -> None:
    if change.merged_at is None and ("category" in fresh or change.category != Category.EMERGENCY):
        words = ", ".join(f"{name} {value}" for name, value in fresh.items())
        lapse_approvals(change=change, reason=f"the change was classed anew: {words}", at=at)


def take_numbers(many: int) -> list[int]:
    """The next so many numbers of changes. Nobody else gets any until the transaction is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
        cursor.execute("SELECT coalesce(max(number), %s) + 1 FROM changes_change", [FIRST_NUMBER - 1])
        (first,) = cursor.fetchone() or (FIRST_NUMBER,)
    return list(range(first, first + many))


def first_revision(change: Change, texts: Texts, written: Written) -> Revision:
    """The first text of a change, not saved yet."""
    return _revision(change, 1, texts, written, material.Judged(True, material.FIRST), binds="")


def _add_revision(change: Change, texts: Texts, written: Written, judged: material.Judged, *, binds: str) -> Revision:
    """``binds`` is what the text before bound to, which an immaterial edit keeps."""
    last = change.revisions.order_by("-number").values_list("number", flat=True).first() or 0
    revision = _revision(change, last + 1, texts, written, judged, binds=binds)
    revision.save()
    return revision


def _revision(change: Change, number: int, texts: Texts, written: Written, judged: material.Judged, *, binds: str) -> Revision:
    digest = revision_digest(**texts)
    return Revision(
        change=change,
        number=number,
        digest=digest,
        binds=digest if judged.material else binds,
        material=judged.material,
        material_reason=judged.reason,
        form_key=written.form_key,
        source=written.source,
        by=written.by,
        by_login=written.by_login,
        at=written.at,
        **texts,
    )
