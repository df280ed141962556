"""The part of GraphQL that the portal uses: queries with aliases, arguments and variables; no fragments, no mutations."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r'[\s,]+|#[^\n]*|(?P<token>"(?:[^"\\]|\\.)*"|\$?\w+|[{}():!=\[\]]|-?\d+(?:\.\d+)?|\.\.\.)')
CONSTANTS = {"true": True, "false": False, "null": None}
Resolver = Callable[[Mapping[str, Any]], Any]


class GraphQLError(Exception):
    """The query cannot be answered; the message is shown to the caller."""


@dataclass(frozen=True)
class Field:
    """One field of a selection."""

    name: str
    alias: str
    arguments: dict[str, Any]
    selection: tuple["Field", ...]


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0
        self._variables = variables

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

    def _skip_parentheses(self) -> None:
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(self.take(), 0)
            if not depth:
                return

    def selection(self) -> tuple[Field, ...]:
        self.take("{")
        fields = []
        while self.peek() != "}":
            fields.append(self._field())
        self.take("}")
        return tuple(fields)

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

    def _arguments(self) -> dict[str, Any]:
        self.take("(")
        found = {}
        while self.peek() != ")":
            name = self.take()
            self.take(":")
            found[name] = self._value(self.take())
        self.take(")")
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


def execute(query: str, variables: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Answers a query over ``root``: values are plain, or functions of their arguments. Raises GraphQLError."""
    found: dict[str, Any] = _project(root, _Reader(query, variables).document(), "Queries")
    return found


def _project(value: Any, selection: tuple[Field, ...], where: str) -> Any:
    if value is None or not selection:
        return value
    if isinstance(value, list):
        return [_project(item, selection, where) for item in value]
    shown = {}
    for field in selection:
        if field.name not in value:
            raise GraphQLError(f"Field '{field.name}' doesn't exist on type '{where}'")
        child = value[field.name]
        child = child(field.arguments) if callable(child) else child
        shown[field.alias] = _project(child, field.selection, field.name)
    return shown
