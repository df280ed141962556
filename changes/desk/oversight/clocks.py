"""What oversight has to look at: decisions that wait, clocks that have run out, exceptions by age, who holds what. Few queries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from changes.approvals.models import Condition
from changes.approvals.policy import DONE, progress
from changes.approvals.queries import is_standing, steps_of, waivers_to_review, with_steps
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.meetings.models import Action, Decision
from changes.outcomes.models import FollowUp
from changes.proposals.lifecycle import State
from changes.proposals.models import Change, ReviewAfter, Size
from portal.policy.clocks import end_of

MOST = 20
"""Rows that a number shows when it is opened; the rest stands behind its link."""
AGES = ((timedelta(days=2), "up to 2 days"), (timedelta(days=7), "2 to 7 days"), (timedelta(days=30), "7 to 30 days"))
OLDER = "over 30 days"
LATE = timedelta(0)


@dataclass(frozen=True)
class Row:
    """One thing behind a number."""

    words: str
    href: str
    at: datetime | None
    who: str = ""


@dataclass(frozen=True)
class Number:
    """A number with the rows that it counts. ``href`` leads to all of them where a list of them exists."""

    code: str
    label: str
    count: int
    rows: tuple[Row, ...]
    tone: str = "neutral"
    href: str = ""


def waiting_decisions() -> Number:
    """Large changes in review without a decision that stands."""
    decided = Decision.objects.filter(change=OuterRef("pk"), lapse=None, outcome__in=("approved", "conditional"))
    rows = Change.objects.filter(~Exists(decided), size=Size.LARGE, state__in=(State.PROPOSED, State.APPROVED))
    rows = rows.select_related("requester").order_by("moved_at", "id")
    return _number("decisions", "Decisions that wait", rows, _change_row, href="/changes/?size=large&state=proposed")


def overdue_reviews(*, at: datetime) -> Iterator[Number]:
    """Reviews afterwards whose time has run out: retrospectives of emergencies, and those of every release."""
    for kind, field, label in (
        (ReviewAfter.Kind.RETROSPECTIVE, "retrospective_due_at", "Retrospectives overdue"),
        (ReviewAfter.Kind.POST_IMPLEMENTATION, "review_due_at", "Reviews after a release overdue"),
    ):
        written = ReviewAfter.objects.filter(change=OuterRef("pk"), kind=kind)
        rows = Change.objects.filter(~Exists(written), **{f"{field}__lte": at}).select_related("requester").order_by(field, "id")
        yield _number(kind.value, label, rows, lambda change, field=field: _change_row(change, getattr(change, field)), tone="bad")


def overdue_exceptions(*, at: datetime) -> Number:
    """Exceptions that nobody answered in time."""
    rows = _open_exceptions().filter(due_at__lte=at).order_by("due_at", "id")
    return _number("exceptions", "Exceptions overdue", rows, _exception_row, tone="bad", href="/exceptions/")


def unjudged() -> Number:
    """Answers to exceptions that nobody who oversees has agreed with."""
    answered = (ExceptionState.EXPLAINED, ExceptionState.REPAIRED)
    rows = ExceptionRecord.objects.filter(state__in=answered, judged_at=None).select_related("owner").order_by("found_at", "id")
    return _number("unjudged", "Answers to judge", rows, _exception_row, href="/exceptions/?state=to_judge")


def open_conditions(*, at: datetime) -> Number:
    """Conditions of approvals and decisions that are past their day and not done."""
    rows = with_steps(Condition.objects.filter(due_at__lte=at)).order_by("due_at", "id")
    late = [row for row in rows if is_standing(row) and progress(steps=steps_of(row), to_confirm=row.to_confirm) != DONE]
    shown = tuple(Row(row.text, f"/changes/{row.change.number}/#approval", row.due_at, row.owner.name) for row in late[:MOST])
    return Number("conditions", "Conditions overdue", len(late), shown, "bad" if late else "ok")


def waivers(*, at: datetime) -> Number:
    """Waivers whose day of review has come."""
    rows = [row for row in waivers_to_review() if row.review_at <= at]
    shown = tuple(Row(row.reason, f"/changes/{row.change.number}/#approval", row.review_at) for row in rows)
    return Number("waivers", "Waivers to look at again", len(shown), shown[:MOST], "warn" if shown else "ok")


def promises(*, at: datetime) -> Iterator[Number]:
    """Follow-ups of reviews and actions of meetings that are past their day."""
    follow_ups = FollowUp.objects.filter(done_at=None, due_on__lt=at.date()).select_related("owner", "review__change")
    yield _number("follow-up", "Follow-ups overdue", follow_ups.order_by("due_on", "id"), _follow_up_row, tone="bad")
    actions = Action.objects.filter(done_at=None, due_on__lt=at.date()).select_related("owner", "meeting")
    yield _number("action", "Actions of meetings overdue", actions.order_by("due_on", "id"), _action_row, tone="bad")


def exceptions_by_age(*, at: datetime) -> list[Number]:
    """Open exceptions in four ages, youngest first; each opens its rows."""
    groups: dict[str, list[ExceptionRecord]] = {words: [] for words in (*(words for _, words in AGES), OLDER)}
    for record in _open_exceptions().order_by("-found_at", "-id"):
        age = at - record.found_at
        groups[next((words for limit, words in AGES if age <= limit), OLDER)].append(record)
    tones = ("neutral", "neutral", "warn", "bad")
    return [
        Number(f"age-{place}", words, len(rows), tuple(map(_exception_row, rows[:MOST])), tone if rows else "ok", "/exceptions/")
        for place, ((words, rows), tone) in enumerate(zip(groups.items(), tones, strict=True))
    ]


def holders() -> list[tuple[str, int, dict[str, int]]]:
    """Who holds how much: by person the open exceptions, follow-ups, actions, most first."""
    found: dict[str, dict[str, int]] = {}
    sources: tuple[tuple[str, Iterable[str | None]], ...] = (
        ("exception", _open_exceptions().values_list("owner__name", flat=True)),
        ("follow-up", FollowUp.objects.filter(done_at=None).values_list("owner__name", flat=True)),
        ("action", Action.objects.filter(done_at=None).values_list("owner__name", flat=True)),
    )
    for label, names in sources:
        for name in names:
            held = found.setdefault(name or "Nobody", {})
            held[label] = held.get(label, 0) + 1
    listed = [(name, sum(held.values()), held) for name, held in found.items()]
    return sorted(listed, key=lambda item: (-item[1], item[0]))


def _open_exceptions() -> QuerySet[ExceptionRecord]:
    return ExceptionRecord.objects.filter(state=ExceptionState.OPEN).select_related("owner")


def _number(code: str, label: str, rows: QuerySet[Any], row_of: Any, *, tone: str = "warn", href: str = "") -> Number:
    count = rows.count()
    shown = tuple(row_of(row) for row in rows[:MOST]) if count else ()
    return Number(code, label, count, shown, tone if count else "ok", href)


def _change_row(change: Change, at: datetime | None = None) -> Row:
    who = change.requester.name if change.requester else change.requester_login
    return Row(f"{change} {change.title}", f"/changes/{change.number}/", at or change.moved_at, who)


def _exception_row(record: ExceptionRecord) -> Row:
    return Row(record.sentence, f"/exceptions/{record.pk}/", record.due_at, record.owner.name if record.owner else "nobody")


def _follow_up_row(row: FollowUp) -> Row:
    return Row(row.text, f"/changes/{row.review.change.number}/#review-after", end_of(row.due_on), row.owner.name)


def _action_row(row: Action) -> Row:
    return Row(row.text, f"/meetings/{row.meeting.number}/", end_of(row.due_on), row.owner.name)
