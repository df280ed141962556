"""What somebody typed into the search box, read into terms. Pure: no clock, no database.

``author:ann state:waiting kind:database "exact words" -word CHG-1042 #17 4be1f0c``. All terms must hold; values with commas
between them are alternatives; a minus before a term says that it must not hold. A quotation mark that is never closed closes
at the end. What cannot be read is said in words, and nothing is guessed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from changes.delivery.models import Environment
from changes.proposals.lifecycle import OPEN_STATES, State
from changes.proposals.models import Category, Kind, Size

LONGEST = 500
"""Characters of a question that are read."""
MOST_TERMS = 30
RISKS = ("low", "medium", "high")


@dataclass(frozen=True)
class Term:
    """One condition. ``about`` is what it looks at (a key of ``OPERATORS``, or words, number, commit), ``values`` are
    alternatives in lower case; ``negated`` turns it round."""

    about: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Question:
    """Everything that was asked. With ``problems`` (sentences for the person who typed it) nothing should be listed."""

    terms: tuple[Term, ...] = ()
    problems: tuple[str, ...] = ()


class Unreadable(ValueError):
    """A value that its operator does not know; the message is a sentence."""


Reader = Callable[[str], tuple[str, tuple[str, ...]]]
"""Turns one value into what it is about and the codes that it stands for."""


@dataclass(frozen=True)
class Operator:
    """One word before a colon: what it finds, an example, and how its value is read."""

    finds: str
    example: str
    read: Reader


def _one_of(about: str, known: Mapping[str, tuple[str, ...]]) -> Reader:
    """Reads a name, or a beginning that only one name has."""

    def read(value: str) -> tuple[str, tuple[str, ...]]:
        wanted = value.replace(" ", "_").replace("-", "_")
        found = {codes for name, codes in known.items() if name == wanted} or {
            codes for name, codes in known.items() if name.startswith(wanted)
        }
        if len(found) != 1:
            raise Unreadable(f"“{about}:{value}” says nothing that is known. There are: {', '.join(sorted(known))}.")
        return about, found.pop()

    return read


def _free(about: str) -> Reader:
    return lambda value: (about, (value,))


def _environment(value: str) -> tuple[str, tuple[str, ...]]:
    """One of ours by its beginning, else the name as it stands: vendors have environments of their own."""
    return "env", tuple(name for name in Environment.values if name.startswith(value)) or (value,)


def _is(value: str) -> tuple[str, tuple[str, ...]]:
    if value not in FLAGS:
        raise Unreadable(f"“is:{value}” says nothing that is known. There are: {', '.join(sorted(FLAGS))}.")
    return FLAGS[value]


def _day(about: str) -> Reader:
    def read(value: str) -> tuple[str, tuple[str, ...]]:
        if not DAY.match(value):
            raise Unreadable(f"“{about}:{value}” is no day. Write it as 2026-03-01, 2026-03, 2026, today, yesterday or 7d.")
        try:
            first_day(value, today=date(2000, 1, 1))
        except ValueError as problem:
            raise Unreadable(f"“{about}:{value}” is a day that the calendar does not have.") from problem
        return about, (value,)

    return read


STATES: dict[str, tuple[str, ...]] = {
    **{state.value: (state.value,) for state in State},
    "review": (State.PROPOSED.value,),
    "production": (State.RELEASED.value,),
    "waiting": (State.PROPOSED.value, State.APPROVED.value),
    "open": tuple(sorted(state.value for state in OPEN_STATES)),
}
FLAGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "emergency": ("category", (Category.EMERGENCY.value,)),
    "standard": ("category", (Category.STANDARD.value,)),
    "large": ("size", (Size.LARGE.value,)),
    "routine": ("routine", ("yes",)),
    "open": ("state", STATES["open"]),
    "mine": ("mine", ("me",)),
}
DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?$|today$|yesterday$|\d{1,4}d$")
OPERATORS: dict[str, Operator] = {
    "author": Operator("Who asked for it or wrote it: a name, an account, or a part of one", "author:ann", _free("author")),
    "approver": Operator("Whose approval it has", "approver:bob", _free("approver")),
    "state": Operator(f"Where it stands: {', '.join(STATES)}", "state:waiting", _one_of("state", STATES)),
    "is": Operator(f"{', '.join(FLAGS)}", "is:emergency", _is),
    "kind": Operator(
        f"What it touches: {', '.join(Kind.values)}", "kind:database", _one_of("kind", {kind.value: (kind.value,) for kind in Kind})
    ),
    "size": Operator("normal or large", "size:large", _one_of("size", {size.value: (size.value,) for size in Size})),
    "risk": Operator("low, medium or high", "risk:high", _one_of("risk", {risk: (risk,) for risk in RISKS})),
    "repo": Operator("Its repository, with or without the owner", "repo:web", _free("repo")),
    "env": Operator("An environment that it was released to", "env:staging", _environment),
    "label": Operator("A label of its pull requests", 'label:"needs review"', _free("label")),
    "after": Operator("Moved on that day or later: 2026-03-01, 2026-03, today, 7d", "after:2026-03", _day("after")),
    "before": Operator("Moved before that day", "before:2026-03-01", _day("before")),
}
"""Every operator, in the order in which help shows them."""

PIECE = re.compile(
    r'(?P<minus>-?)(?:(?P<name>[A-Za-z]+):(?!//)(?P<value>(?:"[^"]*"?|[^\s"])*)|"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))'
)
NUMBER = re.compile(r"CHG-?(\d{1,15})$", re.IGNORECASE)
PULL_REQUEST = re.compile(r"([\w./-]*)#(\d{1,9})$")
COMMIT = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{7,64}$", re.IGNORECASE)
SIGNS = re.compile(r"[\W_]+")
HIDDEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""What nobody sees in a text; ``index.sql`` leaves out the same."""


def read(text: str) -> Question:
    """The question in a text. Never raises."""
    terms: list[Term] = []
    problems: list[str] = []
    for piece in PIECE.finditer(HIDDEN.sub("", text[:LONGEST].replace("\x00", " "))):
        try:
            terms += _terms(piece)
        except Unreadable as problem:
            problems.append(str(problem))
    if len(terms) > MOST_TERMS:
        problems.append(f"That asks for {len(terms)} things at once. At most {MOST_TERMS} can be looked for.")
    return Question(tuple(dict.fromkeys(terms)), tuple(dict.fromkeys(problems)))


def _terms(piece: re.Match[str]) -> Iterator[Term]:
    negated = bool(piece["minus"])
    name, value = (piece["name"] or "").lower(), piece["value"] or ""
    if name and (value or name in OPERATORS):
        yield from _operator(name, value, negated)
    elif piece["phrase"] is not None:
        yield from _words(piece["phrase"], negated, together=True)
    else:
        yield from _plain(name or piece["word"], negated)


def _operator(name: str, value: str, negated: bool) -> Iterator[Term]:
    """The term of an operator; none while its value has not been typed yet."""
    if name not in OPERATORS:
        raise Unreadable(f"There is no “{name}:” to search by. There are: {', '.join(f'{known}:' for known in OPERATORS)}.")
    found = [OPERATORS[name].read(part) for part in _alternatives(value)]
    if len({about for about, _ in found}) > 1:
        raise Unreadable(f"“{name}:{value}” mixes things that are asked for one by one: repeat “{name}:” for each.")
    if found:
        yield Term(found[0][0], tuple(dict.fromkeys(code for _, codes in found for code in codes)), negated)


def _alternatives(value: str) -> list[str]:
    """The values between commas, in lower case; commas within quotation marks part nothing."""
    parts = (part.strip().lower() for part in re.split(r'"([^"]*)"?|,', value) if part)
    return [part for part in parts if part]


def _plain(word: str, negated: bool) -> Iterator[Term]:
    """A word that names one thing (a change, a pull request, a commit), or just a word."""
    if found := NUMBER.match(word):
        yield Term("number", (str(int(found[1])),), negated)
    elif found := PULL_REQUEST.match(word):
        yield Term("pull_request", (f"{found[1].lower()}#{int(found[2])}".lstrip("#"),), negated)
    elif COMMIT.match(word):
        yield Term("commit", (word.lower(),), negated)
    else:
        yield from _words(word, negated, together=False)


def _words(text: str, negated: bool, *, together: bool) -> Iterator[Term]:
    """Words behind one another are looked for together; signs only part them."""
    said = SIGNS.sub(" ", text).strip().lower()
    if said:
        yield Term("phrase" if together or " " in said else "word", (said,), negated)


def first_day(value: str, *, today: date) -> date:
    """The first day of a value such as 2026-03-01, 2026-03, 2026, today, yesterday or 7d (seven days ago)."""
    if value in ("today", "yesterday"):
        return today - timedelta(days=value == "yesterday")
    if value.endswith("d"):
        return today - timedelta(days=int(value[:-1]))
    year, month, day = (int(part) for part in (value + "-01-01").split("-")[:3])
    return date(year, month, day)
