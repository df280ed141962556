"""Lists of authorised mergers: one person proposes, another confirms exactly that text. Nothing is overwritten."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.entitlements import by_two
from changes.entitlements.mergers.models import MergerList
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused
from portal.ui.doorbell import ring


def digest_for(*, repository: int, branch: str, people: Collection[dict[str, Any]], reason: str) -> str:
    """What the second person confirms."""
    return digest_of({"repository": repository, "branch": branch, "people": list(people), "reason": reason})


@transaction.atomic
def propose(*, repository: int, branch: str, people: Collection[User], reason: str, by: User, at: datetime) -> MergerList:
    """First half. ``repository`` is its id, ``branch`` main or prod. ``Stale`` when another proposal waits."""
    _check_may(by, at)
    if branch not in MergerList.Branch.values:
        raise Refused(Clause.AUTHORISED_MERGE, "Lists are kept for main and prod.", "Choose one of them.")
    if not reason.strip():
        raise Refused(Clause.AUTHORISED_MERGE, "A list needs its reason.", "Say in a sentence why these people.")
    if gone := [user.name for user in people if not user.is_active]:
        raise Refused(Clause.AUTHORISED_MERGE, f"{', '.join(sorted(gone))} left.", "Leave them out.")
    named = [{"id": user.pk, "name": user.name} for user in sorted(set(people), key=lambda user: user.pk)]
    _end_expired(repository, branch, at)
    row = MergerList(
        repository_id=repository,
        branch=branch,
        people=named,
        reason=reason.strip(),
        digest=digest_for(repository=repository, branch=branch, people=named, reason=reason.strip()),
        proposed_by=by,
        proposed_at=at,
        expires_at=at + by_two.LIVES,
    )
    by_two.save_alone(row=row, about="this branch")
    _tell("mergers.proposed", row, by, at)
    return row


@transaction.atomic
def confirm(*, row: MergerList, digest: str, by: User, at: datetime) -> MergerList:
    """Second half: the list is in force from now on. Nobody confirms what they proposed, or a list that adds themselves."""
    waiting = _waiting(row, at)
    by_two.check_same(row=waiting, digest=digest)
    _check_may(by, at)
    by_two.check_other(row=waiting, by=by, clause=Clause.AUTHORISED_MERGE)
    standing = MergerList.objects.filter(repository=waiting.repository, branch=waiting.branch, confirmed_at__lte=at)
    before = standing.order_by("-confirmed_at", "-pk").first()
    known = {one["id"] for one in before.people} if before is not None else set()
    if by.pk in {one["id"] for one in waiting.people} - known:
        raise Refused(Clause.AUTHORISED_MERGE, "This list adds yourself.", "Somebody else confirms it.")
    by_two.confirm(row=waiting, by=by, at=at)
    _tell("mergers.confirmed", waiting, by, at)
    return waiting


@transaction.atomic
def withdraw(*, row: MergerList, by: User, at: datetime) -> None:
    """Take a proposal back, or refuse somebody else's."""
    waiting = _waiting(row, at)
    _check_may(by, at)
    waiting.withdrawn_at = at
    waiting.save(update_fields=["withdrawn_at"])
    _tell("mergers.withdrawn", waiting, by, at)


def _end_expired(repository: int, branch: str, at: datetime) -> None:
    rows = MergerList.objects.filter(repository=repository, branch=branch, confirmed_at=None, withdrawn_at=None, expires_at__lte=at)
    for old in rows.select_for_update():
        old.withdrawn_at = at
        old.save(update_fields=["withdrawn_at"])
        _tell("mergers.expired", old, None, at)


def _waiting(row: MergerList, at: datetime) -> MergerList:
    waiting = MergerList.objects.select_for_update(of=("self",)).select_related("repository").get(pk=row.pk)
    by_two.check_waits(row=waiting, at=at)
    return waiting


def _check_may(by: User, at: datetime) -> None:
    if not may_at(by, P.MERGERS_SET, at=at):
        raise Refused(Clause.AUTHORISED_MERGE, f"{by.name} may not {P.MERGERS_SET.sentence}.", "The architecture team does.")


def _tell(kind: str, row: MergerList, by: User | None, at: datetime) -> None:
    append(
        stream=f"mergers:{row.repository_id}:{row.branch}",
        kind=kind,
        actor=actor_of(by) if by is not None else "portal",
        fact={
            "repository": row.repository.name,
            "branch": row.branch,
            "people": [one["name"] for one in row.people],
            "reason": row.reason,
            "digest": row.digest,
            "by": by.name if by is not None else "",
            "at": at.isoformat(),
        },
        rows=[row],
    )
    ring("access")
    ring("inbox")
