"""Opens changes for many new pull requests at once: what ``following.follow`` does for each, with a few statements for all.

Only for pull requests that stand alone (``stands_alone``): they carry work, name no change and belong to none. The rules are
those of ``following`` and of what it uses; rows and entries of the ledger are the same as one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from changes.delivery.models import PullRequest
from changes.delivery.sets import Key
from changes.proposals import entries
from changes.proposals.actions import Written, first_revision, take_numbers
from changes.proposals.deriving import classes_of, measured, risk_values, routine_by
from changes.proposals.following import OPENED
from changes.proposals.known import Known, apps_of
from changes.proposals.lifecycle import State, find_move
from changes.proposals.models import Change, LinkedPullRequest, Revision
from changes.proposals.moving import MOVED, ring_for, take_step
from changes.proposals.people import links_for
from changes.proposals.progress import next_move
from changes.proposals.refreshing import progress_before_merge
from changes.proposals.sections import texts_in
from changes.proposals.shipped import is_in_production
from changes.proposals.telling import account_of, named_in, role_of, texts_from
from portal.access.models import User
from portal.ledger.actions import Draft, append_many
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.rows import insert_rows, update_rows
from portal.ui.doorbell import ring

MOVES = 4
"""As many moves as ``following`` makes at one time."""
LATER = "SELECT set_config('countersign.search_later', %s, true)"
REFRESH = "SELECT changes_search_refresh(%s)"


@dataclass
class Opening:
    """A pull request on its way to its change. ``at`` is when the portal learned of it."""

    row: PullRequest
    at: datetime
    change: Change
    revision: Revision
    classes: Mapping[str, Any]

    @property
    def actor(self) -> str:
        """The account behind it."""
        return account_of(self.row)


class Preparing:
    """The changes of pull requests, put together in memory: of new ones before anything is locked."""

    def __init__(self, *, accounts: Iterable[int | None], told: Mapping[int, datetime], at: datetime) -> None:
        """Asks the database what is needed: ``accounts`` are those that opened some, ``told`` when each repository (by key) was
        told of last; ``at`` is when the policy is looked at."""
        self.parameters = parameters_at(at)
        self._people: dict[str, User] = {}
        self._apps: dict[int, tuple[str, ...]] = {}
        self._openings: dict[Key, Opening] = {}
        self._ask(accounts, told)

    def prepare(self, rows: Iterable[PullRequest]) -> None:
        """Prepare the changes of new ones, as far as they stand alone. Asks nobody."""
        for row in rows:
            if concerns_a_branch(row) and stands_alone(row, self.parameters):
                self._openings[row.repository_id, row.number] = self._made(row)

    def stands_alone(self, row: PullRequest) -> bool:
        """``stands_alone``, which takes long for a long text, asked once for each."""
        return self._prepared(row) is not None or stands_alone(row, self.parameters)

    def openings_of(self, rows: Sequence[PullRequest]) -> list[Opening]:
        """What was prepared, or is now."""
        late = [row for row in rows if self._prepared(row) is None]
        self._ask((row.author_uid for row in late), {row.repository_id: row.touched_at for row in late})
        return [self._prepared(row) or self._made(row) for row in rows]

    def _prepared(self, row: PullRequest) -> Opening | None:
        """What was prepared for this very row: what somebody else has put on record since may be another."""
        found = self._openings.get((row.repository_id, row.number))
        return found if found is not None and found.row is row else None

    def _ask(self, accounts: Iterable[int | None], told: Mapping[int, datetime]) -> None:
        fresh = {uid for uid in accounts if uid is not None and str(uid) not in self._people}
        self._people |= _people(fresh) if fresh else {}
        self._apps |= {pk: apps_of([pk], at, self.parameters) for pk, at in told.items() if pk not in self._apps}

    def _made(self, row: PullRequest) -> Opening:
        return _opening(row, self._people.get(str(row.author_uid)), self._apps[row.repository_id], self.parameters)


def standing_alone(*, rows: Sequence[PullRequest], preparing: Preparing) -> tuple[list[PullRequest], list[PullRequest]]:
    """Those of these pull requests for which ``open_alone`` opens changes, and those that are followed one by one; what goes
    into another branch and belongs to no change is in neither. The rows are locked by the caller's transaction."""
    if not rows:
        return [], []
    linked = set(LinkedPullRequest.objects.filter(pull_request__in=rows).values_list("pull_request_id", flat=True))
    concerned = [row for row in rows if row.pk in linked or concerns_a_branch(row)]
    alone = [row for row in concerned if row.pk not in linked and preparing.stands_alone(row)]
    done = {row.pk for row in alone}
    return alone, [row for row in concerned if row.pk not in done]


def concerns_a_branch(row: PullRequest) -> bool:
    """Whether it goes into main or prod, so that it needs a change."""
    return bool(row.head_sha) and row.base_ref in (row.repository.main_branch, row.repository.prod_branch)


def stands_alone(row: PullRequest, parameters: Parameters) -> bool:
    """Whether nothing but the pull request itself says what its change looks like."""
    return (
        role_of(row) == LinkedPullRequest.Role.WORK
        and row.paths is None
        and not is_in_production(row)
        and not named_in(row)
        and not routine_by([row], parameters).yes
    )


@transaction.atomic
def open_alone(*, rows: Sequence[PullRequest], preparing: Preparing, searchable: bool = True) -> None:
    """Open changes for pull requests that ``standing_alone`` has found; each was told of at its ``touched_at``.

    Without ``searchable`` the search reads the new changes when they are followed next.
    """
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(LATER, ["on"])
    openings = preparing.openings_of(rows)
    for one, number in zip(openings, take_numbers(len(rows)), strict=True):
        one.change.number = number
    insert_rows([one.change for one in openings])
    for one in openings:
        one.revision.change = one.change
    insert_rows([one.revision for one in openings])
    append_many(drafts=[entries.opened(one.change, one.revision, actor=one.actor) for one in openings])
    _link(openings)
    _classify(openings)
    _advance(openings)
    with connection.cursor() as cursor:
        cursor.execute(LATER, [""])
        if searchable:
            cursor.execute(REFRESH, [[one.change.pk for one in openings]])
    ring("changes")
    for one in openings:
        ring_for(one.change)


def _people(accounts: Iterable[int]) -> dict[str, User]:
    """The people behind these accounts, by number of the account."""
    links = links_for(accounts)
    users = User.objects.in_bulk({person for person, _ in links.values()})
    return {uid: users[person] for uid, (person, _) in links.items() if person in users}


def _opening(row: PullRequest, by: User | None, apps: tuple[str, ...], parameters: Parameters) -> Opening:
    """The change and its first text, in memory, with what is derived and no evidence. Its number is taken last."""
    at, texts = row.opened_at or row.touched_at, texts_in(texts_from(row))
    change = Change(
        title=texts["title"],
        state=State.DRAFT,
        requester=by,
        requester_login=row.author_login,
        opened_by="pull_request",
        opened_at=at,
        moved_at=at,
        repository_names=[row.repository.name],
    )
    revision = first_revision(change, texts, Written("pull_request", by, row.author_login, at, None))
    classes = classes_of(change, rows=[row], work=[row], parameters=parameters, choices={})
    change.reasons = classes["reasons"]
    facts = measured(work=[row], known=Known(at=row.touched_at, parameters=parameters, apps={row.repository_id: apps}))
    for name, value in risk_values(change, facts, parameters).items():
        setattr(change, name, value)
    return Opening(row, row.touched_at, change, revision, classes)


def _link(openings: Sequence[Opening]) -> None:
    links = [
        LinkedPullRequest(change=one.change, pull_request=one.row, role=LinkedPullRequest.Role.WORK, reason=OPENED, at=one.at)
        for one in openings
    ]
    insert_rows(links)
    append_many(drafts=[entries.linked(link, actor=one.actor) for link, one in zip(links, openings, strict=True)])


def _classify(openings: Iterable[Opening]) -> None:
    """What differs from an ordinary change is written after it was opened, as the ledger shall tell it."""
    changed: list[Change] = []
    drafts: list[Draft] = []
    for one in openings:
        fresh = entries.fresh_classes(one.change, one.classes)
        if fresh:
            for name, value in fresh.items():
                setattr(one.change, name, value)
            changed.append(one.change)
            drafts.append(entries.classified(one.change, fresh, actor="portal", at=one.at))
    _write(changed, entries.CLASSES, drafts)


def _advance(openings: Sequence[Opening]) -> None:
    for _ in range(MOVES):
        changed: list[Change] = []
        drafts: list[Draft] = []
        for one in openings:
            verb = next_move(one.change.state, progress_before_merge(one.change, [one.row]))
            step = find_move(verb, one.change.state)
            if step is not None:
                changed.append(one.change)
                drafts.append(take_step(change=one.change, step=step, actor="portal", at=one.at))
        if not changed:
            return
        _write(changed, MOVED, drafts)


def _write(changed: Sequence[Change], names: Sequence[str], drafts: Sequence[Draft]) -> None:
    update_rows(changed, names=names)
    if drafts:
        append_many(drafts=drafts)
