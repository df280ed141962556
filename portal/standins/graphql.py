"""The part of GraphQL that the portal uses: queries with aliases, arguments, variables and fragments; no mutations."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

TOKEN = re.compile(r'[\s,]+|#[^\n]*|(?P<token>"(?:[^"\\]|\\.)*"|\$?\w+|[{}():!=\[\]]|-?\d+(?:\.\d+)?|\.\.\.)')
CONSTANTS = {"true": True, "false": False, "null": None}
Resolver = Callable[[Mapping[str, Any]], Any]
Path = tuple[str | int, ...]


class GraphQLError(Exception):
    """The query cannot be answered; the message is shown to the caller. ``kind`` and ``code`` are the vendor's words for it."""

    def __init__(self, message: str, *, kind: str = "", code: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code


@dataclass(frozen=True)
class Problem:
    """What a field answers with instead of a value: it becomes null, and an error with its path stands beside the data."""

    kind: str
    message: str


@dataclass(frozen=True)
class Field:
    """One field of a selection. ``on`` holds the types that it is asked of, when a fragment says so."""

    name: str
    alias: str
    arguments: dict[str, Any]
    selection: tuple["Field", ...]
    on: tuple[str, ...] = ()


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0
        self._variables = variables
        self._fragments = self._places_of_fragments()

    def peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def take(self, wanted: str = "") -> str:
        word = self.peek()
        if not word or wanted not in {"", word}:
            raise GraphQLError(f"Parse error on {word!r} (expected {wanted or 'more'})")
        self._place += 1
        return word

    def document(self) -> tuple[Field, ...]:
        if self.peek() not in {"{", "query"}:
            raise GraphQLError("only queries are answered here")
        while self.peek() != "{":
            self._skip_parentheses() if self.peek() == "(" else self.take()
        return self.selection()

    def _places_of_fragments(self) -> dict[str, int]:
        """Where the text of each fragment begins, behind the word ``fragment``."""
        rows = [at for at in range(len(self._tokens)) if self._tokens[at : at + 1] == ["fragment"]]
        return {self._tokens[at + 1]: at + 2 for at in rows if self._tokens[at + 2 : at + 3] == ["on"]}

    def _skip_parentheses(self) -> None:
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(self.take(), 0)
            if not depth:
                return

    def selection(self) -> tuple[Field, ...]:
        self.take("{")
        fields: list[Field] = []
        while self.peek() != "}":
            fields += self._spread() if self.peek() == "..." else [self._field()]
        self.take("}")
        return tuple(fields)

    def _spread(self) -> list[Field]:
        """The fields of a fragment, in line or by its name, each with the type that it is asked of."""
        self.take("...")
        if self.peek() == "on":
            return self._conditional()
        name = self.take()
        if name not in self._fragments:
            raise GraphQLError(f"Fragment {name} was used, but not defined")
        back, self._place = self._place, self._fragments[name]
        found = self._conditional()
        self._place = back
        return found

    def _conditional(self) -> list[Field]:
        self.take("on")
        kind = self.take()
        return [replace(field, on=(kind, *field.on)) for field in self.selection()]

    def _field(self) -> Field:
        name = alias = self.take()
        if not name.isidentifier():
            raise GraphQLError(f"Parse error on {name!r}")
        if self.peek() == ":":
            self.take()
            name = self.take()
        arguments = self._arguments() if self.peek() == "(" else {}
        selection = self.selection() if self.peek() == "{" else ()
        return Field(name, alias, arguments, selection)

    def _arguments(self, ends: str = ")") -> dict[str, Any]:
        self.take()
        found = {}
        while self.peek() != ends:
            name = self.take()
            self.take(":")
            found[name] = self._arguments("}") if self.peek() == "{" else self._value(self.take())
        self.take(ends)
        return found

    def _value(self, token: str) -> Any:
        if token.startswith("$"):
            return self._variables.get(token[1:])
        if token.startswith('"'):
            return json.loads(token)
        if token.lstrip("-").isdecimal():
            return int(token)
        return CONSTANTS.get(token, token)


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise GraphQLError(f"Parse error near {text[place : place + 20]!r}")
        place = match.end()
        if match.group("token"):
            yield match.group("token")


def parsed(query: str, variables: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields that a query asks for, with the values of its variables. Raises GraphQLError."""
    return _Reader(query, variables).document()


def execute(query: str, variables: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Answers a query over ``root``: values are plain, or functions of their arguments. Raises GraphQLError."""
    return answered(parsed(query, variables), root)[0]


def answered(fields: tuple[Field, ...], root: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(data, errors of fields that answered with a ``Problem``)."""
    errors: list[dict[str, Any]] = []
    found: dict[str, Any] = _project(root, fields, "Query", (), errors)
    return found, errors


def _project(value: Any, selection: tuple[Field, ...], where: str, path: Path, errors: list[dict[str, Any]]) -> Any:
    if isinstance(value, Problem):
        place = [{"line": 1, "column": 1}]
        errors.append({"type": value.kind, "path": list(path), "locations": place, "message": value.message})
        return None
    if value is None or not selection:
        return value
    if isinstance(value, list):
        return [_project(item, selection, where, (*path, at), errors) for at, item in enumerate(value)]
    return {field.alias: _child(value, field, where, path, errors) for field in selection if not field.on or _fits(field, value)}


def _child(value: Mapping[str, Any], field: Field, where: str, path: Path, errors: list[dict[str, Any]]) -> Any:
    if field.name not in value:
        message = f"Field '{field.name}' doesn't exist on type '{value.get('__typename', where)}'"
        raise GraphQLError(message, code="undefinedField")
    child = value[field.name]
    if callable(child):
        child = child(field.arguments)
    if field.selection or isinstance(child, Problem):
        return _project(child, field.selection, field.name, (*path, field.alias), errors)
    return child


def _fits(field: Field, value: Mapping[str, Any]) -> bool:
    """Whether the value is of the types that the field is asked of."""
    return {*field.on} <= {value.get("__typename"), *value.get("__interfaces", ())}
