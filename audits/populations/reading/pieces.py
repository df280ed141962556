"""A long list in pieces, so that what belongs to its rows is asked for once a piece."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
AT_ONCE = 1000


def pieces(items: Iterable[Item], size: int = AT_ONCE) -> Iterator[list[Item]]:
    """The items in their order, in lists of ``size``; the last one may be shorter."""
    walk = iter(items)
    while piece := list(islice(walk, size)):
        yield piece
