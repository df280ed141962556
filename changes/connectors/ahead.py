"""Reads the bodies of the deliveries that come next, while PostgreSQL works on those before: unpacking and reading takes a
quarter of a worker's time, and a worker waits for the database for longer than that.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Thread

from changes.connectors.errors import FAULTS
from changes.connectors.github import handlers
from changes.connectors.github.payloads import Parsed
from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome

Read = Parsed | Outcome
"""What a delivery says, or what becomes of it when nobody can read it."""


def read_body(delivery: Delivery) -> Read:
    """What a forge's delivery says."""
    return handlers.read(delivery=delivery, body=zlib.decompress(bytes(delivery.body)))


class Ahead:
    """Deliveries that were claimed, to be read in a thread that asks neither the database nor anybody else."""

    def __init__(self, pks: Sequence[int]) -> None:
        rows = Delivery.objects.filter(pk__in=pks, source__kind__in=handlers.PARSERS).select_related("source")
        self._found: dict[int, Read] = {}
        self._thread = Thread(target=self._read, args=[list(rows)], name="reading ahead", daemon=True)

    def begin(self) -> None:
        """Begin, unless it has begun: best when what waits for the database begins to wait for long."""
        if self._thread.ident is None:
            self._thread.start()

    def found(self) -> Mapping[int, Read]:
        """What they say, by key. One that could not be read for a fault of ours is missing: it raises among its own batch."""
        self.begin()
        self._thread.join()
        return self._found

    def _read(self, rows: Iterable[Delivery]) -> None:
        for row in rows:
            with suppress(*FAULTS):
                self._found[row.pk] = read_body(row)
