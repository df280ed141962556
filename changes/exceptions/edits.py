"""Edits in the consoles of Doppler and Cloudflare: each belongs to a change, or becomes an exception (P-13, P-24).

Looked at are edits of DNS and Access, and of production secrets, from the vendors' own logs. A match is kept with its reason. What
had none is looked at again as long as its exception is open: a person may have been linked to the account since. Anything that
has been looked at once is not looked at again, so a run costs what is new.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import chain

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from changes.calendar.models import PlannedWindow
from changes.exceptions.actions import clear, open_exception
from changes.exceptions.edit_rules import VALID, Candidate, Edit, matching, why_not
from changes.exceptions.edit_words import ACCESS, DNS, PREFIX, SECRETS, approved, found_of, key_of, what
from changes.exceptions.models import EditMatch, ExceptionRecord, ExceptionState
from changes.inventory.models import VendorEvent
from changes.proposals.lifecycle import State
from changes.proposals.models import Change, Kind
from changes.proposals.moving import stream_of
from changes.proposals.queries import contributors
from portal.access.models import Identity, User
from portal.ledger.actions import append

AT_ONCE = 200
CANDIDATES = 300


def about_edits() -> QuerySet[VendorEvent]:
    """Every edit that needs a change: of DNS and Access anywhere, of secrets in production. What failed changed nothing."""
    # A log that does not say how it ended says nothing for a failure: a missing key equals nothing and differs from nothing.
    at_cloudflare = Q(kind__in=(*DNS, *ACCESS)) & (Q(detail__result__isnull=True) | ~Q(detail__result="failure"))
    return VendorEvent.objects.filter(at_cloudflare | Q(kind=SECRETS, environment="production"))


def judge_edits(*, source: str, since: datetime, at: datetime) -> int:
    """Look at what is new of one source from ``since`` on (before, nobody has to explain), and again at what stands open.

    Returns how many exceptions were opened.
    """
    edits = about_edits().filter(source=source, at__gte=since, match=None)
    key = Concat(Value(PREFIX), Cast(OuterRef("pk"), CharField()))
    new = list(edits.exclude(Exists(ExceptionRecord.objects.filter(key=key))).order_by("at", "id")[:AT_ONCE])
    standing = list(
        edits.filter(Exists(ExceptionRecord.objects.filter(key=key, state=ExceptionState.OPEN))).order_by("-id")[:AT_ONCE]
    )
    if not new and not standing:
        return 0
    candidates = _candidates([*new, *standing])
    opened = sum(_judge(event, candidates, at) for event in new)
    for event in standing:
        _look_again(event, candidates, at)
    return opened


def _candidates(events: Iterable[VendorEvent]) -> dict[int, tuple[Change, Candidate]]:
    """The changes that may cover one of these, by number: those of the two kinds that were open at the time, and those named."""
    events = list(events)
    named = set(chain.from_iterable(_references(event) for event in events))
    return candidates_since(min(event.at for event in events) - VALID, named=named)


def candidates_since(first: datetime, *, named: Collection[int] = ()) -> dict[int, tuple[Change, Candidate]]:
    """The changes that may cover edits from ``first`` on, by number: of the kinds for that, and those that are named."""
    rows = Change.objects.filter(Q(kind__in=(Kind.ACCESS, Kind.SECRETS), moved_at__gte=first) | Q(number__in=named))
    windows = _windows(rows)
    found = rows.order_by("-opened_at", "-id")[:CANDIDATES]
    return {change.number: (change, _candidate(change, windows.get(change.pk, ()))) for change in found}


def _windows(rows: QuerySet[Change]) -> dict[int, tuple[tuple[datetime, datetime], ...]]:
    """The planned windows for production that count: the newest of each change, unless it was cancelled."""
    planned = PlannedWindow.objects.filter(change__in=rows, environment="production").order_by("change_id", "-number")
    newest = planned.distinct("change_id")
    return {row.change_id: ((row.starts_at, row.ends_at),) for row in newest if not row.cancelled}


def _candidate(change: Change, windows: tuple[tuple[datetime, datetime], ...]) -> Candidate:
    people = {actor.person for actor in contributors(change) if actor.person is not None}
    revisions = change.revisions.order_by("number").values_list("title", "why", "what", "tested", "rollback")
    return Candidate(
        number=change.number,
        kind=change.kind,
        state=change.state,
        opened_at=change.opened_at,
        ended_at=change.moved_at if change.state == State.CLOSED else None,
        people=frozenset(people | ({change.requester_id} if change.requester_id is not None else set())),
        text="\n".join(chain.from_iterable(revisions)),
        windows=windows,
    )


def edit_of(event: VendorEvent) -> Edit:
    """An entry of a vendor's log as the rules see it."""
    secret = event.kind == SECRETS
    return Edit(
        kind=Kind.SECRETS if secret else Kind.ACCESS,
        at=event.at,
        person=_person(event),
        names=_secret_names(event) if secret else ((event.object_name,),),
        references=frozenset(_references(event)),
    )


def _secret_names(event: VendorEvent) -> tuple[tuple[str, ...], ...]:
    """The config as ``backend/prd`` or by both its words; or every secret that was touched, by name."""
    touched = chain.from_iterable(event.detail.get(side, []) for side in ("added", "removed", "updated"))
    return (event.object_name,), tuple(event.object_name.split("/")), tuple(str(name) for name in touched)


def _references(event: VendorEvent) -> set[int]:
    return {int(str(name).removeprefix("CHG-")) for name in event.detail.get("references", [])}


def _person(event: VendorEvent) -> int | None:
    """The person behind the account: by the linked account, else by the address that the vendor has confirmed."""
    provider = event.kind.partition(".")[0]
    linked = Identity.objects.filter(provider=provider, uid=event.actor_id, ended_at=None).first() if event.actor_id else None
    if linked is not None:
        return linked.user_id
    person = User.objects.filter(email__iexact=event.actor_name, is_active=True).first() if "@" in event.actor_name else None
    return person.pk if person is not None else None


def _judge(event: VendorEvent, candidates: dict[int, tuple[Change, Candidate]], at: datetime) -> bool:
    """Keep the match, or open the exception. True when one was opened."""
    edit = edit_of(event)
    match = matching(edit, (one for _, one in candidates.values()))
    if match is not None:
        _keep(event, candidates[match[0].number][0], match[1], at)
        return False
    reason = why_not(edit, (one for _, one in candidates.values()))
    return open_exception(repository=None, found=found_of(event, reason), at=at) is not None


@transaction.atomic
def _keep(event: VendorEvent, change: Change, reason: str, at: datetime) -> None:
    vendor_said = approved(event)
    words = f"{reason}. {vendor_said}" if vendor_said else f"{reason}."
    row = EditMatch.objects.create(event=event, change=change, reason=words, at=at)
    append(
        stream=stream_of(change),
        kind="edit.matched",
        actor="portal",
        fact={"change": str(change), "edit": what(event), "event": event.external_id, "reason": words, "at": at.isoformat()},
        rows=[row],
    )


def _look_again(event: VendorEvent, candidates: dict[int, tuple[Change, Candidate]], at: datetime) -> None:
    match = matching(edit_of(event), (one for _, one in candidates.values()))
    if match is None:
        return
    record = ExceptionRecord.objects.get(key=key_of(event))
    with transaction.atomic():
        _keep(event, candidates[match[0].number][0], match[1], at)
        clear(record=record, reason=f"it belongs to CHG-{match[0].number}", at=at)


def matches_now(*, at: datetime) -> dict[int, int | None]:
    """Every edit up to ``at`` by its id, and the number of the change that the rules give it now; nothing is written.

    One that was matched once stays matched: a change that has ended or was reworded since does not take that back.
    """
    kept = dict(EditMatch.objects.values_list("event_id", "change__number"))
    found: dict[int, int | None] = {}
    rows = list(about_edits().filter(at__lte=at).order_by("id"))
    for first in range(0, len(rows), AT_ONCE):
        batch = rows[first : first + AT_ONCE]
        candidates = _candidates(batch)
        for event in batch:
            match = matching(edit_of(event), (one for _, one in candidates.values()))
            found[event.pk] = match[0].number if match is not None else kept.get(event.pk)
    return found
