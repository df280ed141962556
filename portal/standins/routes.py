"""A table of routes: a method and a path pattern lead to a function.

``{name}`` matches one part of a path, ``{name:rest}`` also slashes (branch names have them).
"""

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from portal.standins.web import Answer

Call = TypeVar("Call")
Handler = Callable[[Call], Answer]


class Routes(Generic[Call]):
    """Routes of one vendor, filled by decorators at import. The first that matches wins."""

    def __init__(self) -> None:
        self._table: list[tuple[str, re.Pattern[str], Handler[Call]]] = []

    def on(self, method: str, pattern: str) -> Callable[[Handler[Call]], Handler[Call]]:
        """Decorator: the function answers ``method pattern``."""

        def add(handler: Handler[Call]) -> Handler[Call]:
            self._table.append((method, _compiled(pattern), handler))
            return handler

        return add

    def find(self, method: str, path: str) -> tuple[Handler[Call], dict[str, str]] | None:
        """The function for a request and its path arguments; None when there is no such route."""
        for wanted, pattern, handler in self._table:
            match = pattern.fullmatch(path) if wanted == method else None
            if match:
                return handler, match.groupdict()
        return None


def _compiled(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}")
    one_part = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", escaped)
    return re.compile(re.sub(r"\{(\w+):rest\}", r"(?P<\1>.+)", one_part))
