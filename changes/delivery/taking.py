"""One version of a fact taken into its row, in memory. Whoever records, one by one (``actions``) or many at once (``sets``),
does it by these functions, so that the rules of merging are written down once. Nothing here reads or writes the database.

``at`` is when the portal learned it (UTC); ``confirmed`` says that the API itself was read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from changes.delivery.branch_names import named_now, present_name
from changes.delivery.facts import CheckReported, PullRequestReported, PushReported, RepositoryFact, ReviewReported
from changes.delivery.merging import CHECK_RANK, EPOCH, REVIEW_RANK, Said, merge_fields
from changes.delivery.models import Check, PullRequest, Push, Repository, Review

NOTHING: frozenset[str] = frozenset()
KEYS_OF_PULL_REQUEST = frozenset({"number", "vendor_updated_at"})
NOTED = ("clocks", "vendor_updated_at", "reported_at", "confirmed_at", "touched_at")
"""What every version writes."""
KEYS_OF_REVIEW = frozenset({"pull_request_number", "vendor_id"})
KEYS_OF_CHECK = frozenset({"source", "vendor_id"})


def values_of(fact: Any, *, without: frozenset[str] = NOTHING) -> dict[str, Any]:
    """The fields of a fact as plain values for a model; tuples become lists."""
    kind: Any = type(fact)
    return {name: _plain(getattr(fact, name)) for name in _names_of(kind) if name not in without}


@cache
def _names_of(kind: Any) -> tuple[str, ...]:
    """Reflection takes longer than the rest of a merge."""
    return tuple(item.name for item in fields(kind))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def known_as(*, rows: Iterable[Repository], fact: RepositoryFact) -> Repository | None:
    """The one of these repositories in scope that a payload names: by the vendor's number, else by name."""
    known = list(rows)
    if fact.vendor_id is not None:
        numbered = next((row for row in known if row.vendor_id == fact.vendor_id), None)
        if numbered is not None:
            return numbered
    names = [name.lower() for name in (fact.name, fact.previous_name) if name]
    named = next((row for name in names for row in known if row.name.lower() == name), None)
    if named is None or (named.vendor_id is not None and fact.vendor_id not in (None, named.vendor_id)):
        return None
    return named


def brings_names(*, repository: Repository, fact: RepositoryFact) -> bool:
    """Whether a payload tells of a number or a name of the repository that is not on record yet."""
    return (repository.vendor_id is None and fact.vendor_id is not None) or is_renamed(repository=repository, fact=fact)


def is_renamed(*, repository: Repository, fact: RepositoryFact, at_present: bool = False) -> bool:
    """Whether a payload tells of a new name. One from before a rename may come after it: an old name comes back only when the
    forge says that it was given, or was asked just now (``at_present``)."""
    same = repository.name == fact.name if fact.vendor_id is not None else repository.name.lower() == fact.name.lower()
    return not same and (at_present or fact.name not in repository.former_names or fact.previous_name == repository.name)


def unread_pull_request(*, repository: Repository, number: int, at: datetime) -> PullRequest:
    """A row of which nothing is known but its number."""
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


def take_pull_request(*, row: PullRequest, fact: PullRequestReported, at: datetime, confirmed: bool) -> tuple[str, ...]:
    """Merge one version of a pull request into what is known of it. Returns the fields that are to be written then."""
    values = values_of(named_now(repository=row.repository, fact=fact), without=KEYS_OF_PULL_REQUEST)
    said = Said(fact.vendor_updated_at or EPOCH, confirmed)
    known = {name: getattr(row, name) for name in values}
    changed, clocks = merge_fields(known=known, clocks=row.clocks, said_values=values, said=said)
    for name, value in changed.items():
        setattr(row, name, value)
    row.clocks = clocks
    row.vendor_updated_at = max(row.vendor_updated_at or EPOCH, said.at)
    row.reported_at = at
    row.touched_at = at
    _note_confirmation(row, said, at, confirmed=confirmed, changed=bool(changed))
    return (*changed, *NOTED)


def _note_confirmation(row: PullRequest, said: Said, at: datetime, *, confirmed: bool, changed: bool) -> None:
    """A reading confirms; a later report that changes something is unconfirmed until it is read again."""
    if confirmed and (row.vendor_updated_at or EPOCH) <= said.at:
        row.confirmed_at = at
    elif changed and not confirmed:
        row.confirmed_at = None


def take_review(*, row: Review | None, pull_request: PullRequest, fact: ReviewReported, at: datetime, confirmed: bool) -> Review:
    """Merge one version of a review, the first when there is no row yet. A dismissal is final; otherwise the vendor's later
    word stands."""
    if row is None:
        row = Review(pull_request=pull_request, vendor_id=fact.vendor_id, reported_at=at, state=fact.state)
        newest = True
    else:
        rank, known = REVIEW_RANK.get(fact.state, 0), REVIEW_RANK.get(row.state, 0)
        later = (rank, fact.vendor_updated_at or EPOCH) >= (known, row.vendor_updated_at or EPOCH)
        newest = later or (confirmed and rank >= known)
    _copy(row, values_of(fact, without=KEYS_OF_REVIEW), newest=newest)
    row.reported_at = at
    if confirmed and newest:
        row.confirmed_at = at
    return row


def take_check(*, row: Check | None, repository: Repository, fact: CheckReported, at: datetime, confirmed: bool) -> Check:
    """Merge one version of a check, the first when there is no row yet. A finished one never goes back to running."""
    if row is None:
        row = Check(repository=repository, source=fact.source, vendor_id=fact.vendor_id, reported_at=at, status=fact.status)
        newest = True
    else:
        newest = (CHECK_RANK.get(fact.status, 0), fact.completed_at or EPOCH, confirmed) >= (
            CHECK_RANK.get(row.status, 0),
            row.completed_at or EPOCH,
            row.confirmed_at is not None,
        )
    _copy(row, values_of(fact, without=KEYS_OF_CHECK), newest=newest)
    row.reported_at = at
    if confirmed:
        row.confirmed_at = at
    return row


def new_push(*, repository: Repository, fact: PushReported, at: datetime) -> Push | None:
    """A push to main or prod that nobody has told of before; None for other branches, which are no fact of the policy."""
    branch = present_name(repository=repository, name=fact.branch, at=fact.pushed_at)
    if branch not in (repository.main_branch, repository.prod_branch):
        return None
    values = {name: value for name, value in values_of(fact, without=frozenset({"created"})).items() if value is not None}
    return Push(**{"pushed_at": at, **values, "branch": branch}, repository=repository, reported_at=at)


def _copy(row: Any, values: Mapping[str, Any], *, newest: bool) -> None:
    """Copy what was said; an older version only fills what is not known yet."""
    for name, value in values.items():
        if value is not None and (newest or getattr(row, name) in (None, "")):
            setattr(row, name, value)
