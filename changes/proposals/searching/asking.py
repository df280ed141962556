"""Terms as questions to PostgreSQL: by the columns of the change where each has one, else by the index of words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL

from changes.delivery.models import PullRequest
from changes.proposals.models import Change, LinkedPullRequest
from changes.proposals.searching.language import SIGNS, Term, first_day
from changes.proposals.searching.models import SearchName

DATES = frozenset({"after", "before"})
SHORTEST_BEGINNING = 3
"""Letters: shorter beginnings would find nearly everything."""
MOST_NAMES = 100
"""Names that a beginning is spelled out as. More are left to the index, which joins them all for each look: slow, but right."""
MOST_OF_A_COMMIT = 200
"""Changes that one commit may stand for: a promotion carries many."""
COLUMNS: dict[str, Callable[[Sequence[str]], Q]] = {
    "state": lambda values: Q(state__in=values),
    "category": lambda values: Q(category__in=values),
    "kind": lambda values: Q(kind__in=values),
    "size": lambda values: Q(size__in=values),
    "risk": lambda values: Q(risk_level__in=values),
    "routine": lambda values: Q(routine="yes" in values),
    "mine": lambda values: Q(requester_id__in=[int(value) for value in values]),
    "number": lambda values: Q(number__in=[int(value) for value in values]),
    "repository": lambda values: Q(repository_names__overlap=list(values)),
}
"""What a column of the change answers. Everything else asks the words."""
EXACT = {
    "state": "state/",
    "category": "category/",
    "kind": "kind/",
    "size": "size/",
    "risk": "risk/",
    "routine": "routine/",
    "mine": "requester/",
    "number": "chg/",
    "repository": "repo/",
    "repo": "repo/",
    "label": "label/",
    "pull_request": "pr/",
    "env": "env/",
}
NAMES = {"author": "by/", "approver": "ok/"}
"""Prefixes of the lexemes in ``index.sql``. Of names, every part is a lexeme of its own."""


@dataclass(frozen=True)
class Words:
    """A ``tsquery`` as SQL with its parameters."""

    sql: str
    params: tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """Moments between which a change last moved: [from, before), None without a bound."""

    moved_from: datetime | None = None
    moved_before: datetime | None = None


def asks_words(terms: Iterable[Term]) -> bool:
    """Whether some term has no column of its own."""
    return any(term.about not in COLUMNS and term.about not in DATES for term in terms)


def by_columns(terms: Iterable[Term]) -> Q:
    """The terms that have a column, all of them together."""
    condition = Q()
    for term in terms:
        if term.about in COLUMNS:
            found = COLUMNS[term.about](term.values)
            condition &= ~found if term.negated else found
    return condition


def by_words(terms: Sequence[Term], *, beginnings: bool = False) -> Words:
    """The terms but for dates as one ``tsquery``. ``beginnings``: of names and of the last word the beginning is enough."""
    asked = [term for term in terms if term.about not in DATES]
    open_ended = _open_ended(asked) if beginnings else ()
    pieces = [_piece(term, beginning=any(term is one for one in open_ended)) for term in asked]
    if all(term.negated for term in asked):
        pieces.append(Words("%s::tsquery", ("'any'",)))
    return Words(" && ".join(piece.sql for piece in pieces), tuple(param for piece in pieces for param in piece.params))


def may_be_beginnings(terms: Iterable[Term]) -> bool:
    """Whether some term could be the beginning of a word or a name that nothing was found for."""
    return bool(_open_ended(list(terms)))


def _open_ended(terms: Sequence[Term]) -> tuple[Term, ...]:
    """The names, and the last word if it has letters enough to be the beginning of something."""
    plain = [term for term in terms if not term.negated]
    names = [term for term in plain if term.about in NAMES]
    words = [term for term in plain[-1:] if term.about == "word" and len(term.values[0]) >= SHORTEST_BEGINNING]
    return (*names, *words)


def _piece(term: Term, *, beginning: bool) -> Words:
    alternatives = [_alternative(term.about, value, beginning) for value in term.values]
    sql = f"({' || '.join(piece.sql for piece in alternatives)})"
    return Words(f"!!{sql}" if term.negated else sql, tuple(param for piece in alternatives for param in piece.params))


def _alternative(about: str, value: str, beginning: bool) -> Words:
    if about == "phrase":
        return Words("phraseto_tsquery('english', %s)", (value,))
    if about == "word":
        return _word(value, beginning)
    if about in NAMES:
        spelled = _names_with if beginning else _lexeme
        parts = [spelled(NAMES[about] + part) for part in SIGNS.split(value) if part]
        return Words("%s::tsquery", (" & ".join(parts) or "'nobody'",))
    return Words("%s::tsquery", (_lexeme(EXACT[about] + value.lower()),))


def _word(value: str, beginning: bool) -> Words:
    if beginning:
        return Words("to_tsquery('english', %s)", (f"{_lexeme(value)}:*",))
    if value.isdecimal() and value.isascii():
        number = int(value)
        return Words("(plainto_tsquery('english', %s) || %s::tsquery)", (value, f"'chg/{number}' | 'pr/{number}'"))
    return Words("plainto_tsquery('english', %s)", (value,))


def _names_with(beginning: str) -> str:
    """The names that begin so, as lexemes. Asks the database once."""
    known = SearchName.objects.filter(name__startswith=beginning).values_list("name", flat=True).distinct()
    names = list(known[: MOST_NAMES + 1])
    if len(names) > MOST_NAMES:
        return f"{_lexeme(beginning)}:*"
    spelled = " | ".join(_lexeme(name) for name in names)
    return f"({spelled or _lexeme('nobody')})"


def _lexeme(text: str) -> str:
    """A lexeme in the quotation marks of ``tsquery``."""
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def span_of(terms: Iterable[Term], *, today: date) -> Span:
    """What the dates among the terms leave. A day begins at midnight in UTC; the narrowest bounds hold."""
    floors: list[date] = []
    ceilings: list[date] = []
    for term in terms:
        if term.about in DATES:
            starts = (term.about == "after") != term.negated
            (floors if starts else ceilings).extend(first_day(value, today=today) for value in term.values)
    return Span(
        _midnight(max(floors)) if floors else None,
        _midnight(min(ceilings)) if ceilings else None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def resolved(terms: Sequence[Term], *, reader: int | None) -> tuple[Term, ...]:
    """The terms with their commits as the changes that these belong to, and "me" as the reader. Asks once a commit."""
    return tuple(_resolved(term, reader) for term in terms)


def _resolved(term: Term, reader: int | None) -> Term:
    if term.about == "mine" and term.values == ("me",):
        return Term("mine", (str(reader or 0),), term.negated)
    if term.about == "commit":
        numbers = tuple(str(number) for number in changes_of_commit(term.values[0]))
        return Term("number", numbers, term.negated) if numbers else Term("word", term.values, term.negated)
    return term


def changes_of_commit(sha: str) -> list[int]:
    """The numbers of the changes whose pull requests or pushes have a commit that begins so."""
    pulls = PullRequest.objects.filter(Q(head_sha__startswith=sha) | Q(merge_sha__startswith=sha))
    linked = LinkedPullRequest.objects.filter(pull_request__in=pulls).values("change")
    found = Change.objects.filter(Q(pk__in=linked)).values_list("number", flat=True)
    return list(found[:MOST_OF_A_COMMIT])


def newest(
    words: Words,
    *,
    many: int,
    up: bool,
    past: tuple[datetime, int] | None,
    span: Span,
    opened_before: datetime | None,
) -> RawSQL:
    """The keys of the changes that the words ask for, next to ``past`` in the order of their movement, at most so many."""
    at, key = past or (None, None)
    return _keys("newest", words, many, up, at, key, span.moved_from, span.moved_before, opened_before)


def everything(words: Words) -> RawSQL:
    """The keys of all changes that the words ask for."""
    return _keys("all", words)


def _keys(function: str, words: Words, *more: Any) -> RawSQL:
    sql = f"SELECT found FROM changes_search_{function}({', '.join([words.sql, *('%s' for _ in more)])}) AS found"  # noqa: S608  # made of the constants above; what people typed goes as parameters
    return RawSQL(sql, (*words.params, *more))  # noqa: S611  # the same
