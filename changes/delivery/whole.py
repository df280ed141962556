"""Record many pull requests at once, with their reviews and checks: the rows that ``actions`` would give, in a few statements.

For first readings of whole repositories. What is known and says the same is not written at all, so that a second reading of the
same costs no space and wakes nobody. Rows are locked in the order of their numbers; what somebody else inserts meanwhile is
merged like everything that was known before.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.db import connection, models, transaction

from changes.delivery.actions import queued
from changes.delivery.facts import CheckReported, PullRequestRead, PullRequestReported, ReviewReported
from changes.delivery.models import Check, MergeGroup, PullRequest, Repository, Review
from changes.delivery.versions import (
    new_check,
    new_pull_request,
    new_review,
    take_check,
    take_pull_request,
    take_review,
)

Row = TypeVar("Row", bound=models.Model)
Said = TypeVar("Said")
Key = tuple[int | str, ...]
SLICE = 1000
"""Rows of one statement: well under the 65,535 values that PostgreSQL takes."""


@transaction.atomic
def record_read(*, repository: Repository, read: Sequence[PullRequestRead], at: datetime) -> int:
    """Record what a reading of the API showed, as confirmed. Returns how many pull requests say something new."""
    facts = {(item.pull_request.number,): item.pull_request for item in sorted(read, key=lambda item: item.pull_request.number)}
    rows, moved = _pull_requests(repository, facts, at)
    reviews = {(rows[(one.pull_request_number,)].pk, one.vendor_id): one for item in read for one in item.reviews}
    moved |= _reviews({row.pk: row for row in rows.values()}, reviews, at)
    checks = {(one.source, one.vendor_id): one for item in read for one in item.checks}
    heads = _checks(repository, checks, at)
    _touch(repository, moved, heads, at)
    return len(moved | {row.pk for row in rows.values() if row.head_sha in heads})


def _pull_requests(
    repository: Repository, facts: Mapping[Key, PullRequestReported], at: datetime
) -> tuple[dict[Key, PullRequest], set[int]]:
    """(all rows by number, the ids of those that moved)."""

    def known(keys: Collection[Key]) -> dict[Key, PullRequest]:
        rows = PullRequest.objects.filter(repository=repository, number__in=[key[0] for key in keys])
        return {(row.number,): row for row in rows.select_for_update(of=("self",)).order_by("number")}

    def new(fact: PullRequestReported) -> PullRequest:
        row = new_pull_request(repository=repository, number=fact.number, at=at)
        take_pull_request(row=row, fact=fact, at=at, confirmed=True)
        return row

    def take(row: PullRequest, fact: PullRequestReported) -> bool:
        return take_pull_request(row=row, fact=fact, at=at, confirmed=True)

    return _merged(PullRequest, ("number",), facts, known=known, new=new, take=take)


def _reviews(pull_requests: Mapping[int, PullRequest], facts: Mapping[Key, ReviewReported], at: datetime) -> set[int]:
    """The ids of the pull requests whose reviews moved."""

    def known(keys: Collection[Key]) -> dict[Key, Review]:
        rows = Review.objects.filter(pull_request__in={key[0] for key in keys})
        return {(row.pull_request_id, row.vendor_id): row for row in rows}

    def new(fact: ReviewReported) -> Review:
        return new_review(pull_request=by_number[fact.pull_request_number], fact=fact, at=at, confirmed=True)

    def take(row: Review, fact: ReviewReported) -> bool:
        return take_review(row=row, fact=fact, at=at, confirmed=True)

    by_number = {row.number: row for row in pull_requests.values()}
    rows, moved = _merged(Review, ("pull_request_id", "vendor_id"), facts, known=known, new=new, take=take)
    return {row.pull_request_id for row in rows.values() if row.pk in moved}


def _checks(repository: Repository, facts: Mapping[Key, CheckReported], at: datetime) -> set[str]:
    """The commits whose checks moved."""

    def known(keys: Collection[Key]) -> dict[Key, Check]:
        sources, numbers = {key[0] for key in keys}, {key[1] for key in keys}
        rows = Check.objects.filter(repository=repository, source__in=sources, vendor_id__in=numbers)
        return {(row.source, row.vendor_id): row for row in rows.select_for_update(of=("self",)).order_by("id")}

    def new(fact: CheckReported) -> Check:
        return new_check(repository=repository, fact=fact, at=at, confirmed=True)

    def take(row: Check, fact: CheckReported) -> bool:
        return take_check(row=row, fact=fact, at=at, confirmed=True)

    rows, moved = _merged(Check, ("source", "vendor_id"), facts, known=known, new=new, take=take)
    return {row.head_sha for row in rows.values() if row.pk in moved}


def _touch(repository: Repository, moved: set[int], heads: set[str], at: datetime) -> None:
    """Whoever looks for news finds the pull requests whose reviews or checks moved, and those that a merge queue tries."""
    rows = PullRequest.objects.filter(repository=repository)
    rows.filter(models.Q(pk__in=moved) | models.Q(head_sha__in=heads)).exclude(touched_at=at).update(touched_at=at)
    for group in MergeGroup.objects.filter(repository=repository, head_sha__in=heads):
        queued(group).update(touched_at=at)


def _merged(
    model: type[Row],
    key: tuple[str, ...],
    facts: Mapping[Key, Said],
    *,
    known: Callable[[Collection[Key]], dict[Key, Row]],
    new: Callable[[Said], Row],
    take: Callable[[Row, Said], bool],
) -> tuple[dict[Key, Row], set[int]]:
    """(the rows by their keys, the ids of those that moved). ``key`` names the columns that ``facts`` are keyed by."""
    if not facts:
        return {}, set()
    rows = known(facts)
    added = {one: new(fact) for one, fact in facts.items() if one not in rows}
    _insert(model, key, added)
    late = known([one for one, row in added.items() if row.pk is None]) if any(row.pk is None for row in added.values()) else {}
    rows |= late
    changed = [row for one, row in rows.items() if one in facts and take(row, facts[one])]
    _overwrite(model, changed)
    moved = {row.pk for row in [*changed, *added.values()] if row.pk is not None}
    return {**{one: row for one, row in added.items() if row.pk is not None}, **rows}, moved


def _insert(model: type[Row], key: tuple[str, ...], rows: Mapping[Key, Row]) -> None:
    """Insert those that are not there; they get their ids. Others keep none: somebody else was faster."""
    columns = [field for field in model._meta.concrete_fields if not field.primary_key]
    names = ", ".join(f'"{field.column}"' for field in columns)
    marks = f"({', '.join(['%s'] * len(columns))})"
    many = list(rows.values())
    for start in range(0, len(many), SLICE):
        part = many[start : start + SLICE]
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for row in part for field in columns]
        statement = (
            f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES {", ".join([marks] * len(part))} '  # noqa: S608 (our names)
            f"ON CONFLICT DO NOTHING RETURNING id, {', '.join(key)}"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            for pk, *found in cursor.fetchall():
                rows[tuple(found)].pk = pk


def _overwrite(model: type[Row], rows: Sequence[Row]) -> None:
    """Write locked rows back, all at once."""
    names = [field.name for field in model._meta.concrete_fields if not field.primary_key]
    model._default_manager.bulk_create(rows, batch_size=SLICE, update_conflicts=True, unique_fields=["id"], update_fields=names)
