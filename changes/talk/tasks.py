"""Notices are made from the ledger, told, and gathered in digests; each run goes on where the last one ended."""

from celery import shared_task
from django.utils.timezone import now

from changes.talk import inviting, news, telling

ROUNDS = 20


@shared_task(name="changes.talk.tasks.tell")
def tell() -> None:
    """Make the notices of what was sealed since the last run, and tell what is due."""
    at = now()
    for _ in range(ROUNDS):
        if news.make_notices(at=at) < news.BATCH:
            break
    telling.tell_now(at=at)


@shared_task(name="changes.talk.tasks.send_digests")
def send_digests() -> None:
    """Send the digests whose hour has come."""
    telling.send_digests(at=now())


@shared_task(name="changes.talk.tasks.invite")
def invite() -> None:
    """Send invitations to meetings that come, moved or are not held."""
    inviting.invite(at=now())
