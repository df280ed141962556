"""A pull request joins a change by a click, and the change that it had opened by itself is withdrawn with a reference (P-02).

Only while nobody decided on that one: a word that was given is not carried over to another text. Actions raise ``Refused`` or
``Stale``; nothing was changed then.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from changes.delivery.models import PullRequest
from changes.proposals import actions, queries
from changes.proposals.following import OPENED
from changes.proposals.lifecycle import OPEN_STATES, State
from changes.proposals.models import Category, Change, LinkedPullRequest
from changes.proposals.moving import move, ring_for, stream_of
from changes.proposals.people import links_for
from changes.proposals.refreshing import refresh
from changes.proposals.telling import role_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

REPOSITORY = r"(?P<repository>[\w.-]{1,100}(?:/[\w.-]{1,100}){1,21})"
"""Its owner and name; at GitLab its groups, one in another, and its name."""
NAME = re.compile(rf"(?:{REPOSITORY}?[#!])?(?P<number>[0-9]{{1,9}})", re.ASCII)
ADDRESS = re.compile(rf"https?://[^/\s]+/{REPOSITORY}/(?:pulls?|-/merge_requests)/(?P<number>[0-9]{{1,9}})(?:[/?#]\S*)?", re.ASCII)
OFFERED = 50
"""Pull requests that a page offers."""


@transaction.atomic
def link_by_hand(*, change: Change, pull_request: PullRequest, by: User, at: datetime) -> list[Change]:
    """Link an open or merged pull request to ``change``. Returns the changes that are withdrawn because of it (none or one).

    The change that the pull request opened by itself is withdrawn, with everything that was linked to it coming along.
    """
    row = PullRequest.objects.select_for_update(of=("self",)).select_related("repository").get(pk=pull_request.pk)
    opened = queries.changes_of(row).filter(links__pull_request=row, links__reason=OPENED).exclude(pk=change.pk)
    target, *others = _locked(change, *opened)
    _check_target(target)
    _check_hand(target, row, by, at)
    if any(other.pk == target.pk for other in queries.changes_of(row)) and not others:
        raise Stale(f"{row} belongs to {target} already.")
    if row.state == PullRequest.State.CLOSED:
        raise Refused(Clause.STARTS_AS_PULL_REQUEST, f"{row} was closed without a merge.", "Reopen it at the forge first.")
    for other in others:
        _check_undecided(other)
    _link(target, [row], by, at)
    for other in others:
        _take_over(target, other, by, at)
    refresh(change=target, at=at)
    change.refresh_from_db()
    return others


@transaction.atomic
def join(*, change: Change, to: Change, by: User, at: datetime) -> Change:
    """Withdraw ``change``, which a pull request opened by itself, and bring its pull requests to the change ``to``."""
    if change.pk == to.pk:
        raise Refused(Clause.STARTS_AS_PULL_REQUEST, f"{change} cannot join itself.", "Name the change that it belongs to.")
    rows = list(PullRequest.objects.select_for_update(of=("self",)).filter(links__change=change).order_by("id"))
    target, own = _locked(to, change)
    if own.opened_by != "pull_request":
        why = f"{own} began with its proposal."
        raise Refused(Clause.STARTS_AS_PULL_REQUEST, why, "Link its pull request to the other change, and withdraw it.")
    _check_target(target)
    _check_undecided(own)
    for row in rows:
        _check_hand(target, row, by, at)
    _take_over(target, own, by, at)
    refresh(change=target, at=at)
    change.refresh_from_db()
    return target


def offered(*, change: Change) -> list[PullRequest]:
    """Open pull requests in scope that belong to no change, or to one that they opened and nobody decided on; newest first.

    Each has ``opened`` (the number of that change, or None).
    """
    carrying = LinkedPullRequest.objects.filter(pull_request=OuterRef("pk"), role__in=queries.CARRYING)
    own = {"reason": OPENED, "change__state__in": (State.DRAFT, State.PROPOSED)}
    decided = carrying.exclude(**own) | carrying.filter(change__approvals__isnull=False)
    rows = PullRequest.objects.filter(state=PullRequest.State.OPEN, repository__in_scope_until=None)
    rows = rows.exclude(Exists(carrying.filter(change=change))).exclude(Exists(decided))
    rows = rows.annotate(opened=carrying.values("change__number")[:1])
    return list(rows.select_related("repository").defer("body", "files", "paths").order_by("-touched_at", "-id")[:OFFERED])


def named(text: str, *, change: Change) -> list[PullRequest]:
    """The pull requests that a text names: ``acme/web#17``, ``#17`` or ``17`` in the repositories of the change (in all, while
    it has none), or the address of its page. GitLab writes ``acme/shop/web!17``."""
    match = ADDRESS.fullmatch(text.strip()) or NAME.fullmatch(text.strip())
    if match is None:
        return []
    rows = PullRequest.objects.filter(number=int(match["number"]), repository__in_scope_until=None).select_related("repository")
    if match["repository"]:
        rows = rows.filter(repository__name__iexact=match["repository"])
    elif change.repository_names:
        rows = rows.filter(repository__name__in=change.repository_names)
    return list(rows.order_by("repository__name", "id")[:OFFERED])


def undecided(change: Change) -> str:
    """Why a change has been decided on, in a sentence without its full stop; empty while nobody has."""
    if change.state not in (State.DRAFT, State.PROPOSED):
        return f"{change} is {State(change.state).label.lower()} already"
    if change.category == Category.EMERGENCY:
        return f"{change} is an emergency with clocks of its own"
    word = change.approvals.select_related("by").order_by("id").first()
    if word is not None:
        return f"{word.by.name} has given a word on {change}"
    tested = change.sign_offs.select_related("by").order_by("id").first()
    return f"{tested.by.name} has signed {change} off in staging" if tested else ""


def _locked(*changes: Change) -> list[Change]:
    """The changes under their locks, taken in the order of their ids so that two of us never wait for one another."""
    rows = {pk: queries.locked(pk) for pk in sorted(change.pk for change in changes)}
    return [rows[change.pk] for change in changes]


def _check_target(change: Change) -> None:
    if change.joined_to_id is not None or change.state not in OPEN_STATES:
        raise Stale(f"{change} is {State(change.state).label.lower()}; nothing joins it any more.")


def _check_undecided(change: Change) -> None:
    why = undecided(change)
    if why:
        raise Refused(
            Clause.REVIEWED, f"{why}, and that word is not carried over.", "Keep both changes, or withdraw the other one."
        )


def _check_hand(change: Change, row: PullRequest, by: User, at: datetime) -> None:
    """Who may: whoever asked for the change, the pull request's author by a linked account, or the architecture team."""
    author = links_for([row.author_uid]).get(str(row.author_uid))
    if change.requester_id == by.pk or (author and author[0] == by.pk) or may_at(by, P.CHANGE_CLASSIFY, at=at):
        return
    raise Refused(
        Clause.ACCESS_RESTRICTED,
        f"{by.name} neither asked for {change} nor wrote {row}.",
        "Ask its requester, the pull request's author or the architecture team.",
    )


def _link(target: Change, rows: Iterable[PullRequest], by: User, at: datetime) -> None:
    for row in rows:
        role = role_of(row)
        actions.link(change=target, pull_request=row, role=role, reason=f"linked by {by.name}", actor=actor_of(by), at=at)


def _take_over(target: Change, own: Change, by: User, at: datetime) -> None:
    """Bring the pull requests of ``own`` to ``target``; its links stay as joined, and it is withdrawn with a reference."""
    links = list(own.links.filter(role__in=queries.CARRYING).select_related("pull_request__repository").order_by("id"))
    _link(target, [link.pull_request for link in links], by, at)
    for link in links:
        link.role = LinkedPullRequest.Role.JOINED
        link.save(update_fields=["role"])
    own.joined_to = target
    own.save(update_fields=["joined_to"])
    append(
        stream=stream_of(own),
        kind="change.joined",
        actor=actor_of(by),
        fact={"by": by.name, "to": str(target), "pull_requests": [str(link.pull_request) for link in links], "at": at.isoformat()},
        rows=[own, *links],
    )
    move(change=own, verb="withdraw", actor=actor_of(by), at=at, fact={"by": by.name, "reason": f"It joined {target}."})
    ring_for(target)
