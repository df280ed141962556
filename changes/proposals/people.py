"""Turns accounts into people: the separation of duties runs on persons, by any linked identity (P-03, P-19)."""

from collections.abc import Iterable, Mapping
from typing import Any

from changes.delivery.actor import Actor
from changes.delivery.models import PullRequest
from changes.proposals.models import LinkedPush
from portal.access.models import Identity, User

FORGE = "github"
WEB_FLOW = 19864447
"""GitHub's own committer of merges made in the browser: nobody's hand."""
Links = Mapping[str, tuple[int, str]]


def links_for(uids: Iterable[int | None]) -> dict[str, tuple[int, str]]:
    """uid as text -> (person id, name), for the linked ones among ``uids``. One query."""
    wanted = {str(uid) for uid in uids if uid is not None}
    rows = Identity.objects.filter(provider=FORGE, uid__in=wanted, ended_at=None).values_list("uid", "user_id", "user__name")
    return {uid: (person, name) for uid, person, name in rows}


def account_actor(uid: int | None, login: str, links: Links, *, bot: bool = False) -> Actor:
    """The actor behind a forge account."""
    person = links.get(str(uid)) if uid is not None else None
    account = f"{FORGE}:{uid}" if uid is not None else f"{FORGE}:@{login.lower()}"
    name = person[1] if person else login
    return Actor(account=account, name=name, person=person[0] if person else None, bot=bot or login.endswith("[bot]"))


def user_actor(user: User) -> Actor:
    """The actor behind a person of the portal."""
    return Actor(account=f"user:{user.pk}", name=user.name, person=user.pk)


def contributor_actors(pull_request: PullRequest, links: Links) -> tuple[Actor, ...]:
    """Everyone who made the commits of a pull request: its author, commit authors, committers and co-authors.

    The forge's own merge committer is left out. Mail addresses without an account stay as unknown actors.
    """
    author = account_actor(pull_request.author_uid, pull_request.author_login, links, bot=pull_request.author_is_bot)
    found = {author.account: author}
    for person in pull_request.commit_people:
        if person.get("uid") == WEB_FLOW:
            continue
        actor = commit_actor(person, links)
        found.setdefault(actor.account, actor)
    return tuple(found.values())


def commit_actor(person: Mapping[str, Any], links: Links) -> Actor:
    """The actor behind one contributor by commit: by account, else by nothing but the address in the commit."""
    if person.get("uid") is not None or person.get("login"):
        return account_actor(person.get("uid"), str(person.get("login") or ""), links)
    return Actor(account=f"mail:{str(person.get('email') or '').lower()}", name=str(person.get("name") or ""))


def uids_of(pull_requests: Iterable[PullRequest]) -> set[int | None]:
    """Every account number that appears on these pull requests (reviews must be prefetched or are asked for)."""
    uids: set[int | None] = set()
    for pull_request in pull_requests:
        uids |= {pull_request.author_uid, pull_request.merged_by_uid}
        uids |= {person.get("uid") for person in pull_request.commit_people}
        uids |= {review.uid for review in pull_request.reviews.all()}
    return uids


def push_actors(push: LinkedPush, links: Links) -> tuple[Actor, ...]:
    """Everybody whose work a push brought, the pusher first: then authors, committers and co-authors of its commits."""
    pusher = account_actor(push.pusher_uid, push.pusher_login, links)
    others = [commit_actor(person, links) for person in push.people if person.get("uid") != WEB_FLOW]
    return tuple({actor.account: actor for actor in (pusher, *others)}.values())


def uids_of_pushes(pushes: Iterable[LinkedPush]) -> set[int | None]:
    """Every account number that appears on these pushes."""
    uids: set[int | None] = set()
    for push in pushes:
        uids |= {push.pusher_uid, *(person.get("uid") for person in push.people)}
    return uids
