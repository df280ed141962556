"""A pull request gets its change by itself, and the change follows what happens to it (P-02).

Who carries what: a pull request into main or prod opens a change, unless its title, branch or body names one
(``CHG-1042``). A promotion (main into prod) carries the changes that it brings; a back merge (prod into main) belongs
to the changes that it brings back. Only when the picture has settled does a promotion that carries nothing known get
a change of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from changes.delivery.models import PullRequest
from changes.proposals import actions, queries
from changes.proposals.carried import brought_back, carried_by
from changes.proposals.known import Known, person_of
from changes.proposals.lifecycle import State
from changes.proposals.models import Change, LinkedPullRequest
from changes.proposals.refreshing import refresh_all
from changes.proposals.telling import account_of, named_in, role_of, texts_from

Role = LinkedPullRequest.Role
OPENED = "the pull request opened it"
"""Why a pull request is linked to the change that it opened by itself."""


@transaction.atomic
def follow(*, pull_request: PullRequest, at: datetime, settled: bool) -> list[Change]:
    """Join the pull request to its changes (opening one where needed) and bring them up to date. Returns them."""
    changes = join(pull_request=pull_request, at=at, settled=settled)
    refresh_all(changes=changes, known=Known(at=at))
    return changes


def join(*, pull_request: PullRequest, at: datetime, settled: bool) -> list[Change]:
    """Join one pull request to its changes, as ``join_all`` does."""
    return join_all(pull_requests=[pull_request], at=at, settled=settled)


@transaction.atomic(savepoint=False)
def join_all(*, pull_requests: Sequence[PullRequest], at: datetime, settled: bool) -> list[Change]:
    """Join pull requests to their changes, the oldest first, opening one where needed. Returns these changes as they are, each
    once; whoever calls refreshes them. All pull requests are locked before any change is."""
    locked = PullRequest.objects.select_for_update(of=("self",)).filter(pk__in=[row.pk for row in pull_requests])
    rows = [row for row in locked.select_related("repository").order_by("opened_at", "number", "id") if row.head_sha]
    links = _links(rows)
    linked = {link.pull_request_id for link in links}
    made = False
    for row in rows:
        if row.base_ref in (row.repository.main_branch, row.repository.prod_branch):
            made |= _join(row, at, settled=settled, linked=row.pk in linked)
    # One that goes into another branch now may belong to a change already: that change follows.
    own = [link for link in (_links(rows) if made else links) if link.role in queries.CARRYING]
    place = {row.pk: place for place, row in enumerate(rows)}
    own.sort(key=lambda link: (place[link.pull_request_id], link.change_id))
    return list({link.change_id: link.change for link in own}.values())


def _links(rows: Iterable[PullRequest]) -> list[LinkedPullRequest]:
    """All links of these pull requests with their changes. Nobody else makes any while the pull requests are locked."""
    return list(LinkedPullRequest.objects.filter(pull_request__in=rows).select_related("change"))


def _join(row: PullRequest, at: datetime, *, settled: bool, linked: bool) -> bool:
    """Join one of them; ``linked`` says that it has links already. Returns whether there are new ones."""
    role, made = role_of(row), []

    def link(change: Change, reason: str, actor: str) -> None:
        made.append(actions.link(change=change, pull_request=row, role=role, reason=reason, actor=actor, at=at))

    for change in _named(row):
        link(change, f"the pull request names {change}", account_of(row))
    if role == Role.PROMOTION:
        for change in carried_by(row):
            link(change, "the promotion carries it", "portal")
    if role == Role.BACK_MERGE:
        for change in brought_back(row):
            link(change, "brings it back to main", "portal")
    if not (linked or made) and (role == Role.WORK or settled):
        link(_open(row, at), OPENED, account_of(row))
    return any(made)


def _named(row: PullRequest) -> Iterable[Change]:
    """The changes that it names."""
    numbers = named_in(row)
    if not numbers:
        return ()
    took_over = Q(joined__number__in=numbers)  # whoever names a change that joined another one means that one
    return Change.objects.filter(Q(number__in=numbers) | took_over, joined_to=None).distinct().order_by("id")


def _open(row: PullRequest, at: datetime) -> Change:
    return actions.open_change(
        texts=texts_from(row),
        source="pull_request",
        at=row.opened_at or at,
        by=person_of(row),
        by_login=row.author_login,
        actor=account_of(row),
        state=State.DRAFT,
    )
