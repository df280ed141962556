"""The table of methods, and how a method reads its arguments."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from portal.standins.slack.world import SlackError
from portal.standins.store import Row

if TYPE_CHECKING:
    from portal.standins.slack.standin import SlackStandIn

Args = dict[str, Any]
Method = Callable[["SlackStandIn", Args], Row]
METHODS: dict[str, tuple[Method, str, bool]] = {}
"""By name: function, scope that is needed ("" for none), whether JSON is taken."""


def method(name: str, *, scope: str = "", takes_json: bool = False) -> Callable[[Method], Method]:
    """Decorator: the function answers the method of this name."""

    def add(function: Method) -> Method:
        METHODS[name] = (function, scope, takes_json)
        return function

    return add


def decoded(value: Any) -> Any:
    """An argument that is JSON, or JSON in a text as forms need it."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as problem:
        raise SlackError("invalid_arguments") from problem


def needed(arguments: Mapping[str, Any], name: str, code: str = "invalid_arguments") -> str:
    """An argument that must be there. Raises ``code``."""
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise SlackError(code)
    return value
