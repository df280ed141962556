"""What the rules of training go by, as frozen values. Times are UTC; a version is the number of a version of the policy."""

from dataclasses import dataclass
from datetime import datetime, timedelta

JOINING, INTRODUCTION, VERSION, YEARLY = "joining", "introduction", "version", "yearly"
"""Why somebody has to sign: they joined, there was no course before, a material version, a year is over."""


@dataclass(frozen=True)
class Terms:
    """How long people have, as the policy says it."""

    joining: timedelta
    version: timedelta
    yearly: timedelta


@dataclass(frozen=True)
class Called:
    """A material version of the policy that everybody signs, from the moment at which it held and had a course."""

    version: int
    since: datetime


@dataclass(frozen=True)
class Taught:
    """A published course: the version of the policy that it teaches, and when it was published."""

    version: int
    published_at: datetime


@dataclass(frozen=True)
class Edition:
    """An adopted version of the policy: its number, from when it holds, and whether everybody signs it anew."""

    version: int
    effective_at: datetime
    material: bool


@dataclass(frozen=True)
class Signed:
    """A signature on a version."""

    version: int
    at: datetime


@dataclass(frozen=True)
class Due:
    """One thing to sign: why, which version at least, from when on, until when, and when it was done."""

    reason: str
    version: int
    begun_at: datetime
    due_at: datetime
    signed_at: datetime | None = None

    @property
    def blocks_from(self) -> datetime:
        """From when on it keeps somebody from deciding while it is not done. A joiner has nothing yet that could still hold."""
        return self.begun_at if self.reason == JOINING else self.due_at

    def met_by(self, at: datetime) -> bool:
        """Whether it was done by then."""
        return self.signed_at is not None and self.signed_at <= at

    def late_by(self, at: datetime) -> timedelta:
        """How long it was late, up to a moment; nothing when it was in time."""
        done = self.signed_at if self.signed_at is not None and self.signed_at <= at else at
        return max(timedelta(0), done - self.due_at)


@dataclass(frozen=True)
class Standing:
    """Whether somebody's training is current at a moment. ``since`` and ``why`` say from when on and why it is not."""

    current: bool
    since: datetime | None
    why: str
    open: Due | None
    """What to sign next and may be signed now; None when nothing waits."""
    until: datetime | None
    """Until when somebody current stays so if they sign nothing."""
    late: bool
    """Something is past its day."""
