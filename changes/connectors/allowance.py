"""How much one run may ask a vendor: so many seconds, so many requests, and no more than the vendor says is left.

A run that is over says so as ``Passing``: what was read is kept, and the next run goes on. Nothing sleeps.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from changes.connectors.errors import Passing
from changes.connectors.fields import SMALL
from changes.connectors.models import Source

OVER = "this turn has asked enough; the next one goes on"


@dataclass
class Allowance:
    """What is left for one run. ``left`` and ``resets_in`` (seconds) are the vendor's own words, None until it says them."""

    seconds: float
    requests: int
    reserve: int = 0
    """Requests of the vendor's window that are left to others who use the same token."""
    left: int | None = None
    resets_in: float | None = None
    _until: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    def take(self, *, vendor: str) -> float:
        """Count one request; returns the seconds that it may take. Raises ``Passing`` when the run is over."""
        if self.left is not None and self.left <= self.reserve and self.resets_in:
            raise Passing(f"{vendor} has little left for this token in its present window", retry_after=self.resets_in)
        remaining = self._until - time.monotonic()
        if not self.goes_on() or remaining <= 0:
            raise Passing(f"{vendor}: {OVER}", retry_after=1.0)
        self.requests -= 1
        return remaining

    def goes_on(self, *, more: int = 1) -> bool:
        """Whether ``more`` further requests fit into this run."""
        return self.requests >= more and time.monotonic() < self._until


def note_rate(*, source: Source, allowance: Allowance, at: datetime) -> None:
    """Show on the source what the vendor says is left, and from when on there is more."""
    if allowance.left is None:
        return
    resets_at = at + timedelta(seconds=allowance.resets_in or 0.0)
    Source.objects.filter(pk=source.pk).update(rate_remaining=min(allowance.left, SMALL), rate_resets_at=resets_at)
