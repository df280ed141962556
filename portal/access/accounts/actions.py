"""Say whose an account is, or what it is. Each step is in the ledger.

A wrong link would let somebody approve their own work under another name, so nobody says it of themselves here: one's own account
is linked by signing in at the vendor.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from portal.access.accounts.models import ExplainedAccount
from portal.access.accounts.seeing import Seen
from portal.access.identities import link_identity
from portal.access.models import Identity, User
from portal.access.people import actor_of
from portal.access.roster.describing import check_keeper, refused
from portal.ledger.actions import append
from portal.policy.refusal import Stale


@transaction.atomic
def belongs_to(*, seen: Seen, user: User, by: User, at: datetime) -> Identity:
    """The account is this person's. Linking again changes nothing.

    Raises ``Refused`` when it is linked to somebody else, for one's own account, and without the right.
    """
    check_keeper(by, at=at)
    if by.pk == user.pk:
        raise refused("Nobody says here that an account is their own.", "Link it on your own page, by signing in at the vendor.")
    standing = ExplainedAccount.objects.select_for_update().filter(provider=seen.provider, uid=seen.uid, ended_at=None).first()
    if standing is not None:
        _end(standing, by=by, at=at)
    return link_identity(user=user, provider=seen.provider, uid=seen.uid, login=seen.login, by=actor_of(by), at=at)


@transaction.atomic
def explain(*, seen: Seen, explained_as: str, reason: str, owner: User | None = None, by: User, at: datetime) -> ExplainedAccount:
    """The account is a machine's, for which ``owner`` answers, or an outsider's.

    Raises ``Refused`` when it is a person's, ``Stale`` when somebody was faster.
    """
    check_keeper(by, at=at)
    if explained_as not in ExplainedAccount.As.values:
        raise refused("An account is a person's, a bot or service, or somebody outside.", "Choose one of them.")
    if not reason.strip():
        raise refused("A reason is missing.", "Say in a sentence what this account is for.")
    linked = Identity.objects.filter(provider=seen.provider, uid=seen.uid, ended_at=None).select_related("user").first()
    if linked is not None:
        raise refused(f"This account is linked to {linked.user.name}.", "Unlink it first.")
    try:
        with transaction.atomic():
            new = ExplainedAccount.objects.create(
                provider=seen.provider,
                uid=seen.uid,
                login=seen.login,
                explained_as=explained_as,
                reason=reason.strip(),
                owner=owner,
                explained_by=by,
                explained_at=at,
            )
    except IntegrityError as twice:
        raise Stale("Somebody explained this account already.") from twice
    _tell("account.explained", new, by=by)
    return new


@transaction.atomic
def take_back(*, explained: ExplainedAccount, by: User, at: datetime) -> None:
    """The explanation was wrong: the account is listed again. Raises ``Stale`` when it was taken back already."""
    check_keeper(by, at=at)
    held = ExplainedAccount.objects.select_for_update().get(pk=explained.pk)
    if held.ended_at is not None:
        raise Stale("This explanation was taken back already.")
    _end(held, by=by, at=at)


def _end(held: ExplainedAccount, *, by: User, at: datetime) -> None:
    held.ended_at = at
    held.save(update_fields=["ended_at"])
    _tell("account.explanation_ended", held, by=by)


def _tell(kind: str, explained: ExplainedAccount, *, by: User) -> None:
    append(
        stream=f"account:{explained.provider}:{explained.uid}",
        kind=kind,
        actor=actor_of(by),
        fact={
            "provider": explained.provider,
            "uid": explained.uid,
            "login": explained.login,
            "explained_as": explained.explained_as,
            "reason": explained.reason,
            "owner": explained.owner.name if explained.owner is not None else "",
            "by": by.name,
        },
        rows=(explained,),
    )
