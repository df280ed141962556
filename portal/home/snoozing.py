"""Put an item of the inbox off for a while. It comes back by itself, at the latest when it is due."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.access.models import User
from portal.home.inbox import Item, items_for
from portal.home.models import Snooze
from portal.policy.refusal import Stale

MORNING = time(9, 0)
CHOICES = (("hour", "For an hour"), ("tomorrow", "Until tomorrow at 9"), ("week", "Until Monday at 9"))


def until_for(*, choice: str, at: datetime, zone: str) -> datetime:
    """The moment that a choice means on the person's clock. Raises ``ValueError`` for a choice that is none."""
    if choice == "hour":
        return at + timedelta(hours=1)
    today = at.astimezone(ZoneInfo(zone)).date()
    days = {"tomorrow": 1, "week": 7 - today.weekday()}.get(choice)
    if days is None:
        raise ValueError(f"{choice!r} is not a time to snooze")
    return datetime.combine(today + timedelta(days=days), MORNING, tzinfo=ZoneInfo(zone))


def snooze(*, user: User, digest: str, choice: str, at: datetime) -> datetime:
    """Put one's item off; returns when it comes back. Raises ``Stale`` when it is no longer in the inbox."""
    item = next((item for item in items_for(user=user, at=at) if item.digest == digest), None)
    if item is None:
        raise Stale("This item is no longer in your inbox.")
    until = until_for(choice=choice, at=at, zone=user.time_zone)
    if item.due_at is not None and item.due_at > at:
        until = min(until, item.due_at)
    Snooze.objects.update_or_create(person=user, item=digest, defaults={"until": until})
    return until


def wake(*, user: User, digest: str) -> None:
    """Show an item again."""
    Snooze.objects.filter(person=user, item=digest).delete()


def split(*, user: User, items: list[Item], at: datetime) -> tuple[list[Item], list[tuple[Item, datetime]]]:
    """The items that stand in the inbox now, and those that are put off, with when they come back. At most one query."""
    if not items:
        return [], []
    until = dict(Snooze.objects.filter(person=user, until__gt=at).values_list("item", "until"))
    awake = [item for item in items if item.digest not in until]
    asleep = [(item, until[item.digest]) for item in items if item.digest in until]
    return awake, asleep
