"""What somebody asks for who prepares an engagement. Pure but for the people."""

from dataclasses import dataclass
from datetime import datetime

from portal.access.models import User


@dataclass(frozen=True)
class Invited:
    """One person and until when: the auditor of an external audit, the tester of an internal one."""

    person: User
    ends_at: datetime


@dataclass(frozen=True)
class Wish:
    """An engagement as it is to be. Ranges are half open; an empty scope means everything. ``kind`` as in ``Engagement.Kind``."""

    name: str
    window_from: datetime
    window_to: datetime
    starts_at: datetime
    ends_at: datetime
    people: tuple[Invited, ...]
    kind: str = "external"
    systems: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
