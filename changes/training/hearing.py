"""Who wants to hear that somebody signed: features above join here, so that training knows nothing of them."""

from collections.abc import Callable
from datetime import datetime

from portal.access.models import User

Listener = Callable[[User, datetime], None]
_LISTENERS: list[Listener] = []


def listener(function: Listener) -> Listener:
    """Call ``function(person, at)`` in the transaction of each signature."""
    if function not in _LISTENERS:
        _LISTENERS.append(function)
    return function


def tell(person: User, at: datetime) -> None:
    """Somebody signed."""
    for function in _LISTENERS:
        function(person, at)
