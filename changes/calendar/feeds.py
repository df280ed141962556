"""Personal calendar feeds: made, revoked, and recognised in this one place.

A calendar program can neither sign in nor send a header, so the address itself carries a token: ``csf_`` and 43 random
characters, of which only the SHA-256 is kept. It reads the calendar and nothing else, ends within a year, and gives what its
owner may see at the moment of the call: whoever leaves or becomes an auditor reads nothing from then on.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from changes.calendar import policy
from changes.calendar.entries import KINDS
from changes.calendar.models import CalendarFeed
from portal.access.may import may_at, roles_at
from portal.access.models import User
from portal.access.people import actor_of, stream_of
from portal.access.permissions import P
from portal.access.roles import Role
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of_text
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

PREFIX = "csf_"
PREFIX_LENGTH = 11
LONGEST = timedelta(days=365)
USE_NOTED_EVERY = timedelta(minutes=1)


class NoFeed(Exception):
    """The token opens no feed. The message says why, to somebody who holds the token."""


@transaction.atomic
def make_feed(
    *,
    user: User,
    name: str,
    kinds: Iterable[str],
    environments: Iterable[str],
    repositories: Iterable[str],
    expires_at: datetime,
    at: datetime,
) -> tuple[CalendarFeed, str]:
    """A new feed and its token, which is never readable again. Raises ``Refused``."""
    wanted = sorted(set(kinds))
    policy.check_feed(name=name, kinds=wanted, known=KINDS, auditor=Role.AUDITOR in roles_at(user, at=at))
    if not may_at(user, P.CHANGE_SEE, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{user.name} may not {P.CHANGE_SEE.sentence}.")
    if not at < expires_at <= at + LONGEST:
        raise Refused(Clause.ACCESS_RESTRICTED, "A feed ends within a year.", "Choose an earlier end.")
    text = PREFIX + secrets.token_urlsafe(32)
    feed = CalendarFeed.objects.create(
        user=user,
        name=name.strip(),
        prefix=text[:PREFIX_LENGTH],
        digest=digest_of_text(text),
        kinds=wanted,
        environments=sorted(set(environments)),
        repositories=sorted(set(repositories)),
        made_at=at,
        expires_at=expires_at,
    )
    _tell("feed.made", feed)
    return feed, text


@transaction.atomic
def revoke_feed(*, feed: CalendarFeed, at: datetime, actor: str = "") -> None:
    """End a feed at once. ``actor`` when it is not its owner. Raises ``Stale`` when it was ended already."""
    held = CalendarFeed.objects.select_for_update(of=("self",)).get(pk=feed.pk)
    if held.revoked_at is not None:
        raise Stale("This feed was revoked already.")
    held.revoked_at = at
    held.save(update_fields=["revoked_at"])
    _tell("feed.revoked", held, actor=actor)


def feed_of(*, token: str, at: datetime) -> CalendarFeed:
    """The feed of a token, with its owner. Raises ``NoFeed`` with the reason. Notes its use, at most once a minute."""
    if not token.startswith(PREFIX):
        raise NoFeed("This address has no token of a calendar feed.")
    feed = CalendarFeed.objects.select_related("user").filter(digest=digest_of_text(token)).first()
    if feed is None:
        raise NoFeed("No calendar feed has this token.")
    if feed.revoked_at is not None:
        raise NoFeed(f"This calendar feed was revoked on {feed.revoked_at:%-d %B %Y}.")
    if feed.expires_at <= at:
        raise NoFeed(f"This calendar feed ended on {feed.expires_at:%-d %B %Y}.")
    if Role.AUDITOR in roles_at(feed.user, at=at) or not may_at(feed.user, P.CHANGE_SEE, at=at):
        raise NoFeed("Its owner may not see the calendar any more.")
    stale = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED_EVERY)
    CalendarFeed.objects.filter(stale, pk=feed.pk).update(last_used_at=at)
    return feed


def _tell(kind: str, feed: CalendarFeed, *, actor: str = "") -> None:
    append(
        stream=stream_of(feed.user),
        kind=kind,
        actor=actor or actor_of(feed.user),
        fact={
            "feed": feed.pk,
            "person": feed.user_id,
            "name": feed.user.name,
            "feed_name": feed.name,
            "kinds": feed.kinds,
            "environments": feed.environments,
            "repositories": feed.repositories,
            "expires_at": feed.expires_at.isoformat(),
        },
        rows=(feed,),
    )
