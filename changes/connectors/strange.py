"""The last net under what vendors answer: a fault that no parser foresaw stops one question, and neither its source nor others."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import DataError

from changes.connectors.errors import NotJson
from changes.connectors.fields import Incomplete, Unreadable

Got = TypeVar("Got")
STRANGE = (
    *(DataError, Unreadable, Incomplete),
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
)
"""What an answer that nobody foresaw comes to, here or in the database. A database that is away is none of it."""
log = logging.getLogger(__name__)


def sound(question: Callable[[], Got]) -> Got:
    """What ``question`` returns. Raises ``NotJson`` for what is strange; its reason is the kind of fault and no word of theirs."""
    try:
        return question()
    except STRANGE as wrong:
        log.exception("an answer of a vendor could not be taken")
        raise NotJson(f"An answer could not be taken ({type(wrong).__name__}); the log of the portal says where") from None
