"""Turns ledger entries into notices: who is told what about each, and why. Notices follow the ledger, so none is forgotten.

The reader keeps the number of the last sealed entry; numbers have no gaps. Making them twice changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from changes.approvals.models import Condition, Delegation
from changes.exceptions.models import ExceptionRecord
from changes.outcomes.models import FollowUp
from changes.proposals.models import Change
from changes.talk.meeting_news import reminders
from changes.talk.models import Comment, Notice, NoticeCursor
from changes.talk.queries import followers_of
from changes.talk.review_news import handed_words, review_words
from changes.talk.training_news import late_words, reminder_of
from portal.access.may import holders_of
from portal.access.permissions import P
from portal.ledger.queries import Entry, last_seq, sealed_after
from portal.ui.doorbell import ring

BATCH = 200
CHANGE, EXCEPTION = "change:", "exception:"


@dataclass(frozen=True)
class News:
    """One thing to tell ``people`` (ids, each with the reason why it is they)."""

    kind: str
    title: str
    href: str
    people: Mapping[int, str]


Rows = list[str]
Teller = Callable[[Entry, Rows], Iterable[News]]


def make_notices(*, at: datetime) -> int:
    """Make the notices of what was sealed since the last time. Returns how many entries were read.

    The first time nothing is told about the past.
    """
    with transaction.atomic():
        NoticeCursor.objects.get_or_create(pk=1, defaults={"seq": last_seq()})
        cursor = NoticeCursor.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if cursor is None:
            return 0
        entries = sealed_after(seq=cursor.seq, limit=BATCH)
        if not entries:
            return 0
        for entry, rows in entries:
            for news in news_of(entry, rows, at=at):
                _keep(entry, news)
        cursor.seq = entries[-1][0].seq or cursor.seq
        cursor.save(update_fields=["seq"])
    return len(entries)


def news_of(entry: Entry, rows: Rows, *, at: datetime) -> Iterable[News]:
    """What an entry tells; nothing for most, and nothing for one whose text was redacted."""
    if entry.redacted:
        return ()
    if entry.kind in URGENT:
        return _emergency(entry, at)
    teller = TELLERS.get(entry.kind)
    return teller(entry, rows) if teller else ()


def _keep(entry: Entry, news: News) -> None:
    """One notice a person and entry, and none about what somebody did themselves."""
    people = {pk: why for pk, why in news.people.items() if f"user:{pk}" != entry.actor}
    made = [
        Notice(person_id=pk, entry=entry.id, kind=news.kind, title=news.title[:500], why=why, href=news.href, at=entry.at)
        for pk, why in people.items()
    ]
    if made:
        Notice.objects.bulk_create(made, ignore_conflicts=True)
        ring("inbox")


def _change(entry: Entry) -> Change | None:
    number = entry.stream.removeprefix(CHANGE)
    return Change.objects.filter(number=int(number)).first() if number.isdecimal() else None


def _title(words: str, change: Change) -> str:
    """Names the record by title and number; its texts stay in the portal (UX: messages)."""
    return f"{words}: {change} {change.title}"


def _about(entry: Entry, kind: str, words: str, anchor: str = "") -> Iterable[News]:
    change = _change(entry)
    if change is not None:
        reason = "You take part in this change, or follow it."
        people = dict.fromkeys(followers_of(change), reason)
        yield News(kind, _title(words, change), f"/changes/{change.number}/{anchor}", people)


def _comment(entry: Entry, rows: Rows) -> Iterable[News]:
    """Those mentioned first; a follower who is mentioned gets one notice."""
    comment = Comment.objects.filter(pk=entry.fact.get("comment") or 0).select_related("change", "by").first()
    if comment is None:
        return
    href = f"/changes/{comment.change.number}/#comment-{comment.corrects_id or comment.pk}"
    words = f"{comment.by.name} mentioned you"
    yield News("mention", _title(words, comment.change), href, dict.fromkeys(comment.mentions, "A comment mentions you."))
    if comment.corrects_id is None:
        others = dict.fromkeys(followers_of(comment.change), "You take part in this change, or follow it.")
        yield News("comment", _title(f"{comment.by.name} commented", comment.change), href, others)


def _decision(words: str) -> Teller:
    def tell(entry: Entry, rows: Rows) -> Iterable[News]:
        by = str(entry.fact.get("by") or "Somebody")
        return _about(entry, "decision", words.format(by=by), "#approval")

    return tell


def _progress(words: str) -> Teller:
    def tell(entry: Entry, rows: Rows) -> Iterable[News]:
        return _about(entry, "progress", words)

    return tell


def _emergency(entry: Entry, at: datetime) -> Iterable[News]:
    change = _change(entry)
    if change is not None:
        people = dict.fromkeys((user.pk for user in holders_of(P.EMERGENCY_PLUS_ONE, at=at)), "You may give the +1.")
        yield News("emergency", _title("Emergency", change), f"/changes/{change.number}/", people)


def _exception(entry: Entry, rows: Rows) -> Iterable[News]:
    pk = entry.stream.removeprefix(EXCEPTION)
    record = ExceptionRecord.objects.filter(pk=int(pk)).first() if pk.isdecimal() else None
    if record is not None and record.owner_id is not None:
        people = {record.owner_id: "You answer for it."}
        yield News("exception", f"Answer an exception: {record.sentence}", f"/exceptions/{record.pk}/", people)


def _task(entry: Entry, rows: Rows) -> Iterable[News]:
    """Whoever the covered row names."""
    for row in rows:
        table, _, key = row.partition(":")
        if key.isdecimal():
            yield from _task_of(table, int(key), entry)


def _task_of(table: str, key: int, entry: Entry) -> Iterable[News]:
    change = _change(entry)
    if table == FollowUp._meta.db_table and change is not None:
        for follow_up in FollowUp.objects.filter(pk=key):
            href = f"/changes/{change.number}/#review-after"
            yield News("task", _title("A follow-up for you", change), href, {follow_up.owner_id: "A review asked you for it."})
    if table == Condition._meta.db_table and change is not None:
        for condition in Condition.objects.filter(pk=key):
            href = f"/changes/{change.number}/#approval"
            yield News("task", _title("A condition for you", change), href, {condition.owner_id: "You are to fulfil it."})
    if table == Delegation._meta.db_table:
        for given in Delegation.objects.filter(pk=key).select_related("absent"):
            title = f"Approvals of {given.absent.name} are in your hands until {given.ends_at:%-d %b %Y}"
            yield News("task", title, "/", {given.delegate_id: "They were handed to you while somebody is away."})


def _meeting(entry: Entry, rows: Rows) -> Iterable[News]:
    """Each who has a seat, with what that person has not read."""
    number = int(entry.fact.get("meeting") or 0)
    for person, title, why in reminders(number=number, at=entry.at):
        yield News("meeting", title, f"/meetings/{number}/", {person: why})


def _training(entry: Entry, rows: Rows) -> Iterable[News]:
    """Whoever is to take the course."""
    words, why = reminder_of(entry.fact, at=entry.at)
    yield News("training", words, "/training/", {int(entry.fact["person"]): why})


def _training_late(entry: Entry, rows: Rows) -> Iterable[News]:
    """Compliance, about somebody who is late."""
    words, why = late_words(entry.fact)
    people = dict.fromkeys((user.pk for user in holders_of(P.TRAINING_CHASE, at=entry.at)), why)
    yield News("training", words, "/training/people/", people)


def _access_review(entry: Entry, rows: Rows) -> Iterable[News]:
    """Each reviewer with what they have not answered."""
    address = f"/access-reviews/{entry.fact['review']}/?who=me&state=open"
    for person, left in entry.fact["left"].items():
        title, why = review_words(entry.fact, left=left)
        yield News("access", title, address, {int(person): why})


def _review_handed_over(entry: Entry, rows: Rows) -> Iterable[News]:
    """Whoever is asked now."""
    title, why = handed_words(entry.fact)
    yield News("access", title, f"/access-reviews/{entry.fact['review']}/?who=me&state=open", {int(entry.fact["to"]): why})


TELLERS: dict[str, Teller] = {
    "comment.written": _comment,
    "comment.corrected": _comment,
    "approval.given": _decision("{by} approved"),
    "approval.refused": _decision("{by} asked for changes"),
    "approval.lapsed": _decision("The approval of {by} no longer counts"),
    "change.merge": _progress("Merged to production"),
    "change.release": _progress("In production"),
    "change.roll_back": _progress("Rolled back"),
    "exception.found": _exception,
    "exception.reopened": _exception,
    "exception.handed_over": _exception,
    "follow_up.asked": _task,
    "condition.set": _task,
    "approvals.delegated": _task,
    "meeting.reminded": _meeting,
    "access_review.reminded": _access_review,
    "access_review.handed_over": _review_handed_over,
    "training.reminded": _training,
    "training.escalated": _training_late,
}
URGENT = frozenset({"emergency.declared"})


def teller(*kinds: str) -> Callable[[Teller], Teller]:
    """Register what tells entries of these kinds. For the apps above this one; again changes nothing."""

    def join(function: Teller) -> Teller:
        TELLERS.update(dict.fromkeys(kinds, function))
        return function

    return join
