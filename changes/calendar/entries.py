"""What stands on the calendar: planned windows, freezes, releases, and whatever other features put on it.

A feature joins with ``@entries.provider``: a function of what is wanted that gives entries. It runs few queries whatever the
number of entries, and gives nothing outside the span and the repositories that are wanted.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from changes.calendar.facts import Span

KINDS = {"window": "Planned windows", "freeze": "Freezes", "release": "Releases", "meeting": "Meetings"}
"""What can stand on the calendar."""


@dataclass(frozen=True)
class Wanted:
    """What somebody looks at. ``scope`` are repositories (owner/name) outside of which they see nothing; None: all.

    Empty texts filter nothing. ``cancelled`` gives what was cancelled as well, so that calendar programs take it away.
    """

    span: Span
    environments: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    scope: frozenset[str] | None = None
    kinds: frozenset[str] = frozenset(KINDS)
    cancelled: bool = False

    def shows(self, *, environments: Iterable[str], repositories: Iterable[str], everywhere: bool = False) -> bool:
        """Whether something of these environments and repositories is wanted; ``everywhere``: it is of all repositories."""
        there, names = frozenset(environments), frozenset(repositories)
        if self.environments and there and not self.environments & there:
            return False
        if self.repositories and not everywhere and not self.repositories & names:
            return False
        return self.scope is None or everywhere or bool(self.scope & names)


@dataclass(frozen=True)
class Entry:
    """One thing on the calendar. ``title`` and ``note`` come as they are and are escaped where they are shown.

    ``uid`` stays the same for ever, ``sequence`` rises with every change, ``changed_at`` is when that was.
    """

    kind: str
    span: Span
    title: str
    href: str
    uid: str
    changed_at: datetime
    note: str = ""
    state: str = ""
    """A known state, for its badge; empty for none."""
    icon: str = "calendar"
    tone: str = "neutral"
    conflicts: tuple[str, ...] = ()
    """What stands in its way, each as a sentence."""
    sequence: int = 0
    cancelled: bool = False


Provider = Callable[[Wanted], Iterable[Entry]]
_providers: list[tuple[str, Provider]] = []


def provider(kind: str) -> Callable[[Provider], Provider]:
    """Register a function that gives entries of one kind. Registering it again changes nothing; an unknown kind raises."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of entry: {', '.join(KINDS)}")

    def register(function: Provider) -> Provider:
        if (kind, function) not in _providers:
            _providers.append((kind, function))
        return function

    return register


def entries_of(*, wanted: Wanted) -> list[Entry]:
    """Everything that is wanted, earliest first; what lasts longer first among what begins together."""
    found = [entry for kind, function in _providers if kind in wanted.kinds for entry in function(wanted)]
    return sorted(found, key=lambda entry: (entry.span.starts_at, -entry.span.ends_at.timestamp(), entry.kind, entry.uid))


def kinds_offered() -> tuple[str, ...]:
    """The kinds that some feature gives, in the order of the table."""
    given = {kind for kind, _ in _providers}
    return tuple(kind for kind in KINDS if kind in given)


def busy_spans(*, span: Span) -> Iterator[Span]:
    """When meetings are held: no window is suggested then."""
    for entry in entries_of(wanted=replace(Wanted(span), kinds=frozenset({"meeting"}))):
        yield entry.span
