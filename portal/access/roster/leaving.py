"""Somebody leaves: one action ends everything that they hold here, and the next request finds nothing.

Roles, waiting proposals, sessions, tokens of the API and the password end in one transaction, each with its entry. Apps above join
with ``@ends_with_person``: what they gave ends in the same transaction. Linked accounts stay linked: what somebody still does at a
vendor after their last day shall be seen as theirs.
"""

from collections.abc import Callable
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from portal.access.actions import end_all
from portal.access.models import ApiToken, User
from portal.access.people import PORTAL, actor_of, stream_of
from portal.access.roster.describing import check_keeper, refused
from portal.access.tokens import revoke_token
from portal.ledger.actions import append
from portal.policy.refusal import Refused, Stale

Ending = Callable[[User, User | None, datetime], int]
"""Ends what one feature gave to the person; whoever does it (None: the portal), and when. Gives how many things ended."""

_endings: dict[str, Ending] = {}


def ends_with_person(name: str) -> Callable[[Ending], Ending]:
    """Register what else ends when somebody leaves, under the name that the ledger shows (``calendar_feeds``)."""

    def register(function: Ending) -> Ending:
        _endings[name] = function
        return function

    return register


@transaction.atomic
def leave(*, user: User, by: User, reason: str, at: datetime) -> dict[str, int]:
    """End all that this person holds, at once. Gives how many of each thing ended.

    Raises ``Refused`` for whoever may not, without a reason, and for the last compliance manager or administrator; ``Stale`` when
    the person has left already.
    """
    check_keeper(by, at=at)
    return end_access(user=user, by=by, actor=actor_of(by), reason=reason, at=at)


@transaction.atomic
def end_access(*, user: User, by: User | None, actor: str, reason: str, at: datetime) -> dict[str, int]:
    """The same for whoever has asked already: provisioning, the portal on the day after the last."""
    if not reason.strip():
        raise refused("A reason is missing.", "Say in a sentence why.")
    ended = {"roles": len(end_all(user=user, by=by, actor=actor, reason=reason, at=at))}
    # Locked by now: of two who let the same person go at once, the second reads that the first did.
    held = User.objects.get(pk=user.pk)
    if not held.is_active:
        raise Stale(f"{user.name} has left already.")
    ended["tokens"] = _revoke_tokens(user, actor=actor, at=at)
    ended |= {name: end(user, by, at) for name, end in sorted(_endings.items())}
    ended["sessions"] = _end_sessions(user)
    held.is_active, held.left_at = False, at
    # Whoever comes back chooses a new password; and no session that was forgotten here outlives the old one.
    held.set_unusable_password()
    held.save(update_fields=["is_active", "left_at", "password"])
    user.is_active, user.left_at, user.password = False, at, held.password
    fact = {"person": user.pk, "name": user.name, "reason": reason.strip(), "ended": ended}
    append(stream=stream_of(user), kind="person.left", actor=actor, fact=fact)
    return ended


@transaction.atomic
def sign_out_everywhere(*, user: User, by: User, at: datetime) -> int:
    """End every session of somebody who stays: a lost laptop, a doubt. They sign in again. Gives how many ended.

    Raises ``Refused`` for whoever may not.
    """
    check_keeper(by, at=at)
    ended = _end_sessions(user)
    fact = {"person": user.pk, "name": user.name, "sessions": ended}
    append(stream=stream_of(user), kind="person.signed_out", actor=actor_of(by), fact=fact)
    return ended


@transaction.atomic
def come_back(*, user: User, by: User, at: datetime) -> None:
    """Somebody who left is here again, with no role, no token and no password. Raises ``Stale`` when they never left."""
    check_keeper(by, at=at)
    reopen(user=user, actor=actor_of(by))


@transaction.atomic
def reopen(*, user: User, actor: str) -> None:
    """The same for provisioning, which has asked already."""
    held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if held.is_active:
        raise Stale(f"{held.name} is here.")
    held.is_active, held.left_at, held.leaves_on = True, None, None
    held.save(update_fields=["is_active", "left_at", "leaves_on"])
    user.is_active, user.left_at, user.leaves_on = True, None, None
    append(stream=stream_of(held), kind="person.returned", actor=actor, fact={"person": held.pk, "name": held.name})


def leave_due(*, at: datetime) -> list[User]:
    """End the access of everybody whose last day is over (UTC). Gives those who left.

    The last administrator or compliance manager stays until there is another, and the page of people says so.
    """
    due = User.objects.filter(is_active=True, leaves_on__lt=at.date()).order_by("pk")
    return [user for user in due if _leaves(user, at=at)]


def _leaves(user: User, *, at: datetime) -> bool:
    last = user.leaves_on
    reason = f"The last day was {last:%-d %B %Y}." if last else "The last day is over."
    try:
        end_access(user=user, by=None, actor=PORTAL, reason=reason, at=at)
    except (Refused, Stale):
        return False
    return True


def is_overdue(user: User, *, at: datetime) -> bool:
    """Whether somebody is still here though the last day is over: the portal could not let them go."""
    return user.is_active and user.leaves_on is not None and user.leaves_on < at.date()


def _revoke_tokens(user: User, *, actor: str, at: datetime) -> int:
    standing = list(ApiToken.objects.filter(Q(expires_at__gt=at), user=user, revoked_at=None).order_by("pk"))
    for token in standing:
        revoke_token(token=token, by=actor, at=at)
    return len(standing)


def _end_sessions(user: User) -> int:
    """Sign out every browser. One that is not listed ends too: nobody is found for it any more."""
    listed = UserSession.objects.filter(user=user)
    keys = list(listed.values_list("session_key", flat=True))
    Session.objects.filter(pk__in=keys).delete()
    listed.delete()
    return len(keys)
