"""The inbox "needs you": what other features ask of a person, in one list by due time.

A feature joins with ``@inbox.provider``: a function of ``user`` and ``at`` that gives items. It runs few queries, whatever the
number of items, and gives only what the person can act on.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portal.access.models import User


@dataclass(frozen=True)
class Item:
    """One thing that needs the person.

    ``title`` is the verb ("Approve for production"), ``about`` the record, ``why`` the reason that it is this person,
    ``act`` the words of the button, ``key`` a short id such as CHG-1042, ``tone`` and ``icon`` the tile's look.
    """

    title: str
    about: str
    why: str
    due_at: datetime | None
    href: str
    act: str
    tone: str = "neutral"
    icon: str = "inbox"
    key: str = ""

    @property
    def digest(self) -> str:
        """Names the item: the same as long as it asks for the same thing."""
        return hashlib.sha256(f"{self.title}|{self.href}|{self.about}".encode()).hexdigest()

    def is_overdue(self, at: datetime) -> bool:
        """Whether the due time has passed."""
        return self.due_at is not None and self.due_at < at

    def is_urgent(self, at: datetime) -> bool:
        """Whether it is overdue or due within a day."""
        return self.due_at is not None and self.due_at < at + timedelta(days=1)


Provider = Callable[[User, datetime], Iterable[Item]]

_providers: list[Provider] = []
NEVER = datetime.max.replace(tzinfo=UTC)


def provider(function: Provider) -> Provider:
    """Register a function that fills inboxes. Registering it again changes nothing."""
    if function not in _providers:
        _providers.append(function)
    return function


def items_for(*, user: User, at: datetime) -> list[Item]:
    """All that needs this person at that moment: what is due first stands first, what is never due last."""
    items = [item for function in _providers for item in function(user, at)]
    return sorted(items, key=lambda item: (item.due_at or NEVER, item.key, item.title))


def is_open() -> bool:
    """Whether any feature feeds inboxes."""
    return bool(_providers)
