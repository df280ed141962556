"""Record what a reading of the API showed of many pull requests, with their reviews and checks.

What is on record already and says the same is left alone: a second reading of the same writes nothing and wakes nobody. The rest
goes through ``sets``, as confirmed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from changes.delivery import actions
from changes.delivery.branch_names import named_now
from changes.delivery.facts import CheckReported, PullRequestRead, PullRequestReported, ReviewReported
from changes.delivery.models import Check, PullRequest, Repository, Review
from changes.delivery.sets import Told, record_all
from changes.delivery.taking import KEYS_OF_CHECK, KEYS_OF_PULL_REQUEST, KEYS_OF_REVIEW, values_of

ReadFact = PullRequestReported | ReviewReported | CheckReported


def record_read(
    *, repository: Repository, read: Sequence[PullRequestRead], at: datetime, moves: Callable[[], None] = lambda: None
) -> int:
    """Record it. Returns how many facts were news; ``moves`` is called before the first one is written, if there is one."""
    news = [*_news(repository, read)]
    if not news:
        return 0
    moves()
    try:
        with transaction.atomic():
            record_all(told=[Told(repository, fact, at) for fact in news], confirmed=True)
    except IntegrityError:  # somebody else told of the same thing for the first time meanwhile
        for fact in news:
            _record(repository, fact, at)
    return len(news)


def _record(repository: Repository, fact: ReadFact, at: datetime) -> None:
    if isinstance(fact, PullRequestReported):
        actions.record_pull_request(repository=repository, fact=fact, at=at, confirmed=True)
    elif isinstance(fact, ReviewReported):
        actions.record_review(repository=repository, fact=fact, at=at, confirmed=True)
    else:
        actions.record_check(repository=repository, fact=fact, at=at, confirmed=True)


def _news(repository: Repository, read: Sequence[PullRequestRead]) -> Iterator[ReadFact]:
    """What is not on record, not confirmed, or says something else."""
    numbers = [one.pull_request.number for one in read]
    by_number = {row["number"]: row for row in PullRequest.objects.filter(repository=repository, number__in=numbers).values()}
    of_them = Review.objects.filter(pull_request__in=[row["id"] for row in by_number.values()]).values()
    reviews = {(row["pull_request_id"], row["vendor_id"]): row for row in of_them}
    ids = {check.vendor_id for one in read for check in one.checks}
    runs = Check.objects.filter(repository=repository, source__in=Check.Source.values, vendor_id__in=ids).values()
    checks = {(row["source"], row["vendor_id"]): row for row in runs}
    for one in read:
        known = by_number.get(one.pull_request.number)
        told = named_now(repository=repository, fact=one.pull_request)
        if known is None or known["vendor_updated_at"] != told.vendor_updated_at or _is_news(told, known, KEYS_OF_PULL_REQUEST):
            yield told
        for review in one.reviews:
            if known is None or _is_news(review, reviews.get((known["id"], review.vendor_id)), KEYS_OF_REVIEW):
                yield review
        for check in one.checks:
            if _is_news(check, checks.get((check.source, check.vendor_id)), KEYS_OF_CHECK):
                yield check


def _is_news(fact: ReadFact, known: Mapping[str, Any] | None, without: frozenset[str]) -> bool:
    if known is None or known["confirmed_at"] is None:
        return True
    said = values_of(fact, without=without)
    return any(value is not None and known[name] != value for name, value in said.items())
