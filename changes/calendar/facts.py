"""Times and places on the calendar, as plain values. Times are UTC; a span holds its beginning and not its end."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, order=True)
class Span:
    """From one moment until before another."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Span") -> bool:
        """Whether some moment belongs to both."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def holds(self, at: datetime) -> bool:
        """Whether the moment belongs to it."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True)
class Assets:
    """What a window or a release touches in one environment: repositories (owner/name) and the apps that they feed."""

    environment: str
    repositories: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()

    def shared_with(self, other: "Assets") -> tuple[str, ...]:
        """Names of what both touch, sorted; empty when they are in different environments."""
        if self.environment != other.environment:
            return ()
        return tuple(sorted(self.repositories & other.repositories | self.apps & other.apps))


@dataclass(frozen=True)
class Window:
    """A planned window of one change."""

    change: int
    title: str
    span: Span
    assets: Assets


@dataclass(frozen=True)
class Freezing:
    """A freeze as it stands, an early end counted in. Without repositories and apps it covers all of its environments."""

    pk: int
    name: str
    hard: bool
    span: Span
    environments: frozenset[str]
    repositories: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()

    @property
    def everywhere(self) -> bool:
        """Whether it names neither repositories nor apps."""
        return not self.repositories and not self.apps

    def covers(self, assets: Assets) -> bool:
        """Whether these assets are frozen by it, at whatever time."""
        if assets.environment not in self.environments:
            return False
        return self.everywhere or bool(self.repositories & assets.repositories) or bool(self.apps & assets.apps)


@dataclass(frozen=True)
class Conflict:
    """Why a window does not stand alone: another change's window over the same assets, or a freeze."""

    kind: str
    """window, hard or soft."""
    title: str
    span: Span
    shared: tuple[str, ...] = ()
    """Names of what both touch; empty for a freeze."""
    change: int | None = None
