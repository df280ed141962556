"""Lists of changes: what the address asks for, in which order, and the page of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from typing import Any

from django.db.models import Q, QuerySet

from changes.delivery.models import PullRequest
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change, Kind, Size
from changes.proposals.searching import asking
from changes.proposals.searching.language import RISKS, Question, Term, read
from changes.proposals.stages import Stage
from portal.access.scope import Scope
from portal.ui.paging import SIZE, Page, page_of, read_cursor

CHOICES: dict[str, list[tuple[str, str]]] = {
    "state": list(State.choices),
    "category": list(Category.choices),
    "kind": list(Kind.choices),
    "size": list(Size.choices),
    "risk": [(risk, risk.capitalize()) for risk in RISKS],
    "routine": [("yes", "Routine updates"), ("no", "No routine updates")],
    "stage": list(Stage.choices),
}
"""The filters that have a fixed set of values."""
LARGE_COLUMNS = ("assessment", "reasons", "risk")
NOTHING: Page[Change] = Page([], "", "")


@dataclass(frozen=True)
class Sort:
    """One order of the list. ``column`` is never null and has an index together with the key."""

    label: str
    column: str
    ascending: bool = False


SORTS: dict[str, Sort] = {
    "moved": Sort("Newest movement", "moved_at"),
    "oldest": Sort("Oldest movement", "moved_at", ascending=True),
    "number": Sort("Newest number", "number"),
    "risk": Sort("Highest risk", "risk_points"),
    "due": Sort("Due first", "due_at", ascending=True),
}
DEFAULT_SORT = "moved"


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. Empty texts filter nothing; ``pull_request`` is a number, ``mine`` and ``reader`` are ids of
    persons. The days bound the last movement: from ``after`` on, until the day before ``before``, in UTC."""

    text: str = ""
    state: str = ""
    category: str = ""
    kind: str = ""
    size: str = ""
    risk: str = ""
    routine: str = ""
    stage: str = ""
    repository: str = ""
    requester: str = ""
    after: str = ""
    before: str = ""
    pull_request: int | None = None
    commit: str = ""
    mine: int | None = None
    reader: int | None = None
    today: date = date(1970, 1, 1)
    """The day that "today" in a search means."""

    @property
    def question(self) -> Question:
        """The text of the search box, read."""
        return read(self.text)


@dataclass(frozen=True)
class Narrowed:
    """What is wanted, ready to be asked: terms with everything resolved, and the moments between which a change moved."""

    terms: tuple[Term, ...]
    span: asking.Span
    stage: str
    pulls: Q
    by_words: bool


def narrowed(wanted: Wanted) -> Narrowed:
    """Filters and search as one list of terms. Asks the database only about commits."""
    chosen = {name: getattr(wanted, name) for name in ("state", "category", "kind", "size", "risk", "routine", "repository")}
    chosen |= {"author": wanted.requester.strip().lower(), "after": wanted.after, "before": wanted.before}
    chosen |= {"mine": str(wanted.mine) if wanted.mine is not None else ""}
    filters = tuple(Term(name, (value,)) for name, value in chosen.items() if value)
    terms = asking.resolved((*filters, *wanted.question.terms), reader=wanted.reader)
    span = asking.span_of(terms, today=wanted.today)
    return Narrowed(terms, span, wanted.stage, _pulls(wanted), asking.asks_words(terms))


def matching(*, wanted: Wanted, scope: Scope) -> QuerySet[Change]:
    """Changes that match, inside what this request may see, without their large columns, in no order: those that ``find``
    shows page by page. Asks the database first where what is found decides how the words are meant."""
    if wanted.question.problems:
        return Change.objects.none()
    asked = narrowed(wanted)
    rows = _narrow(asked, scope)
    if not asked.by_words:
        return rows
    terms = _scoped(asked, scope)
    found = rows.filter(pk__in=asking.everything(asking.by_words(terms)))
    if not asking.may_be_beginnings(asked.terms) or found.exists():
        return found
    return rows.filter(pk__in=asking.everything(asking.by_words(terms, beginnings=True)))


def find(
    *, wanted: Wanted, scope: Scope, sort: str = DEFAULT_SORT, older: str = "", newer: str = "", size: int = SIZE
) -> Page[Change]:
    """One page of what matches. Where nothing does, names and the last word are taken for beginnings."""
    if wanted.question.problems:
        return NOTHING
    asked = narrowed(wanted)
    found = _page(asked, scope, sort, older, newer, size)
    if found.rows or not asking.may_be_beginnings(asked.terms):
        return found
    return _page(asked, scope, sort, older, newer, size, beginnings=True)


def _page(asked: Narrowed, scope: Scope, sort: str, older: str, newer: str, size: int, *, beginnings: bool = False) -> Page[Change]:
    order = SORTS[sort]
    rows = _narrow(asked, scope)
    if asked.by_words:
        words = asking.by_words(_scoped(asked, scope), beginnings=beginnings)
        ladder = order.column == "moved_at" and not asked.stage and not asked.pulls
        keys = _next_to(asked, scope, words, order, older, newer, size) if ladder else asking.everything(words)
        rows = rows.filter(pk__in=keys)
    return page_of(rows, by=order.column, size=size, older_than=older, newer_than=newer, ascending=order.ascending)


def _next_to(asked: Narrowed, scope: Scope, words: asking.Words, order: Sort, older: str, newer: str, size: int) -> Any:
    """The keys of the page, from the index alone: see ``changes_search_newest``."""
    cursor = newer or older
    past: tuple[datetime, int] | None = None
    if cursor:
        moment, pk = read_cursor(cursor)
        past = (moment, pk) if isinstance(moment, datetime) else None
    up = order.ascending != bool(newer)
    span = _inside_window(asked.span, scope)
    return asking.newest(words, many=size + 1, up=up, past=past, span=span, opened_before=scope.window_to)


def _inside_window(span: asking.Span, scope: Scope) -> asking.Span:
    floors = [moment for moment in (span.moved_from, scope.window_from) if moment is not None]
    return replace(span, moved_from=max(floors, default=None))


def _scoped(asked: Narrowed, scope: Scope) -> Sequence[Term]:
    """The terms and the auditors' repositories, so that the index already leaves out what they may not see."""
    if scope.repositories is None:
        return asked.terms
    return (*asked.terms, Term("repository", tuple(sorted(scope.repositories)) or ("",)))


def _narrow(asked: Narrowed, scope: Scope) -> QuerySet[Change]:
    """Everything but the words, as conditions on the change itself. Where words are asked too, they hold as well."""
    rows = Change.objects.defer(*LARGE_COLUMNS).select_related("requester")
    rows = rows.filter(asked.pulls, asking.by_columns(asked.terms))
    if asked.stage:
        rows = rows.filter(stage=asked.stage)
    if asked.span.moved_from is not None:
        rows = rows.filter(moved_at__gte=asked.span.moved_from)
    if asked.span.moved_before is not None:
        rows = rows.filter(moved_at__lt=asked.span.moved_before)
    return _inside(rows, scope)


def _pulls(wanted: Wanted) -> Q:
    """The changes of one pull request or commit, as the API asks: within the repository where one is named."""
    if wanted.pull_request is None and not wanted.commit:
        return Q()
    conditions = [
        Q(repository__name=wanted.repository) if wanted.repository else Q(),
        Q(number=wanted.pull_request) if wanted.pull_request is not None else Q(),
        Q(head_sha__startswith=wanted.commit) | Q(merge_sha__startswith=wanted.commit) if wanted.commit else Q(),
    ]
    ours = PullRequest.objects.filter(reduce(lambda one, other: one & other, conditions))
    return Q(pk__in=Change.objects.filter(links__pull_request__in=ours).values("pk"))


def _inside(rows: QuerySet[Change], scope: Scope) -> QuerySet[Change]:
    """Auditors see the changes of their repositories that were alive in their window."""
    if scope.repositories is not None:
        rows = rows.filter(repository_names__overlap=sorted(scope.repositories))
    if scope.window_from is not None:
        rows = rows.filter(moved_at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(opened_at__lt=scope.window_to)
    return rows


def visible(*, number: int, scope: Scope) -> Change | None:
    """One change by its number; None when it is not there or not in scope."""
    return _inside(Change.objects.select_related("requester", "joined_to"), scope).filter(number=number).first()
