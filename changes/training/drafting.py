"""Write a course and publish it. A draft is edited freely; a published course is fixed by its digest."""

from datetime import datetime

from django.db import connection, transaction

from changes.training import policy, queries
from changes.training.models import Course, CourseDraft
from changes.training.writing import WrongText, pages_in, questions_in
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.home.dropped import dropped_by, put_away
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.digest import digest_for
from portal.policy.document import built_in
from portal.policy.models import PolicyVersion
from portal.policy.parameters import DEFAULT
from portal.policy.plain import plain
from portal.policy.refusal import Refused
from portal.ui.doorbell import ring

STREAM = "courses"
NUMBERS = 7204
"""Key of the advisory lock under which courses get their numbers."""
KIND = "course"
"""What drafts of courses are among the things that can be taken back."""
FIRST = 1


@transaction.atomic
def save_draft(
    *,
    policy_version: int,
    title: str,
    pages: str,
    questions: str,
    draw: int,
    pass_mark: int,
    statement: str,
    seen: int,
    by: User,
    at: datetime,
) -> CourseDraft:
    """Keep what is typed, finished or not. ``seen`` is the draft's version that was edited (0: none yet); ``Stale`` otherwise."""
    _check_writer(by, at)
    _lock()
    row = queries.draft()
    policy.check_saved(seen=seen, version=row.version if row else 0)
    row = row or CourseDraft(version=0)
    row.policy, row.title, row.draw, row.pass_mark = policy_version, title.strip(), draw, pass_mark
    row.pages, row.questions, row.statement = (text.replace("\x00", "") for text in (pages, questions, statement.strip()))
    row.version += 1
    row.saved_by, row.saved_at = by, at
    row.save()
    return row


@transaction.atomic
def publish(*, seen: int, by: User, at: datetime) -> Course:
    """Fix the draft as a course. From then on, and once its version of the policy holds, everybody has to take it."""
    _check_writer(by, at)
    _lock()
    row = queries.draft()
    if row is None:
        raise Refused(Clause.TRAINED, "There is no draft.", "Write one first.")
    policy.check_saved(seen=seen, version=row.version)
    try:
        pages, questions = pages_in(row.pages), [item.as_json() for item in questions_in(row.questions)]
    except WrongText as problem:
        raise Refused(Clause.TRAINED, str(problem), "Mend it, then publish it.") from problem
    policy.check_course(
        title=row.title, pages=pages, questions=questions, draw=row.draw, pass_mark=row.pass_mark, statement=row.statement
    )
    course = Course(
        number=(Course.objects.order_by("-number").values_list("number", flat=True).first() or 0) + 1,
        policy=row.policy,
        policy_digest=policy_digest(row.policy),
        title=row.title,
        pages=pages,
        questions=questions,
        draw=row.draw,
        pass_mark=row.pass_mark,
        statement=row.statement,
        published_by=by,
        published_at=at,
    )
    course.digest = digest_of_course(course)
    course.save()
    append(
        stream=STREAM,
        kind="course.published",
        actor=actor_of(by),
        fact={"course": course.number, "policy": course.policy, "digest": course.digest, "by": by.name, "at": at.isoformat()},
        rows=[course],
    )
    row.delete()
    ring("training")
    ring("inbox")
    return course


@transaction.atomic
def drop_draft(*, seen: int, by: User, at: datetime) -> None:
    """Leave the draft. Nobody took it; whoever dropped it can take it back for a day."""
    _check_writer(by, at)
    _lock()
    row = queries.draft()
    if row is not None:
        policy.check_saved(seen=seen, version=row.version)
        kept = {name: getattr(row, name) for name in ("title", "pages", "questions", "draw", "pass_mark", "statement")}
        put_away(person=by, kind=KIND, content={"policy_version": row.policy, **kept}, at=at)
        row.delete()


@transaction.atomic
def take_draft_back(*, by: User, at: datetime) -> CourseDraft | None:
    """What this person dropped within a day; None when there is nothing. Raises ``Stale`` where another was begun since."""
    dropped = dropped_by(person=by, kind=KIND, at=at)
    if dropped is None:
        return None
    row = save_draft(**dropped.content, seen=0, by=by, at=at)
    dropped.delete()
    return row


def digest_of_course(course: Course) -> str:
    """SHA-256 of the canonical JSON of all that a course is made of."""
    return digest_of(
        {
            "policy": course.policy,
            "policy_digest": course.policy_digest,
            "title": course.title,
            "pages": course.pages,
            "questions": course.questions,
            "draw": course.draw,
            "pass_mark": course.pass_mark,
            "statement": course.statement,
        }
    )


def policy_digest(number: int) -> str:
    """The digest of an adopted version of the policy, the built-in one among them. ``Refused`` for any other number."""
    row = PolicyVersion.objects.filter(number=number, state=PolicyVersion.State.ADOPTED).first()
    if row is not None:
        return row.digest
    if number != FIRST:
        raise Refused(Clause.TRAINED, f"Version {number} of the policy is not adopted.", "Choose one that is.")
    return digest_for(number=FIRST, text=built_in(), parameters=plain(DEFAULT))


def _check_writer(by: User, at: datetime) -> None:
    if not may_at(by, P.TRAINING_WRITE, at=at):
        raise Refused(Clause.TRAINED, f"{by.name} may not write courses.", "Ask the architecture team or compliance.")


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
