"""Applies many deliveries of forges in one transaction, with a few statements for all: what comes in numbers (pull requests,
reviews, checks, pushes) and what is only put aside. ``dividing`` says which go together; the rest is left to go one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from changes.connectors.asking import Asked, ask_all
from changes.connectors.dividing import SETS, Item, Left, divide
from changes.connectors.github import becoming, handlers
from changes.connectors.models import Delivery, HookSecret, Source
from changes.connectors.settling import touch
from changes.delivery.facts import PullRequestReported, PushReported
from changes.delivery.models import PullRequest, Repository
from changes.delivery.sets import Recorded, Told, foresee, record_all
from changes.proposals.following import follow
from changes.proposals.opening import Preparing, open_alone, standing_alone
from portal.rows import as_json, sending
from portal.ui.doorbell import ring

NOTE = """
UPDATE changes_delivery d SET state = s.state, note = s.note, repository_name = s.name, applied_at = s.at
FROM json_to_recordset(%s) AS s (id bigint, state text, note text, name text, at timestamptz)
WHERE d.id = s.id
"""


@transaction.atomic
def apply_batch(*, pks: Sequence[int], at: datetime, at_once: bool) -> Left:
    """Apply these deliveries, as far as they go together, and say which ones are left.

    ``at_once`` lets every change follow in the same transaction; without it only new pull requests get theirs, and the others
    follow when their repository settles. What takes long is done before anything but the deliveries is locked, so that another
    batch about the same repository waits for little more than PostgreSQL. Raises what the database or a fault of ours raises:
    nothing was applied then.
    """
    items, left = divide(deliveries=_locked(pks), at=at, at_once=at_once)
    if len(items) == 1 and not left.alone:
        return Left([items[0].delivery.pk], left.rest)
    _record(items, at_once)
    return left


def _locked(pks: Sequence[int]) -> list[Delivery]:
    """Those that still wait, in their order, with their sources and secrets. What another worker has is left to it."""
    rows = Delivery.objects.select_for_update(skip_locked=True).filter(pk__in=pks, state=Delivery.State.NEW)
    found = list(rows.order_by("id"))
    sources = Source.objects.in_bulk({row.source_id for row in found})
    secrets = HookSecret.objects.in_bulk({row.secret_id for row in found if row.secret_id is not None})
    for row in found:
        row.source = sources[row.source_id]
        row.secret = secrets[row.secret_id] if row.secret_id is not None else None
    return found


def _record(items: Sequence[Item], at_once: bool) -> None:
    """Note what becomes of each, record the facts, ask for what is to be read again, and let changes be opened and follow."""
    told: list[Told] = []
    sources: list[Source] = []
    moved: dict[int, list[Item]] = {}
    for item in items:
        if item.outcome is None and item.parsed is not None and item.repository is not None:
            told += [Told(item.repository, fact, item.at) for fact in item.parsed.facts if isinstance(fact, SETS)]
            sources += [item.delivery.source] * (len(told) - len(sources))
            moved.setdefault(item.repository.pk, []).append(item)
            item.outcome = becoming.recorded(parsed=item.parsed, repository=item.repository)
    _note(items)
    if not told:
        _touch(moved)
        return
    foreseen = foresee(told=told, confirmed=False)
    preparing = _preparing(told, foreseen.values())
    # Locks in the order in which settling takes them: the repository, its pull requests, changes, their numbers.
    _touch(moved)
    found = record_all(told=told, confirmed=False, foreseen=foreseen)
    _ask(told, sources, found)
    _follow(found, preparing, at_once)


def _touch(moved: Mapping[int, Sequence[Item]]) -> None:
    for _, those in sorted(moved.items()):
        if (repository := those[0].repository) is not None:
            touch(repository=repository, at=those[-1].at, since=those[0].at)


def _preparing(told: Sequence[Told], foreseen: Iterable[PullRequest]) -> Preparing:
    pulls = [(one.repository.pk, one.at, one.fact.author_uid) for one in told if isinstance(one.fact, PullRequestReported)]
    preparing = Preparing(accounts=(uid for _, _, uid in pulls), told={pk: at for pk, at, _ in pulls}, at=told[0].at)
    preparing.prepare(foreseen)
    return preparing


def _ask(told: Sequence[Told], sources: Sequence[Source], found: Recorded) -> None:
    asked: list[Asked] = []
    pushed: dict[int, datetime] = {}
    for place, (one, source) in enumerate(zip(told, sources, strict=True)):
        if not isinstance(one.fact, PushReported):
            asked.append(Asked(source, one.repository, handlers.subject_of(one.fact), one.at))
        elif (push := found.pushes[place]) is not None and not push.deleted:
            asked.append(Asked(source, one.repository, f"commit:{push.after}", one.at))
            pushed[one.repository.pk] = one.at
    ask_all(asked=asked)
    for pk, at in sorted(pushed.items()):
        Repository.objects.filter(pk=pk).update(mirror_wanted_at=at)


def _follow(found: Recorded, preparing: Preparing, at_once: bool) -> None:
    """New pull requests get their changes; the others follow at once, or when their repository settles, and so do the words by
    which a new change is found."""
    touched = dict(found.pull_requests)
    if at_once and found.others:
        rows = PullRequest.objects.select_related("repository").filter(pk__in=found.others)
        touched |= {row.pk: row for row in rows}
    alone, others = standing_alone(rows=list(touched.values()), preparing=preparing)
    for row in sorted(others, key=lambda row: row.touched_at) if at_once else ():
        follow(pull_request=row, at=row.touched_at, settled=False)
    open_alone(rows=alone, preparing=preparing, searchable=at_once)


def _note(items: Iterable[Item]) -> None:
    """Write what became of each, and tell the page of the integrations."""
    rows = [
        {
            "id": item.delivery.pk,
            "state": str(item.outcome.state),
            "note": item.outcome.note[:500],
            "name": item.outcome.repository_name[:200],
            "at": item.at,
        }
        for item in items
        if item.outcome is not None
    ]
    if rows:
        with sending() as cursor:
            cursor.execute(NOTE, [as_json(rows)])
        ring("integrations")
