"""Write to the ledger. The entry and the rows it is about are committed together, or not at all."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models


def append(*, stream: str, kind: str, actor: str, fact: Mapping[str, Any], rows: Iterable[models.Model] = ()) -> None:
    """Append one entry inside the caller's transaction.

    ``stream`` groups the entries about one thing (``change:1042``), ``kind`` is a dotted past-tense word
    (``approval.given``), ``actor`` is ``user:<id>``, ``github:<uid>:<login>`` or ``portal``; ``fact`` is JSON that a
    person can read; ``rows`` are the evidence rows (inserted or moved) that this entry covers.
    """
    raise NotImplementedError
