"""Pushes that reached prod past every pull request, and the changes that answer for them (P-02, P-08).

A push is linked to one change once. It is taken back when later evidence shows that a pull request had brought it, and
counts again when that evidence goes away; nothing is deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.delivery.branch_names import names_of
from changes.delivery.models import Repository
from changes.proposals import queries
from changes.proposals.models import Change, LinkedPush
from changes.proposals.moving import ring_for, stream_of
from portal.ledger.actions import append

Person = Mapping[str, Any]


@dataclass(frozen=True)
class Pushed:
    """One push past the pull requests: where, which commit, by whom, and what came with it.

    ``people`` are contributors by commit, as on a pull request; ``uid`` is the forge's number of the pusher, if told.
    """

    repository: Repository
    branch: str
    commit: str
    login: str
    uid: int | None
    at: datetime
    confirmed: bool
    people: tuple[Person, ...] = ()
    paths: tuple[str, ...] = ()
    subjects: tuple[str, ...] = field(default=())
    """First lines of the commits' messages, oldest first."""


@transaction.atomic
def link_push(*, change: Change, pushed: Pushed, reason: str, at: datetime) -> LinkedPush:
    """Tie a push to the change that answers for it. A push that is tied already stays where it is; taken back, it counts again."""
    queries.locked(change.pk)  # before its stream in the ledger, as whoever follows the change takes them
    names = names_of(repository=pushed.repository, name=pushed.branch)
    row = LinkedPush.objects.filter(repository=pushed.repository, branch__in=names, commit_sha=pushed.commit).first()
    if row is not None:
        return _again(row, pushed, at)
    row = LinkedPush.objects.create(
        change=change,
        repository=pushed.repository,
        branch=pushed.branch,
        commit_sha=pushed.commit,
        pusher_uid=pushed.uid,
        pusher_login=pushed.login,
        people=[dict(person) for person in pushed.people],
        paths=list(pushed.paths),
        reason=reason,
        confirmed=pushed.confirmed,
        pushed_at=pushed.at,
        at=at,
    )
    named = sorted({*change.repository_names, pushed.repository.name})
    Change.objects.filter(pk=change.pk).update(repository_names=named)
    change.repository_names = named
    _tell(row, "change.push_linked", reason, at)
    return row


def _again(row: LinkedPush, pushed: Pushed, at: datetime) -> LinkedPush:
    if pushed.confirmed and not row.confirmed:
        row.confirmed = True
        row.save(update_fields=["confirmed"])
    if row.taken_back_at is not None:
        row.taken_back_at = None
        row.save(update_fields=["taken_back_at"])
        _tell(row, "change.push_counts_again", "found again", at)
    return row


@transaction.atomic
def take_back_push(*, row: LinkedPush, reason: str, at: datetime) -> None:
    """Later evidence accounts for the push: it no longer counts, and the row stays."""
    queries.locked(row.change_id)  # before its stream in the ledger, as whoever follows the change takes them
    locked = LinkedPush.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if locked.taken_back_at is None:
        locked.taken_back_at = at
        locked.save(update_fields=["taken_back_at"])
        _tell(locked, "change.push_taken_back", reason, at)


def _tell(row: LinkedPush, kind: str, reason: str, at: datetime) -> None:
    fact = {"push": str(row), "branch": row.branch, "by": row.pusher_login, "reason": reason, "at": at.isoformat()}
    append(stream=stream_of(row.change), kind=kind, actor="portal", fact=fact, rows=[row])
    ring_for(row.change)
