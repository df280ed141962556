"""Connections: a part of a list with where it ends, and what a query that asks for them costs.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from portal.standins.graphql import Field, GraphQLError

Item = TypeVar("Item")
Row = dict[str, Any]
LONGEST, MOST_NODES = 100, 500_000
MARKS = frozenset({"nodes", "edges", "pageInfo", "totalCount"})
"""What only connections have."""


@dataclass(frozen=True)
class Weight:
    """What a query may ask for at most: requests inside, and nodes."""

    requests: int
    nodes: int

    @property
    def points(self) -> int:
        """Of the hour's quota."""
        return max(1, round(self.requests / 100))


def weigh(fields: tuple[Field, ...]) -> Weight:
    """Raises GraphQLError for lists without a length, or one that is too long, and for too many nodes."""
    requests, nodes = _weigh(fields, 1)
    if nodes > MOST_NODES:
        words = f"This query requests up to {nodes:,} possible nodes which exceeds the maximum limit of {MOST_NODES:,}."
        raise GraphQLError(words, kind="MAX_NODE_LIMIT_EXCEEDED")
    return Weight(requests + 1, nodes)


def _weigh(fields: tuple[Field, ...], times: int) -> tuple[int, int]:
    requests = nodes = 0
    for field in fields:
        inside = times
        if MARKS & {one.name for one in field.selection}:
            length = _length(field)
            requests, nodes, inside = requests + times, nodes + times * length, times * length
        below = _weigh(field.selection, inside)
        requests, nodes = requests + below[0], nodes + below[1]
    return requests, nodes


def _length(field: Field) -> int:
    wanted = field.arguments.get("first", field.arguments.get("last"))
    if not isinstance(wanted, int):
        words = f"You must provide a `first` or `last` value to properly paginate the `{field.name}` connection."
        raise GraphQLError(words, kind="MISSING_PAGINATION_BOUNDARIES")
    if not 1 <= wanted <= LONGEST:
        words = f"Requesting {wanted} records on the `{field.name}` connection exceeds the `first` limit of {LONGEST} records."
        raise GraphQLError(words, kind="EXCESSIVE_PAGINATION")
    return wanted


def connection(
    items: Sequence[Item],
    shape: Callable[[Item], Any],
    arguments: Mapping[str, Any],
    *,
    place: Callable[[Item], str] | None = None,
) -> Row:
    """The part of ``items`` that the arguments ask for. With ``place`` the list falls by it and a cursor is a place in that order,
    whatever moves meanwhile; else it is a number.
    """
    begins = _begin(items, arguments.get("after"), place)
    length = arguments.get("first", arguments.get("last", LONGEST))
    if "last" in arguments:
        begins = max(begins, len(items) - length)
    shown = items[begins : begins + length]
    ends = begins + len(shown)
    info = {
        "hasNextPage": ends < len(items),
        "hasPreviousPage": begins > 0,
        "startCursor": _cursor(items, begins, place) if shown else None,
        "endCursor": _cursor(items, ends - 1, place) if shown else None,
    }
    return {
        "totalCount": len(items),
        "pageInfo": info,
        "nodes": lambda _: [shape(item) for item in shown],
        "edges": lambda _: [{"node": shape(item), "cursor": _cursor(items, begins + at, place)} for at, item in enumerate(shown)],
    }


def _cursor(items: Sequence[Item], at: int, place: Callable[[Item], str] | None) -> str:
    text = place(items[at]) if place else str(at)
    return base64.b64encode(f"cursor:v2:{text}".encode()).decode()


def _begin(items: Sequence[Item], after: Any, place: Callable[[Item], str] | None) -> int:
    if after is None:
        return 0
    try:
        text = base64.b64decode(str(after), validate=True).decode().removeprefix("cursor:v2:")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if not text or (place is None and not text.isdecimal()):
        raise GraphQLError(f"`{after}` does not appear to be a valid cursor.", kind="INVALID_CURSOR_ARGUMENTS")
    if place is None:
        return int(text) + 1
    return next((at for at, item in enumerate(items) if place(item) < text), len(items))
