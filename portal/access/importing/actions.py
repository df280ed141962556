"""Take a file of people: keep it, check each row, and do all of it in one transaction or nothing.

Rows are people by their address, whatever its case. Somebody who is not in the file stays as they are; roles are never given by a
file. The same file again finds nothing to do.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from portal.access.importing.models import ImportRow, PeopleImport
from portal.access.importing.reading import Line, Unreadable, Wanted, description_from, lines_of, wanted_by
from portal.access.importing.waiting import MOST_WAITING, gives_way, waiting_of
from portal.access.models import PersonKind, User
from portal.access.people import actor_of
from portal.access.roster.describing import Description, check_keeper, description_of, refused
from portal.access.roster.provisioning import known, unsaved
from portal.bell import after_commit
from portal.ledger.actions import Draft, append_many
from portal.policy.refusal import Stale

CHANNEL = "imports"
"""Wakes a worker."""
AT_ONCE = 500
IN_ONE_ENTRY = 200
HELD = timedelta(minutes=2)
GAVE_WAY = "{most} of your files waited already, so “{name}” gave way to this one. Upload it again if it is still to be imported."
FIELDS = tuple(field.name for field in fields(Description))
State, Outcome = PeopleImport.State, ImportRow.Outcome


@dataclass(frozen=True)
class Judged:
    """What a row would do to whom. ``user`` is None for somebody new."""

    outcome: str
    notes: tuple[str, ...]
    user: User | None = None
    said: Description | None = None


@transaction.atomic
def upload(*, raw: bytes, file_name: str, by: User, at: datetime) -> PeopleImport:
    """Keep the file for checking. The same file that waits already is not kept twice, and a new one takes the place of the oldest
    of ``MOST_WAITING`` that wait, which is then said with it.

    Raises ``Refused`` without the right, in words for a file that cannot be read as a whole, and while so many are being worked on.
    """
    check_keeper(by, at=at)
    try:
        _, lines = lines_of(raw)
    except Unreadable as wrong:
        raise refused(str(wrong)) from wrong
    if not lines:
        raise refused("The file names columns and nobody else.", "Write one row for each person.")
    digest = hashlib.sha256(raw).hexdigest()
    waiting = PeopleImport.objects.filter(digest=digest, uploaded_by=by).exclude(state=State.DONE).order_by("pk").first()
    if waiting is not None:
        return check_again(held=waiting)
    said = {"file_name": file_name[:200], "trouble": _make_room(by)}
    new = PeopleImport.objects.create(uploaded_by=by, uploaded_at=at, digest=digest, content=raw, total=len(lines), **said)
    after_commit(CHANNEL)
    return new


def _make_room(by: User) -> str:
    """Which file gave way, in words; empty when there was room."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    waiting = waiting_of(by)
    oldest = gives_way(waiting)
    if oldest is None:
        if len(waiting) >= MOST_WAITING:
            raise refused(f"{len(waiting)} files of yours are being checked or imported.", "Wait until one of them is through.")
        return ""
    gone, _ = PeopleImport.objects.filter(pk=oldest.pk, state=State.READY).delete()
    return GAVE_WAY.format(most=MOST_WAITING, name=oldest.file_name) if gone else ""


@transaction.atomic
def check_again(*, held: PeopleImport) -> PeopleImport:
    """Check the rows against the people who are here now. What is being imported is left alone."""
    row = PeopleImport.objects.select_for_update(of=("self",)).get(pk=held.pk)
    if row.state == State.READY:
        row.state, row.checked, row.held_until, row.trouble = State.CHECKING, 0, None, ""
        row.save(update_fields=["state", "checked", "held_until", "trouble"])
        after_commit(CHANNEL)
    return row


@transaction.atomic
def want(*, held: PeopleImport, by: User, at: datetime) -> None:
    """Have the checked file imported. Raises ``Refused`` while a row is wrong, ``Stale`` when it is not waiting for this."""
    check_keeper(by, at=at)
    row = PeopleImport.objects.select_for_update(of=("self",)).get(pk=held.pk)
    if row.state != State.READY:
        raise Stale(f"This file is not waiting to be imported: it is {row.get_state_display().lower()}.")
    if row.rows.filter(outcome=Outcome.WRONG).exists():
        raise refused("Some rows are wrong, and a file is imported as a whole.", "Correct them in the file and upload it again.")
    row.state, row.wanted_by, row.held_until, row.trouble = State.WANTED, by, None, ""
    row.save(update_fields=["state", "wanted_by", "held_until", "trouble"])
    after_commit(CHANNEL)


def claim(*, at: datetime) -> PeopleImport | None:
    """Take one file that waits for a worker, for two minutes; None when there is none."""
    with transaction.atomic():
        free = Q(held_until=None) | Q(held_until__lt=at)
        waiting = PeopleImport.objects.filter(free, state__in=[State.CHECKING, State.WANTED]).order_by("pk")
        row = waiting.select_for_update(of=("self",), skip_locked=True).first()
        if row is not None:
            row.held_until = at + HELD
            row.save(update_fields=["held_until"])
    return row


def check(*, held: PeopleImport, at: datetime) -> None:
    """Judge every row, some hundred in each transaction, so that the page can show how far it is."""
    columns, lines = lines_of(bytes(held.content))
    held.rows.all().delete()
    seen: dict[str, int] = {}
    for start in range(0, len(lines), AT_ONCE):
        piece = lines[start : start + AT_ONCE]
        wanted = [_wanted(line, len(columns), seen) for line in piece]
        with transaction.atomic():
            judged = _judge_all(wanted, at=at)
            ImportRow.objects.bulk_create(
                ImportRow(
                    of=held,
                    line=line.number,
                    said={"email": one.email or line.cells.get("email", ""), **one.said},
                    outcome=each.outcome,
                    notes=each.notes,
                )
                for line, one, each in zip(piece, wanted, judged, strict=True)
            )
            PeopleImport.objects.filter(pk=held.pk).update(checked=start + len(piece), held_until=at + HELD)
    PeopleImport.objects.filter(pk=held.pk, state=State.CHECKING).update(state=State.READY, held_until=None, checked=len(lines))


def carry_out(*, held: PeopleImport, at: datetime) -> bool:
    """Do all rows or none. False when something changed since the check: it is said, and the file waits checked anew."""
    try:
        with transaction.atomic():
            return _carry_out(held, at=at)
    except IntegrityError:
        return _not_done(held, "While it was imported, somebody else made one of these people known.")


def _carry_out(held: PeopleImport, *, at: datetime) -> bool:
    row = PeopleImport.objects.select_for_update(of=("self",)).select_related("wanted_by").get(pk=held.pk)
    if row.state != State.WANTED or row.wanted_by is None:
        return False
    rows = list(row.rows.order_by("line"))
    list(User.objects.select_for_update(no_key=True).filter(email__in=[each.said["email"] for each in rows]).order_by("pk"))
    judged = _judge_all([_read(each) for each in rows], at=at)
    wrong = next((each.line for each, one in zip(rows, judged, strict=True) if one.outcome == Outcome.WRONG), None)
    if wrong is not None:
        return _not_done(row, f"Since the rows were checked, line {wrong} and perhaps others went wrong.")
    told = [*_make(rows, judged), *_change(judged)]
    row.state, row.content, row.done_at, row.held_until = State.DONE, b"", at, None
    row.save(update_fields=["state", "content", "done_at", "held_until"])
    _tell(row, told, actor=actor_of(row.wanted_by))
    return True


def _not_done(row: PeopleImport, why: str) -> bool:
    """Nothing was written; the rows are checked anew, and the page says why."""
    PeopleImport.objects.filter(pk=row.pk).update(
        state=State.CHECKING, checked=0, held_until=None, trouble=f"{why} Nothing was imported."
    )
    after_commit(CHANNEL)
    return False


def _wanted(line: Line, columns: int, seen: dict[str, int]) -> Wanted:
    one = wanted_by(line, columns=columns, seen=seen)
    if one.email:
        seen.setdefault(one.email, line.number)
    return one


def _read(row: ImportRow) -> Wanted:
    said = {name: cell for name, cell in row.said.items() if name != "email"}
    return Wanted(row.said["email"], said, ())


def _judge_all(wanted: Iterable[Wanted], *, at: datetime) -> list[Judged]:
    """Each row against the people who are here. One query."""
    every = list(wanted)
    people = known(one.email for one in every if one.email)
    return [_judge(one, people.get(one.email), at=at) for one in every]


def _judge(one: Wanted, user: User | None, *, at: datetime) -> Judged:
    if one.problems:
        return Judged(Outcome.WRONG, one.problems)
    if user is not None and not user.is_active:
        return Judged(Outcome.WRONG, (f"{user.name} has left; open the account again first",))
    base = Description(name="", kind=PersonKind.EMPLOYEE) if user is None else description_of(user)
    try:
        said = description_from(one.said, base)
    except ValueError as wrong:
        return Judged(Outcome.WRONG, (str(wrong),))
    if user is None:
        over = said.leaves_on is not None and said.leaves_on < at.date()
        return Judged(Outcome.WRONG, ("the last day is over",)) if over else Judged(Outcome.NEW, (), None, said)
    notes = tuple(
        f"{name}: {getattr(base, name) or 'nothing'} → {getattr(said, name) or 'nothing'}"
        for name in FIELDS
        if getattr(base, name) != getattr(said, name)
    )
    return Judged(Outcome.CHANGED if notes else Outcome.SAME, notes, user, said)


def _make(rows: list[ImportRow], judged: list[Judged]) -> list[dict[str, object]]:
    pairs = zip(rows, judged, strict=True)
    new = [unsaved(email=row.said["email"], said=one.said) for row, one in pairs if one.outcome == Outcome.NEW and one.said]
    User.objects.bulk_create(new, batch_size=AT_ONCE)
    return [{"person": user.pk, "name": user.name, "new": True} for user in new]


def _change(judged: list[Judged]) -> list[dict[str, object]]:
    told: list[dict[str, object]] = []
    changed: list[User] = []
    for one in judged:
        if one.outcome == Outcome.CHANGED and one.user is not None and one.said is not None:
            for name in FIELDS:
                setattr(one.user, name, getattr(one.said, name))
            changed.append(one.user)
            told.append({"person": one.user.pk, "name": one.user.name, "changed": list(one.notes)})
    User.objects.bulk_update(changed, FIELDS, batch_size=AT_ONCE)
    return told


def _tell(row: PeopleImport, told: list[dict[str, object]], *, actor: str) -> None:
    """Entries in the stream of this import, some hundred people in each: one stream means one lock, whatever their number."""
    pieces = [told[start : start + IN_ONE_ENTRY] for start in range(0, len(told), IN_ONE_ENTRY)] or [[]]
    about = {"import": row.pk, "file": row.file_name, "digest": row.digest, "rows": row.total, "people": len(told)}
    append_many(
        drafts=[
            Draft(
                stream=f"import:{row.pk}",
                kind="people.imported",
                actor=actor,
                fact={**about, "part": number, "parts": len(pieces), "who": piece},
            )
            for number, piece in enumerate(pieces, start=1)
        ]
    )
