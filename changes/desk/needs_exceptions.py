"""What exceptions ask of people: answers, judgements of answers, second words on acceptances. For the inbox."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from changes.exceptions.kinds import KINDS
from changes.exceptions.missed import KIND as MISSED
from changes.exceptions.models import Acceptance, ExceptionRecord, ExceptionState
from changes.exceptions.queries import ANSWERED
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox

MOST = 50


@inbox.provider
def exception_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Exceptions that this person answers for, and what overseers have to look at."""
    if may(user, P.EXCEPTION_EXPLAIN):
        yield from _to_answer(user, at)
    if may(user, P.CHANGE_CLASSIFY):
        yield from _to_judge(user)
    if may(user, P.EXCEPTION_ACCEPT):
        yield from _to_confirm(user, at)


def _to_answer(user: User, at: datetime) -> Iterator[inbox.Item]:
    """One's own; for those who oversee also what nobody owns and what is overdue. Repetitions stand behind the first."""
    mine = Q(owner=user)
    if may(user, P.CHANGE_CLASSIFY):
        mine |= Q(owner=None) | Q(due_at__lte=at)
    rows = ExceptionRecord.objects.filter(mine, state=ExceptionState.OPEN).select_related("repository", "owner")
    rows = rows.exclude(folds_into__state=ExceptionState.OPEN)
    if may(user, P.MEETING_LEAD):
        rows = rows.exclude(kind=MISSED)  # asked on the page of the meeting: ``needs_meetings``
    for record in rows.order_by("due_at", "id")[:MOST]:
        own = record.owner_id == user.pk
        overdue = f"{record.owner.name} has not answered in time." if record.owner else "Nobody answers for it yet."
        yield inbox.Item(
            title="Answer an exception" if own else "See that it is answered",
            about=record.sentence,
            why=f"{KINDS[record.kind].label}. {'You answer for it (P-29).' if own else overdue}",
            due_at=record.due_at,
            href=f"/exceptions/{record.pk}/",
            act="Answer" if own else "Open",
            tone="bad",
            icon="triangle-alert",
            key=record.repository.name if record.repository else "",
        )


def _to_judge(user: User) -> Iterator[inbox.Item]:
    rows = ExceptionRecord.objects.filter(state__in=ANSWERED, judged_at=None).exclude(owner=user).exclude(steps__by=user)
    for record in (
        rows.select_related("repository")
        .exclude(folds_into__judged_at=None, folds_into__state__in=ANSWERED)
        .order_by("found_at", "id")[:MOST]
    ):
        yield inbox.Item(
            title="Judge an answer",
            about=record.sentence,
            why="It was answered; somebody who oversees changes agrees, or opens it again (P-30).",
            due_at=None,
            href=f"/exceptions/{record.pk}/",
            act="Judge",
            tone="warn",
            icon="scale",
            key=record.repository.name if record.repository else "",
        )


def _to_confirm(user: User, at: datetime) -> Iterator[inbox.Item]:
    rows = Acceptance.objects.filter(confirmed_at=None, withdrawn_at=None, expires_at__gt=at).exclude(proposed_by=user)
    for waiting in rows.select_related("record", "proposed_by").order_by("expires_at", "id")[:MOST]:
        yield inbox.Item(
            title="Confirm or refuse an acceptance",
            about=waiting.record.sentence,
            why=f"{waiting.proposed_by.name} would live with it until {waiting.until:%-d %b %Y}; a second person decides (P-29).",
            due_at=waiting.expires_at,
            href=f"/exceptions/{waiting.record_id}/",
            act="Decide",
            tone="warn",
            icon="users",
        )
