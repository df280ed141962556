"""Ask for an effect outside. The row is written in the transaction that causes it; a worker delivers it later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def enqueue(*, kind: str, key: str, payload: Mapping[str, Any], at: datetime) -> None:
    """Ask once for the effect ``key``. Asking again with the same key changes nothing."""
    raise NotImplementedError
