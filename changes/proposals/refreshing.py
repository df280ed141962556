"""Brings a change up to date with what its pull requests say now: text, class, people, approvals, state, risk (P-02)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import prefetch_related_objects

from changes.delivery.models import PullRequest
from changes.proposals import actions, entries, queries
from changes.proposals.deriving import DERIVED, Carried, choices_of, classes_of, derive, routine_by
from changes.proposals.digest import revision_digest
from changes.proposals.known import Known
from changes.proposals.models import Category, Change, LinkedPullRequest, Undoing
from changes.proposals.present import Present, hold
from changes.proposals.progress import Progress, next_move
from changes.proposals.searching.rereading import reread
from changes.proposals.sections import texts_in
from changes.proposals.shipped import Brought, Shipped, merged_to_production
from changes.proposals.telling import account_of, role_of, texts_from
from changes.proposals.undeclared import upheld
from portal.policy.clocks import add_working_days
from portal.policy.parameters import Parameters
from portal.rows import update_rows

Role = LinkedPullRequest.Role


def refresh(*, change: Change, at: datetime) -> None:
    """Bring one change up to date, as ``refresh_all`` does."""
    refresh_all(changes=[change], known=Known(at=at))


@transaction.atomic(savepoint=False)
def refresh_all(*, changes: Sequence[Change], known: Known) -> None:
    """Text, class, people, approvals, state and risk of changes, each once, from what their pull requests say now, by the policy in
    force.

    All of them are locked first, until the transaction ends, and show what is on record of them then. What is the same for all,
    or can be asked and written for all, costs some ten statements however many there are. What has its entry in the ledger (a
    text, a class, a move, an approval that ends) costs its own, and so does what few changes have: words, choices, times of
    production that are new, undoings.
    """
    held = hold(changes)
    carried = [Carried(change, held[change.pk].pull_requests, work_of(held[change.pk].pull_requests)) for change in changes]
    brought = [Brought(merged_to_production(one.pull_requests), one.pushes) for one in held.values()]
    shipped = Shipped(place for one in brought for place in one.commits)
    changed = {one.change.pk: one.change for one in carried if _follow(one, held[one.change.pk], known, shipped)}
    changed |= {change.pk: change for change in derive(carried=carried, known=known)}
    update_rows(list(changed.values()), names=("reasons", *DERIVED))
    reread(changes=changes)


def _follow(carried: Carried, present: Present, known: Known, shipped: Shipped) -> bool:
    """Bring all up to date but what is derived. Returns whether other reasons are to be written for the same classes."""
    change, rows, work = carried.change, carried.rows, carried.work
    if change.opened_by == "pull_request" and rows and not present.written_here:
        _take_over(change, rows, work, present, known)
    choices = choices_of(change) if present.choices else {}
    classes = upheld(change, classes_of(change, rows=rows, work=work, parameters=known.parameters, choices=choices))
    other = bool(classes["reasons"] != change.reasons)
    if entries.fresh_classes(change, classes):
        actions.classify(change=change, values=classes, actor="portal", at=known.at, held=True)
    change.reasons = classes["reasons"]
    if present.words and change.merged_at is None:
        _lapse_outdated(change, rows, known.at)
    _advance(change, present, known, shipped)
    return other


def work_of(rows: Iterable[PullRequest]) -> list[PullRequest]:
    """Those of a change's pull requests that carry it; closed ones only when there is no other."""
    work = [row for row in rows if role_of(row) == Role.WORK]
    return [row for row in work if row.state != PullRequest.State.CLOSED] or work


def _take_over(change: Change, rows: list[PullRequest], work: list[PullRequest], present: Present, known: Known) -> None:
    """The text follows the pull request's; where its description has no way back, a rule may fill one in. Who opened it is
    asked for only where that is not on record or the text differs."""
    row, at = (work or rows)[0], known.at
    texts = texts_from(row)
    if not texts["rollback"].strip():
        texts["rollback"] = known.parameters.routine_rollback if routine_by(work, known.parameters).yes else ""
    same = present.text is not None and present.text.digest == revision_digest(**texts_in(texts))
    if same and change.requester_id is not None:
        return
    person = known.person_of(row)
    if change.requester_id is None and person is not None:
        actions.name_requester(change=change, person=person, actor=account_of(row), at=at)
    if same:
        return
    actions.revise(
        change=change,
        texts=texts,
        source="pull_request",
        at=max(row.vendor_updated_at or at, row.opened_at or at),
        by=person,
        by_login=row.author_login,
        actor=account_of(row),
        held=True,
    )


def _lapse_outdated(change: Change, rows: list[PullRequest], at: datetime) -> None:
    """An approval binds to its head commit and to the people then: a new push or a new contributor ends it (P-03)."""
    standing = queries.standing_approvals(change)
    if not standing:
        return
    head = queries.head_for_production(change, rows=rows)
    # A +1 that came before there was a commit counts for the emergency, whatever commit follows (P-22).
    moved = [row for row in standing if row.head_sha and row.head_sha != head]
    if moved:
        actions.lapse_approvals(change=change, reason=f"a new push: the head is {head[:7]} now", at=at, only=moved)
    prefetch_related_objects(rows, "reviews")
    people = queries.contributors(change, rows=rows)
    own = [row for row in standing if row not in moved and any(queries.actor_for(row.by).same_as(actor) for actor in people)]
    if own:
        actions.lapse_approvals(change=change, reason="the approver has become a contributor", at=at, only=own)


def _advance(change: Change, present: Present, known: Known, shipped: Shipped) -> None:
    progress = progress_of(change, present, shipped)
    _note_times(change, progress, known.parameters)
    for _ in range(4):
        verb = next_move(change.state, progress)
        if not verb:
            return
        moment = {"merge": progress.merged_to_prod_at, "release": progress.released_at, "roll_back": progress.rolled_back_at}
        actions.move(change=change, verb=verb, actor="portal", at=moment.get(verb) or known.at)


def progress_of(change: Change, present: Present, shipped: Shipped) -> Progress:
    """What its pull requests and pushes and the releases of their commits say. An emergency alone answers for pushes."""
    pushes = present.pushes if change.category == Category.EMERGENCY else ()
    brought = Brought(merged_to_production(present.pull_requests), pushes)
    noted = _undone_at(change) if present.undoings else []
    return replace(
        progress_before_merge(change, present.pull_requests),
        merged_to_prod_at=brought.at,
        released_at=shipped.released_at(brought.commits),
        rolled_back_at=max([*shipped.undone_at(brought.commits), *noted], default=None),
    )


def progress_before_merge(change: Change, rows: list[PullRequest]) -> Progress:
    """What the pull requests of a change say by themselves while none of them is in production."""
    ours = [row for row in rows if role_of(row) != Role.BACK_MERGE]
    return Progress(
        any_open=any(row.state == PullRequest.State.OPEN for row in ours),
        any_ready=any(not row.draft for row in ours if row.state != PullRequest.State.CLOSED),
        all_closed=bool(ours) and all(row.state == PullRequest.State.CLOSED for row in ours),
        merged_to_prod_at=None,
        released_at=None,
        rolled_back_at=None,
        by_pull_request=change.opened_by == "pull_request",
    )


def _undone_at(change: Change) -> list[datetime]:
    """When production went back behind the change: a release began to, or a revert of it was released."""
    rows = change.undoings.all()
    noted = [row.started_at if row.kind == Undoing.Kind.RELEASE else row.finished_at for row in rows]
    return [moment for moment in noted if moment is not None]


def _note_times(change: Change, progress: Progress, parameters: Parameters) -> None:
    values: dict[str, datetime | None] = {"merged_at": progress.merged_to_prod_at, "released_at": progress.released_at}
    if progress.merged_to_prod_at is not None:
        values["review_due_at"] = add_working_days(
            progress.released_at or progress.merged_to_prod_at, parameters.review_within_working_days
        )
        if change.category == Category.EMERGENCY:
            days = parameters.retrospective_within_working_days
            values["retrospective_due_at"] = add_working_days(progress.merged_to_prod_at, days)
    fresh = {name: value for name, value in values.items() if value is not None and value != getattr(change, name)}
    if fresh:
        Change.objects.filter(pk=change.pk).update(**fresh)
        for name, value in fresh.items():
            setattr(change, name, value)
