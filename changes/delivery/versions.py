"""A row and one more version of the fact that it holds: what the row says afterwards. No database, no clock.

The same functions serve one fact (``actions``) and many at once (``sets``), so that both give the same rows. Each returns whether
the row says anything else than before; ``reported_at`` alone is no news.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from changes.delivery.facts import CheckReported, PullRequestReported, ReviewReported
from changes.delivery.merging import CHECK_RANK, EPOCH, REVIEW_RANK, Said, merge_fields
from changes.delivery.models import Check, PullRequest, Repository, Review

PULL_REQUEST_KEY = frozenset({"number", "vendor_updated_at"})
REVIEW_KEY = frozenset({"pull_request_number", "vendor_id"})
CHECK_KEY = frozenset({"source", "vendor_id"})


def values_of(fact: Any, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields of a fact as plain values for a model; tuples become lists."""
    found = {item.name: getattr(fact, item.name) for item in fields(fact) if item.name not in without}
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def new_pull_request(*, repository: Repository, number: int, at: datetime) -> PullRequest:
    """A pull request of which nothing is known yet."""
    return PullRequest(
        repository=repository,
        number=number,
        title="",
        state=PullRequest.State.OPEN,
        head_ref="",
        head_sha="",
        base_ref="",
        reported_at=at,
        touched_at=at,
    )


def take_pull_request(*, row: PullRequest, fact: PullRequestReported, at: datetime, confirmed: bool) -> bool:
    """Field by field the vendor's later word. A reading confirms; a later report that changes something is unconfirmed."""
    values = values_of(fact, without=PULL_REQUEST_KEY)
    said = Said(fact.vendor_updated_at or EPOCH, confirmed)
    known = {name: getattr(row, name) for name in values}
    changed, clocks = merge_fields(known=known, clocks=row.clocks, said_values=values, said=said)
    before = (row.clocks, row.vendor_updated_at, row.confirmed_at is None)
    for name, value in changed.items():
        setattr(row, name, value)
    row.clocks = clocks
    row.vendor_updated_at = max(row.vendor_updated_at or EPOCH, said.at)
    row.reported_at = row.touched_at = at
    if confirmed and row.vendor_updated_at <= said.at:
        row.confirmed_at = at
    elif changed and not confirmed:
        row.confirmed_at = None
    return bool(changed) or before != (row.clocks, row.vendor_updated_at, row.confirmed_at is None)


def new_review(*, pull_request: PullRequest, fact: ReviewReported, at: datetime, confirmed: bool) -> Review:
    """A review that is heard of for the first time."""
    row = Review(pull_request=pull_request, vendor_id=fact.vendor_id, reported_at=at, state=fact.state)
    _copy(row, values_of(fact, without=REVIEW_KEY), newest=True)
    row.confirmed_at = at if confirmed else None
    return row


def take_review(*, row: Review, fact: ReviewReported, at: datetime, confirmed: bool) -> bool:
    """A dismissal is final; otherwise the later word of the vendor stands."""
    rank, known = REVIEW_RANK.get(fact.state, 0), REVIEW_RANK.get(row.state, 0)
    later = (rank, fact.vendor_updated_at or EPOCH) >= (known, row.vendor_updated_at or EPOCH)
    newest = later or (confirmed and rank >= known)
    changed = _copy(row, values_of(fact, without=REVIEW_KEY), newest=newest)
    row.reported_at = at
    return _confirm(row, at, confirmed=confirmed and newest) or changed


def new_check(*, repository: Repository, fact: CheckReported, at: datetime, confirmed: bool) -> Check:
    """A check that is heard of for the first time."""
    row = Check(repository=repository, source=fact.source, vendor_id=fact.vendor_id, reported_at=at, status=fact.status)
    _copy(row, values_of(fact, without=CHECK_KEY), newest=True)
    row.confirmed_at = at if confirmed else None
    return row


def take_check(*, row: Check, fact: CheckReported, at: datetime, confirmed: bool) -> bool:
    """A check that has finished never goes back to running."""
    newest = (CHECK_RANK.get(fact.status, 0), fact.completed_at or EPOCH, confirmed) >= (
        CHECK_RANK.get(row.status, 0),
        row.completed_at or EPOCH,
        row.confirmed_at is not None,
    )
    changed = _copy(row, values_of(fact, without=CHECK_KEY), newest=newest)
    row.reported_at = at
    return _confirm(row, at, confirmed=confirmed) or changed


def _confirm(row: Review | Check, at: datetime, *, confirmed: bool) -> bool:
    """Whether this reading is the first to confirm it."""
    if not confirmed:
        return False
    first = row.confirmed_at is None
    row.confirmed_at = at
    return first


def _copy(row: Any, values: Mapping[str, Any], *, newest: bool) -> bool:
    """Copy what was said; an older version only fills what is not known yet. Whether anything changed."""
    changed = False
    for name, value in values.items():
        if value is not None and (newest or getattr(row, name) in (None, "")) and getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed
