"""The time at the vendors: this moment, unless somebody has turned the clock, as for a year that is told in minutes."""

from datetime import UTC, datetime


class Clock:
    """One clock for all stand-ins of a company. What happens without a moment of its own happens when it says."""

    def __init__(self) -> None:
        self._turned: datetime | None = None

    def turn(self, at: datetime | None) -> None:
        """It stands still at ``at`` from now on; None lets it go again with the real time."""
        self._turned = at

    @property
    def turned(self) -> bool:
        """Whether it stands still somewhere: something is being told, and what people do meanwhile waits."""
        return self._turned is not None

    def now(self) -> datetime:
        """What it says, in UTC."""
        return (self._turned or datetime.now(UTC)).astimezone(UTC)
