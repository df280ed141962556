"""Tells people: mail and a direct message in Slack at once where they want it so, the rest in one daily digest.

Each effect is asked for in the transaction that notes it, so nothing is said twice and nothing is forgotten. Messages name
a record by title and number; everything else is behind the sign-in (UX: messages).
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction

from changes.connectors.slack.outside import connected
from changes.talk import policy
from changes.talk.kinds import KINDS
from changes.talk.models import Digest, Notice, NoticeHours
from changes.talk.queries import Way, way, ways_of
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home.inbox import Item, items_for
from portal.outbox.actions import enqueue
from portal.outbox.mail import send_mail

AT_ONCE = 200
TOO_OLD = timedelta(days=2)
"""What could not be told for so long (a portal that was down) is left to the page and the digest."""
DIGEST_AT = time(8, 0)
LISTED = 20


def tell_now(*, at: datetime) -> int:
    """Ask for the mails and direct messages that are due. Returns how many notices were dealt with."""
    waiting = Notice.objects.filter(told_at=None).order_by("at", "id").values_list("pk", flat=True)
    dealt = 0
    for pk in list(waiting[:AT_ONCE]):
        dealt += _tell(pk, at)
    return dealt


@transaction.atomic
def _tell(pk: int, at: datetime) -> bool:
    notice = Notice.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, told_at=None).first()
    if notice is None:
        return False
    person = User.objects.get(pk=notice.person_id)
    if _waits(notice, person, at):
        return False
    chosen = way(ways_of([person.pk]), person.pk, notice.kind)
    if person.is_active and notice.at > at - TOO_OLD and notice.read_at is None:
        _say(notice, person, chosen, at)
    notice.told_at = at
    if chosen.mail != "digest":
        notice.digested_at = at
    notice.save(update_fields=["told_at", "digested_at"])
    return True


def _waits(notice: Notice, person: User, at: datetime) -> bool:
    """In somebody's quiet hours only what may disturb goes out; the rest waits for their end."""
    hours = NoticeHours.objects.filter(person=person).first()
    if hours is None or KINDS[notice.kind].disturbs:
        return False
    return policy.is_quiet(at=at, zone=person.time_zone, start=hours.quiet_from, end=hours.quiet_to)


def _say(notice: Notice, person: User, chosen: Way, at: datetime) -> None:
    address = f"{settings.BASE_URL}{notice.href}"
    if chosen.mail == "now":
        send_mail(
            key=f"notice:{notice.pk}:mail",
            to=[person.email],
            subject=notice.title[:200],
            text=f"{notice.why}\n\n{notice.title}\n{address}\n\n{_leave(notice.kind)}",
            at=at,
        )
    if chosen.slack and not isinstance(connected(), str):
        payload = {"person": person.pk, "text": notice.title, "lines": [notice.why], "link": {"text": "Open", "url": address}}
        enqueue(kind="slack.message", key=f"notice:{notice.pk}:slack", payload=payload, at=at)


def _leave(kind: str) -> str:
    label = KINDS[kind].label.lower()
    return f"You get {label} by mail. To change that: {settings.BASE_URL}/me/notices/#{kind}"


def send_digests(*, at: datetime) -> int:
    """Send today's digest to everybody whose hour has come and for whom there is something. Returns how many."""
    hours = {row.person_id: row for row in NoticeHours.objects.all()}
    sent = 0
    for person in User.objects.filter(is_active=True, left_at=None).order_by("pk"):
        own = hours.get(person.pk)
        due = policy.digest_is_due(at=at, zone=person.time_zone, digest_at=own.digest_at if own else DIGEST_AT)
        if due and (own is None or own.digest) and may(person, P.CHANGE_PROPOSE):
            sent += _digest(person, at)
    return sent


@transaction.atomic
def _digest(person: User, at: datetime) -> bool:
    day = at.astimezone(ZoneInfo(person.time_zone)).date()
    if Digest.objects.filter(person=person, day=day).exists():
        return False
    try:
        with transaction.atomic():
            Digest.objects.create(person=person, day=day, at=at)
    except IntegrityError:
        return False  # another worker has just begun it
    news = Notice.objects.filter(person=person, digested_at=None, at__gt=at - timedelta(days=7)).order_by("at", "id")
    fresh = [notice for notice in news if notice.read_at is None]
    needs = items_for(user=person, at=at)
    news.update(digested_at=at)
    if not fresh and not needs:
        return False
    subject = f"{_count(len(needs), 'item needs', 'items need')} you, {_count(len(fresh), 'piece', 'pieces')} of news"
    send_mail(key=f"digest:{person.pk}:{day}", to=[person.email], subject=subject, text=_text(needs, fresh, at), at=at)
    return True


def _text(needs: list[Item], fresh: list[Notice], at: datetime) -> str:
    lines = ["This is your daily digest.", ""]
    if needs:
        lines += ["Needs you:", *_listed(_need(item, at) for item in needs), ""]
    if fresh:
        lines += ["What happened:", *_listed(f"- {notice.title}\n  {settings.BASE_URL}{notice.href}" for notice in fresh), ""]
    return "\n".join([*lines, f"To change when it comes, or to end it: {settings.BASE_URL}/me/notices/"])


def _need(item: Item, at: datetime) -> str:
    due = f", due {item.due_at:%-d %b %Y %H:%M} UTC" if item.due_at else ""
    late = " (overdue)" if item.is_overdue(at) else ""
    return f"- {item.title}: {f'{item.key} ' if item.key else ''}{item.about}{due}{late}\n  {settings.BASE_URL}{item.href}"


def _listed(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    rest = len(every) - LISTED
    return [*every[:LISTED], *([f"- and {rest} more in the portal"] if rest > 0 else [])]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
