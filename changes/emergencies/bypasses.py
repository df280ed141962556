"""Emergencies that nobody declared: the portal declares one for each way past the rules into prod that it finds (P-21).

A merge into prod makes the change that it carried the emergency; a push past the pull requests gets a change of its own.
Whoever did it is asked for the reason. It all happens in the settling that finds it, and running it twice changes nothing.
Why it is so: docs/adr/0011-undeclared-emergencies.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from changes.delivery.branch_names import first_name, names_of
from changes.delivery.models import PullRequest, Repository
from changes.emergencies.actions import begin, note_declared
from changes.emergencies.asking import ask
from changes.emergencies.models import Emergency, EmergencyCause
from changes.emergencies.pushed import judge_pushed, named_emergency, open_for, pushed_of
from changes.emergencies.queries import of_change, to_note
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.exceptions.owning import person_behind
from changes.gates.actions import reassess
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change, LinkedPush
from changes.proposals.moving import stream_of
from changes.proposals.pushes import link_push, take_back_push
from changes.proposals.queries import changes_of
from changes.proposals.refreshing import refresh
from changes.proposals.undeclared import declare_undeclared, take_back_declaration
from portal.ledger.actions import append

PUSHES = ("direct_push", "force_push")
UNAPPROVED = "unapproved_production"
MERGES = (
    *("no_review", "stale_approval", "self_approval", "changes_requested", "merge_with_own_content"),
    *("failed_ci_merged", "ci_missing_merged", UNAPPROVED),
)
"""Kinds of exceptions that are ways past the rules, where they lead into prod."""
REFUTED = "later evidence shows that nobody went past the rules"
PORTAL = Emergency.Via.PORTAL


@transaction.atomic
def settle_emergencies(*, repository: Repository, at: datetime) -> list[Change]:
    """Note what was declared, declare what was not, and take back what was refuted. Returns the changes that it declared."""
    for change in to_note().filter(repository_names__contains=[repository.name]).order_by("id"):
        note_declared(change=change, at=at)
    found = [_of_push(record, repository, at) for record in _undecided(repository, PUSHES) if _is_prod(record, repository)]
    merges = _undecided(repository, MERGES)
    rows = _merges_of(repository, merges)
    found += [_of_merge(record, rows[record.pk], at) for record in merges if record.pk in rows]
    _reconsider(repository, at)
    return [change for change in found if change is not None]


def _undecided(repository: Repository, kinds: Iterable[str]) -> list[ExceptionRecord]:
    records = ExceptionRecord.objects.filter(repository=repository, kind__in=kinds, state=ExceptionState.OPEN, emergency_cause=None)
    return list(records.select_related("change").order_by("happened_at", "id"))


def _is_prod(record: ExceptionRecord, repository: Repository) -> bool:
    return record.evidence.get("branch") in names_of(repository=repository, name=repository.prod_branch)


def _merges_of(repository: Repository, records: list[ExceptionRecord]) -> dict[int, PullRequest]:
    """The merges into prod that these exceptions are about, by the exception's id."""
    merged = PullRequest.objects.filter(repository=repository, base_ref=repository.prod_branch, state=PullRequest.State.MERGED)
    numbers = {record.pk: int(record.subject[1:]) for record in records if record.subject[1:].isdecimal()}
    rows = {row.number: row for row in merged.filter(number__in=numbers.values()).select_related("repository")}
    found = {pk: rows[number] for pk, number in numbers.items() if number in rows}
    for record in records:
        if record.kind == UNAPPROVED and record.change is not None:
            row = merged.filter(links__change=record.change).select_related("repository").order_by("merged_at", "id").first()
            found |= {record.pk: row} if row is not None else {}
    return found


@dataclass(frozen=True)
class Doer:
    """The account that did it."""

    login: str
    uid: int | None


def _of_merge(record: ExceptionRecord, row: PullRequest, at: datetime) -> Change | None:
    """The change that a merge carried is the emergency; of several the first, so that one merge makes one."""
    key = f"merge:{row.repository_id}:{row.number}"
    emergency = Emergency.objects.select_related("change").filter(key=key).first()
    if emergency is not None:
        _belongs(record, emergency, _who_merged(row), at)
        return None
    change = record.change or changes_of(row).first()
    if change is None:
        return None
    emergency = of_change(change)
    if emergency is None and not declare_undeclared(change=change, fact={"merge": str(row), "found": record.sentence}, at=at):
        emergency = note_declared(change=change, at=at)
    if emergency is not None:
        _belongs(record, emergency, _who_merged(row), at)
        return None
    refresh(change=change, at=at)
    return _declared(record, Emergency(change=change, via=PORTAL, key=key, at=at), _who_merged(row), at)


def _who_merged(row: PullRequest) -> Doer:
    """Whoever merged; where a bot did, whoever put it into the queue, else the author."""
    if row.merged_by_login and not row.merged_by_login.endswith("[bot]"):
        return Doer(row.merged_by_login, row.merged_by_uid)
    if row.merged_by_login and row.queued_by_login:
        return Doer(row.queued_by_login, row.queued_by_uid)
    return Doer(row.author_login, row.author_uid)


def _of_push(record: ExceptionRecord, repository: Repository, at: datetime) -> Change | None:
    """A push that names a declared emergency belongs to it; any other gets a change that the portal opens."""
    pushed = pushed_of(record, repository)
    if pushed is None:
        return None
    doer = Doer(pushed.login, pushed.uid)
    key = f"push:{repository.pk}:{first_name(repository=repository, name=pushed.branch)}:{pushed.commit}"
    emergency = Emergency.objects.select_related("change").filter(key=key).first()
    if emergency is not None:
        _belongs(record, emergency, doer, at)
        return None
    named = named_emergency(pushed)
    if named is not None:
        link_push(change=named, pushed=pushed, reason=f"its commits name {named}", at=at)
        _tie(record, named)
        judge_pushed(change=named, at=at)
        _belongs(record, note_declared(change=named, at=at), doer, at)
        return None
    change = open_for(pushed=pushed, at=at)
    link_push(change=change, pushed=pushed, reason=record.sentence, at=at)
    _tie(record, change)
    judge_pushed(change=change, at=at)
    return _declared(record, Emergency(change=change, via=PORTAL, key=key, at=at), doer, at)


def _tie(record: ExceptionRecord, change: Change) -> None:
    record.change = change
    record.save(update_fields=["change"])


def _declared(record: ExceptionRecord, row: Emergency, doer: Doer, at: datetime) -> Change:
    emergency = begin(row=row, actor="portal", at=at, why=record.sentence)
    _belongs(record, emergency, doer, at)
    return emergency.change


def _belongs(record: ExceptionRecord, emergency: Emergency, doer: Doer, at: datetime) -> None:
    """Put an exception to its emergency; where the portal declared it, ask whoever did it for the reason."""
    row = EmergencyCause.objects.create(emergency=emergency, record=record, at=at)
    append(
        stream=stream_of(emergency.change),
        kind="emergency.exception_added",
        actor="portal",
        fact={"finding": str(record), "reason": record.sentence, "at": at.isoformat()},
        rows=[row],
    )
    if emergency.via == PORTAL:
        account = doer.login or "unknown"
        ask(emergency=emergency, record=record, account=account, person=person_behind(login=doer.login, uid=doer.uid), at=at)


def _reconsider(repository: Repository, at: datetime) -> None:
    """What rests on nothing any more is taken back; what rests on something again is declared again."""
    for emergency in _with_standing(repository).filter(Q(standing=False), change__undeclared=True).exclude(_taken_back()):
        for push in emergency.change.pushes.filter(taken_back_at=None):
            take_back_push(row=push, reason=REFUTED, at=at)
        take_back_declaration(change=emergency.change, why=REFUTED, at=at)
        reassess(change=Change.objects.get(pk=emergency.change_id), at=at)
    for push in LinkedPush.objects.filter(repository=repository, taken_back_at=None, change__undeclared=False).order_by("id"):
        if not _stands(push):
            take_back_push(row=push, reason=REFUTED, at=at)
            judge_pushed(change=push.change, at=at)
    for emergency in _with_standing(repository).filter(_taken_back() | Q(change__category=Category.STANDARD), Q(standing=True)):
        _again(emergency, repository, at)


def _stands(push: LinkedPush) -> bool:
    """Whether an exception about this push of a declared emergency stands."""
    records = ExceptionRecord.objects.filter(emergency_cause__emergency__change=push.change_id, kind__in=PUSHES)
    about = records.filter(Q(evidence__after=push.commit_sha) | Q(evidence__commit=push.commit_sha))
    return about.exclude(state=ExceptionState.CLEARED).exists()


def _with_standing(repository: Repository) -> QuerySet[Emergency]:
    """Emergencies that the portal declared here, with whether one of their exceptions stands."""
    records = EmergencyCause.objects.filter(emergency=OuterRef("pk")).exclude(record__state=ExceptionState.CLEARED)
    rows = Emergency.objects.filter(via=PORTAL, causes__record__repository=repository).distinct()
    return rows.annotate(standing=Exists(records)).select_related("change").order_by("id")


def _taken_back() -> Q:
    return Q(change__opened_by="portal", change__state=State.WITHDRAWN)


def _again(emergency: Emergency, repository: Repository, at: datetime) -> None:
    change = emergency.change
    if change.opened_by != "portal":
        declare_undeclared(change=change, fact={"found": "again"}, at=at)
        refresh(change=change, at=at)
        reassess(change=change, at=at)
        return
    for cause in emergency.causes.select_related("record").exclude(record__state=ExceptionState.CLEARED).order_by("id"):
        pushed = pushed_of(cause.record, repository)
        if pushed is not None:
            link_push(change=change, pushed=pushed, reason="found again", at=at)
    judge_pushed(change=change, at=at)
