"""Turns accounts into people: the separation of duties runs on persons, by any linked identity (P-03, P-19)."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from django.db.models import DateTimeField, Value

from changes.delivery.actor import Actor
from changes.delivery.models import PullRequest
from changes.proposals.models import LinkedPush
from portal.access.models import Identity, User
from portal.policy.parameters import DEFAULT, Parameters

FORGE, CO_AUTHOR = "github", "co-author"
WEB_FLOW = 19864447
"""GitHub's own committer of merges made in the browser: nobody's hand."""
LONGEST = 254
"""Characters of an address of mail (RFC 5321). What is longer is somebody's joke, and is not remembered."""
Links = Mapping[str, tuple[int, str]]
Key = int | str | None
"""An account number, or a mail address as it stands in a commit."""


def links_for(keys: Iterable[Key]) -> dict[str, tuple[int, str]]:
    """Number (as text) or address (in small letters) -> (person id, name), for those that are known. One query.

    An address in a commit can be forged. It is good enough here, because being a contributor only takes a right away. An account
    that is linked to nobody any more is still whose it was last: nobody becomes somebody else by ending a link.
    """
    wanted = set(keys) - {None, ""}
    uids = {str(key) for key in wanted if isinstance(key, int)}
    mails = {key.lower() for key in wanted if isinstance(key, str)}
    rows = Identity.objects.filter(provider=FORGE, uid__in=uids).values_list("uid", "user_id", "user__name", "ended_at")
    if mails:
        never = Value(None, output_field=DateTimeField())
        rows = rows.union(User.objects.filter(email__in=mails).values_list("email", "pk", "name", never), all=True)
    in_order = sorted(rows, key=lambda row: (row[3] is None, row[3]))
    return {key: (person, name) for key, person, name, _ in in_order}


def account_actor(uid: int | None, login: str, links: Links, *, bot: bool = False, mail: str = "") -> Actor:
    """The actor behind a forge account. ``mail`` is an address by which the person may be known as well."""
    person = (links.get(str(uid)) if uid is not None else None) or links.get(mail.lower())
    account = f"{FORGE}:{uid}" if uid is not None else f"{FORGE}:@{login.lower()}"
    name = person[1] if person else login
    machine = bot or login.endswith("[bot]") or is_machine(login)
    return Actor(account=account, name=name, person=person[0] if person else None, bot=machine)


def is_machine(name: str, parameters: Parameters = DEFAULT) -> bool:
    """Whether a login or an address belongs to a machine that writes code, by the parameters of the policy version."""
    if not name:
        return False
    asked = _is_one_of if len(name) <= LONGEST else _is_one_of.__wrapped__
    return asked(name.lower(), parameters.ai_co_authors)


@lru_cache(maxsize=1024)
def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    """The same few accounts, over and over."""
    return any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in patterns)


def user_actor(user: User) -> Actor:
    """The actor behind a person of the portal."""
    return Actor(account=f"user:{user.pk}", name=user.name, person=user.pk)


def contributor_actors(pull_request: PullRequest, links: Links) -> tuple[Actor, ...]:
    """Everyone who made the commits of a pull request: its author, commit authors, committers and co-authors.

    The forge's own merge committer is left out. Addresses that belong to nobody known stay as unknown actors.
    """
    author = account_actor(pull_request.author_uid, pull_request.author_login, links, bot=pull_request.author_is_bot)
    found = {author.account: author}
    for person in pull_request.commit_people:
        if person.get("uid") == WEB_FLOW:
            continue
        actor = commit_actor(person, links)
        # An address counts as a person's as soon as one commit says that it made more than a hint of it.
        if actor.account not in found or (found[actor.account].bot and not actor.bot):
            found[actor.account] = actor
    return tuple(found.values())


def commit_actor(person: Mapping[str, Any], links: Links) -> Actor:
    """The actor behind one contributor by commit: by account, else by the address in the commit.

    A machine that only stands as co-author is known by its address. Where such an address stands as author or committer, a
    person may be behind it who did not sign the own work: that stays unknown.
    """
    mail = str(person.get("email") or "").lower()
    if person.get("uid") is not None or person.get("login"):
        return account_actor(person.get("uid"), str(person.get("login") or ""), links, mail=mail)
    known = links.get(mail)
    if known:
        return Actor(account=f"mail:{mail}", name=known[1], person=known[0])
    helped = person.get("role") == CO_AUTHOR and is_machine(mail)
    return Actor(account=f"mail:{mail}", name=str(person.get("name") or ""), bot=helped)


def uids_of(pull_requests: Iterable[PullRequest]) -> set[Key]:
    """Every account number and address that appears on these pull requests (reviews must be prefetched or are asked for)."""
    keys: set[Key] = set()
    for pull_request in pull_requests:
        keys |= {
            pull_request.author_uid,
            pull_request.merged_by_uid,
            pull_request.queued_by_uid,
            *_keys(pull_request.commit_people),
        }
        keys |= {review.uid for review in pull_request.reviews.all()}
    return keys


def _keys(people: Iterable[Mapping[str, Any]]) -> set[Key]:
    return {key for person in people for key in (person.get("uid"), str(person.get("email") or ""))}


def push_actors(push: LinkedPush, links: Links) -> tuple[Actor, ...]:
    """Everybody whose work a push brought, the pusher first: then authors, committers and co-authors of its commits."""
    pusher = account_actor(push.pusher_uid, push.pusher_login, links)
    others = [commit_actor(person, links) for person in push.people if person.get("uid") != WEB_FLOW]
    return tuple({actor.account: actor for actor in (pusher, *others)}.values())


def uids_of_pushes(pushes: Iterable[LinkedPush]) -> set[Key]:
    """Every account number and address that appears on these pushes."""
    return {key for push in pushes for key in (push.pusher_uid, *_keys(push.people))}
