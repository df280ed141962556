"""Record many things that a vendor said with a few statements: the same rows as ``actions`` makes of them one by one.

The versions of one thing are taken in the order in which they are given (``taking`` has the rules). What another transaction
wrote meanwhile makes the database refuse the whole set; whoever calls then tries again, or goes one by one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from types import MappingProxyType

from django.db import transaction
from django.db.models import Q

from changes.delivery.facts import CheckReported, PullRequestReported, PushReported, ReviewReported
from changes.delivery.models import Check, MergeGroup, PullRequest, Push, Repository, Review
from changes.delivery.push_sets import record_pushes
from changes.delivery.taking import take_check, take_pull_request, take_review, unread_pull_request
from portal.rows import Row, as_json, insert_rows, sending, update_rows

SetFact = PullRequestReported | ReviewReported | CheckReported | PushReported
"""Facts that come in numbers."""
Key = tuple[int, int]
"""Repository and number of a pull request."""
NONE: Mapping[Key, PullRequest] = MappingProxyType({})
TOUCH = """
UPDATE changes_pullrequest p SET touched_at = greatest(p.touched_at, s.at)
FROM json_to_recordset(%s) AS s (repository_id bigint, sha text, at timestamptz)
WHERE p.repository_id = s.repository_id AND p.head_sha = s.sha RETURNING p.id
"""
REVIEWED = tuple(one.name for one in Review._meta.concrete_fields if not one.primary_key)
CHECKED = tuple(one.name for one in Check._meta.concrete_fields if not one.primary_key)


@dataclass(frozen=True)
class Told:
    """One fact, what it is about, and when the portal learned it."""

    repository: Repository
    fact: SetFact
    at: datetime


@dataclass
class Recorded:
    """What came of a set."""

    pull_requests: dict[int, PullRequest] = field(default_factory=dict)
    """Those that were told of, themselves or their reviews, by key, in the order in which they were first told of."""
    others: set[int] = field(default_factory=set)
    """Keys of further ones whose checks were told of."""
    pushes: dict[int, Push | None] = field(default_factory=dict)
    """By the place of their fact in the set."""


def foresee(*, told: Sequence[Told], confirmed: bool) -> dict[Key, PullRequest]:
    """The pull requests among these that nobody has told of before, as they will be on record. Asks once and locks nothing, so that
    all that takes long is done before anybody waits."""
    wanted = _wanted(told)
    if not wanted:
        return {}
    known = set(PullRequest.objects.filter(_any_of(wanted)).values_list("repository_id", "number"))
    rows: dict[Key, PullRequest] = {}
    _take(rows, [one for one in told if (key := _key_of(one)) is not None and key not in known], confirmed)
    return rows


@transaction.atomic
def record_all(*, told: Sequence[Told], confirmed: bool, foreseen: Mapping[Key, PullRequest] = NONE) -> Recorded:
    """Record them all. Locks are taken in the order of the rows' keys.

    ``foreseen`` is what ``foresee`` found for the same set; one that somebody else has put on record since is not used.
    """
    found = Recorded()
    requests = _pull_requests(told, confirmed, foreseen)
    _reviews(told, requests, confirmed)
    _checks(told, confirmed)
    keys = ((one.repository.pk, _number_of(one.fact)) for one in told)
    found.pull_requests = {requests[pk, number].pk: requests[pk, number] for pk, number in keys if number is not None}
    found.others = _touched_by_checks(told) - set(found.pull_requests)
    pushes = {place: (one.repository, one.fact, one.at) for place, one in enumerate(told) if isinstance(one.fact, PushReported)}
    found.pushes = dict(zip(pushes, record_pushes(told=pushes.values()), strict=True))
    return found


def _number_of(fact: SetFact) -> int | None:
    if isinstance(fact, PullRequestReported):
        return fact.number
    return fact.pull_request_number if isinstance(fact, ReviewReported) else None


def _key_of(one: Told) -> Key | None:
    """Of the pull request that a fact is about, if it is about one."""
    number = _number_of(one.fact)
    return None if number is None else (one.repository.pk, number)


def _pull_requests(told: Sequence[Told], confirmed: bool, foreseen: Mapping[Key, PullRequest]) -> dict[Key, PullRequest]:
    """The pull requests that are told of, as they are now, saved."""
    rows = _known_pull_requests(_wanted(told))
    ready = {key: row for key, row in foreseen.items() if key not in rows}
    names = _take(rows, [one for one in told if _key_of(one) not in ready], confirmed)
    rows |= ready
    _save([rows[key] for key in sorted(rows)], names)
    return rows


def _take(rows: dict[Key, PullRequest], told: Iterable[Told], confirmed: bool) -> set[str]:
    """Merge facts into rows, new ones among them. Returns the fields that are to be written of those that are known."""
    names = {"touched_at"}
    for one in told:
        key = _key_of(one)
        if key is None:
            continue
        if key not in rows:
            rows[key] = unread_pull_request(repository=one.repository, number=key[1], at=one.at)
        if isinstance(one.fact, PullRequestReported):
            names |= {*take_pull_request(row=rows[key], fact=one.fact, at=one.at, confirmed=confirmed)}
        rows[key].touched_at = max(rows[key].touched_at, one.at)
    return names


def _wanted(told: Iterable[Told]) -> dict[int, set[int]]:
    """Numbers of pull requests, by repository."""
    wanted: dict[int, set[int]] = {}
    for one in told:
        key = _key_of(one)
        if key is not None:
            wanted.setdefault(key[0], set()).add(key[1])
    return wanted


def _any_of(wanted: Mapping[int, set[int]]) -> Q:
    return reduce(or_, (Q(repository=repository, number__in=numbers) for repository, numbers in wanted.items()))


def _known_pull_requests(wanted: Mapping[int, set[int]]) -> dict[Key, PullRequest]:
    if not wanted:
        return {}
    found = PullRequest.objects.filter(_any_of(wanted)).select_for_update(of=("self",)).select_related("repository")
    return {(row.repository_id, row.number): row for row in found.order_by("repository_id", "number")}


def _reviews(told: Sequence[Told], requests: Mapping[Key, PullRequest], confirmed: bool) -> None:
    facts = [
        (requests[one.repository.pk, one.fact.pull_request_number], one.fact, one.at)
        for one in told
        if isinstance(one.fact, ReviewReported)
    ]
    if not facts:
        return
    ids = {fact.vendor_id for _, fact, _ in facts}
    known = Review.objects.filter(pull_request__in={row.pk for row, _, _ in facts}, vendor_id__in=ids)
    rows: dict[Key, Review] = {(row.pull_request_id, row.vendor_id): row for row in known.select_for_update().order_by("id")}
    told_of = set()
    for pull_request, fact, at in facts:
        key = (pull_request.pk, fact.vendor_id)
        rows[key] = take_review(row=rows.get(key), pull_request=pull_request, fact=fact, at=at, confirmed=confirmed)
        told_of.add(key)
    _save([rows[key] for key in sorted(told_of)], REVIEWED)


def _checks(told: Sequence[Told], confirmed: bool) -> None:
    facts = [(one.repository, one.fact, one.at) for one in told if isinstance(one.fact, CheckReported)]
    if not facts:
        return
    ids = {fact.vendor_id for _, fact, _ in facts}
    known = Check.objects.filter(repository__in={repository.pk for repository, _, _ in facts}, vendor_id__in=ids)
    rows = {(row.repository_id, row.source, row.vendor_id): row for row in known.select_for_update(of=("self",)).order_by("id")}
    told_of = set()
    for repository, fact, at in facts:
        key = (repository.pk, fact.source, fact.vendor_id)
        rows[key] = take_check(row=rows.get(key), repository=repository, fact=fact, at=at, confirmed=confirmed)
        told_of.add(key)
    _save([rows[key] for key in sorted(told_of)], CHECKED)


def _touched_by_checks(told: Sequence[Told]) -> set[int]:
    """Note on pull requests that checks of their head were told of, directly or in a merge queue. Returns their keys."""
    last: dict[tuple[int, str], datetime] = {}
    for one in told:
        if isinstance(one.fact, CheckReported):
            key = (one.repository.pk, one.fact.head_sha)
            last[key] = max(last.get(key, one.at), one.at)
    if not last:
        return set()
    heads = [{"repository_id": repository, "sha": sha, "at": at} for (repository, sha), at in last.items()]
    with sending() as cursor:
        cursor.execute(TOUCH, [as_json(heads)])
        found = {int(pk) for (pk,) in cursor.fetchall()}
    groups = MergeGroup.objects.filter(repository__in={key[0] for key in last}, head_sha__in={key[1] for key in last})
    for group in groups.order_by("id"):
        at = last.get((group.repository_id, group.head_sha))
        if at is not None:
            tried = PullRequest.objects.filter(repository_id=group.repository_id, number__in=group.numbers)
            tried.filter(touched_at__lt=at).update(touched_at=at)
            found |= set(tried.values_list("pk", flat=True))
    return found


def _save(rows: Iterable[Row], names: Collection[str]) -> None:
    """New rows are inserted and get their keys; of those that were there these fields are written."""
    every = list(rows)
    known = [row for row in every if row.pk is not None]
    insert_rows([row for row in every if row.pk is None])
    update_rows(known, names=names)
