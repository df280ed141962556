"""Read single fields out of JSON that somebody else wrote, with plain reasons when they cannot be used.

Missing or null is ``None``. A value of another type than documented raises ``Unreadable``; so does one that the database
could not hold. Text comes back safe for PostgreSQL: NUL and lone surrogates are replaced by visible signs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from changes.connectors.json_text import decoded

Value = TypeVar("Value")
BIG = 2**63 - 1
SMALL = 2**31 - 1
DEEPEST = 12
NUL_SIGN = "\u2400"
UNKNOWN_SIGN = "\ufffd"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class Unreadable(Exception):
    """The payload cannot be used at all. The reason is plain English without any of the payload's secrets."""


class Incomplete(Exception):
    """The payload is of a known kind but lacks something needed. What was read before it still counts."""


def read_json(*, body: bytes) -> Any:
    """Decode bytes strictly (``json_text``). Raises Unreadable."""
    try:
        return decoded(body)
    except orjson.JSONDecodeError as wrong:
        hint = "; the hook must send application/json, not a form" if body.startswith(b"payload=") else ""
        raise Unreadable(f"The body is not JSON: {clean(text=str(wrong.msg))}{hint}") from None


def clean(*, text: str) -> str:
    """Text that PostgreSQL and UTF-8 can hold. NUL shows as ␀, half a surrogate pair as the replacement character."""
    text = text.replace("\x00", NUL_SIGN)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(UNKNOWN_SIGN if "\ud800" <= sign <= "\udfff" else sign for sign in text)
    return text


def clean_json(*, value: Any, depth: int = 0) -> Any:
    """The same for a whole JSON value, to keep as detail. Deeper than twelve levels is cut off visibly."""
    if isinstance(value, str):
        return clean(text=value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {clean(text=str(key)): clean_json(value=inner, depth=depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(value=inner, depth=depth + 1) for inner in value]
    return clean(text=repr(value))


def moment(*, value: str | int) -> datetime | None:
    """A point in time in UTC from ISO 8601 text with an offset, or from seconds since 1970. None if it is neither."""
    try:
        at = datetime.fromtimestamp(value, UTC) if isinstance(value, int) else datetime.fromisoformat(value)
        if at.tzinfo is None or at.astimezone(UTC) < _EARLIEST:
            return None
        return at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True)
class Fields:
    """One JSON object and where it stands in the payload, for the reasons."""

    values: Mapping[str, Any]
    path: str

    @classmethod
    def of(cls, *, value: Any, path: str) -> "Fields":
        # What JSON is decoded to is a dict; to ask whether it is a mapping takes ten times as long.
        if type(value) is not dict and not isinstance(value, Mapping):
            raise Unreadable(f"{path} is not an object")
        return cls(values=value, path=path)

    def has(self, name: str) -> bool:
        """It is there and not null."""
        return self.values.get(name) is not None

    def within(self, name: str) -> "Fields | None":
        """The object under ``name``."""
        value = self.values.get(name)
        return None if value is None else Fields.of(value=value, path=self._at(name))

    def needed(self, name: str) -> "Fields":
        return self._must(self.within(name), name)

    def text(self, name: str, *, limit: int | None = None) -> str | None:
        """Clean text. ``limit`` is what the database column holds; longer is refused, since a cut name is another name."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Unreadable(f"{self._at(name)} is not text")
        if limit is not None and len(value) > limit:
            raise Unreadable(f"{self._at(name)} is longer than {limit} characters")
        return clean(text=value)

    def word(self, name: str, *, limit: int) -> str | None:
        """One of the vendor's own words, such as a state. One that is longer than all that are known is none of them: it is cut
        in sight, and nothing else is lost for it."""
        value = self.text(name)
        return value if value is None or len(value) <= limit else f"{value[: limit - 1]}…"

    def needed_text(self, name: str, *, limit: int | None = None) -> str:
        return self._filled(self.text(name, limit=limit), name)

    def needed_word(self, name: str, *, limit: int) -> str:
        return self._filled(self.word(name, limit=limit), name)

    def text_or_empty(self, name: str) -> str | None:
        """Missing is None (it did not say); null is the empty text (it said: none)."""
        return "" if name in self.values and self.values[name] is None else self.text(name)

    def number(self, name: str, *, largest: int = BIG) -> int | None:
        """A whole number from 0 to ``largest``."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unreadable(f"{self._at(name)} is not a whole number")
        if not 0 <= value <= largest:
            raise Unreadable(f"{self._at(name)} is not between 0 and {largest}")
        return value

    def needed_number(self, name: str, *, largest: int = BIG) -> int:
        return self._must(self.number(name, largest=largest), name)

    def flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise Unreadable(f"{self._at(name)} is neither true nor false")
        return value

    def moment(self, name: str) -> datetime | None:
        """UTC. Text that is not a time counts as unsaid: GitHub's own schema promises no more than text here."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Unreadable(f"{self._at(name)} is not a time")
        return moment(value=value)

    def needed_moment(self, name: str) -> datetime:
        return self._must(self.moment(name), name)

    def commit(self, name: str) -> str | None:
        """A full SHA-1 or SHA-256 in lower-case hexadecimal; other text counts as unsaid."""
        value = self.text(name)
        return value if value is not None and _COMMIT.fullmatch(value) else None

    def needed_commit(self, name: str) -> str:
        return self._must(self.commit(name), name)

    def items(self, name: str) -> "tuple[Fields, ...]":
        """The objects of the list under ``name``; missing is empty."""
        return tuple(Fields.of(value=value, path=f"{self._at(name)}[{at}]") for at, value in enumerate(self._list(name)))

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of the list under ``name``; missing is empty."""
        for value in self._list(name):
            if not isinstance(value, str):
                raise Unreadable(f"{self._at(name)} holds something that is not text")
        return tuple(clean(text=value) for value in self._list(name))

    def _list(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise Unreadable(f"{self._at(name)} is not a list")
        return value or []

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _filled(self, value: str | None, name: str) -> str:
        if not self._must(value, name):
            raise Incomplete(f"{self._at(name)} is empty")
        return value or ""

    def _must(self, value: Value | None, name: str) -> Value:
        if value is None:
            raise Incomplete(f"{self._at(name)} is missing or unusable")
        return value


def readable(rows: Any, read: Callable[[Fields], Value], unusable: list[str], *, path: str = "list") -> Iterator[Value]:
    """What ``read`` makes of each object of a list of events, lazily. Why one cannot be used goes into ``unusable``: it must not
    hide the others. Not for lists that say by leaving something out that it is gone. Raises ``Unreadable`` where there is no list.
    """
    if not isinstance(rows, list):
        raise Unreadable(f"{path} is not a list")
    for at, value in enumerate(rows):
        try:
            found = read(Fields.of(value=value, path=f"{path}[{at}]"))
        except (Unreadable, Incomplete) as wrong:
            unusable.append(str(wrong))
            continue
        yield found
