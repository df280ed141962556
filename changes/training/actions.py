"""Read, take the quiz, sign. Each with its entry in the ledger in the same transaction; ``Refused`` or ``Stale`` otherwise."""

import random
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from changes.training import hearing, policy, queries
from changes.training.models import Acknowledgement, Attempt, AttemptAnswer, Course, PageRead
from changes.training.paper import Paper
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of_text
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

CHANCE = random.SystemRandom()
"""Draws questions. Not to be foreseen, and not to be repeated: what was drawn is kept."""


@transaction.atomic
def read_page(*, course: Course, page: int, by: User, at: datetime) -> PageRead:
    """A page was shown to somebody. Again in the same round changes nothing."""
    _check_signer(by, at)
    if not 1 <= page <= len(course.pages):
        raise Refused(Clause.TRAINED, f"{course} has no page {page}.")
    _lock(by)
    turn = queries.progress_of(course=course, person=by, at=at).round
    known = PageRead.objects.filter(course=course, person=by, round=turn, page=page).first()
    if known is not None:
        return known
    row = PageRead.objects.create(course=course, person=by, page=page, round=turn, at=at)
    append(
        stream=stream_of(by),
        kind="course.page_read",
        actor=actor_of(by),
        fact={"course": course.number, "page": page, "at": at.isoformat()},
        rows=[row],
    )
    return row


@transaction.atomic
def begin(*, course: Course, by: User, at: datetime, chance: random.Random = CHANCE) -> Attempt:
    """Draw questions for an attempt. One that is under way is gone on with, and one that was passed is not repeated."""
    _check_signer(by, at)
    _lock(by)
    _check_taken(course, at)
    known = queries.progress_of(course=course, person=by, at=at)
    policy.check_all_read(count=len(course.pages), read=known.read)
    if known.running is not None:
        return known.running
    if known.passed is not None:
        raise Stale("You have passed this quiz already. Sign the statement now.")
    drawn = []
    for place in chance.sample(range(len(course.questions)), course.draw):
        choices = list(range(len(course.questions[place]["choices"])))
        chance.shuffle(choices)
        drawn.append({"question": place, "choices": choices})
    row = Attempt.objects.create(course=course, person=by, drawn=drawn, began_at=at, ends_at=at + parameters_at(at).quiz_open_for)
    _tell("quiz.begun", row, at, {"questions": [item["question"] for item in drawn], "ends_at": row.ends_at.isoformat()})
    return row


@transaction.atomic
def answer(*, attempt: Attempt, place: int, chosen: Collection[int], by: User, at: datetime) -> AttemptAnswer:
    """Keep what was chosen for one question (``place`` from 1). Posted twice it is kept once; the last one counts."""
    row = _own(attempt, by)
    policy.check_answerable(ends_at=row.ends_at, submitted=row.submitted_at is not None, at=at)
    if not 1 <= place <= len(row.drawn) or not set(chosen) <= set(row.drawn[place - 1]["choices"]):
        raise Refused(Clause.TRAINED, "This is no choice of this question.", "Choose one that is shown.")
    if not chosen:
        raise Refused(Clause.TRAINED, "Nothing is chosen.", "Choose at least one.")
    picked = sorted(set(chosen))
    last = row.answers.filter(place=place).order_by("-id").first()
    if last is not None and last.chosen == picked:
        return last
    given = AttemptAnswer.objects.create(attempt=row, place=place, chosen=picked, at=at)
    append(
        stream=stream_of(by),
        kind="quiz.answered",
        actor=actor_of(by),
        fact={"attempt": row.pk, "place": place, "chosen": picked, "at": at.isoformat()},
        rows=[given],
    )
    return given


@transaction.atomic
def hand_in(*, attempt: Attempt, by: User, at: datetime) -> Attempt:
    """Judge an attempt. Handed in twice it has the same result; after its time nothing is judged."""
    row = _own(attempt, by)
    if row.submitted_at is not None:
        return row
    policy.check_answerable(ends_at=row.ends_at, submitted=False, at=at)
    chosen = queries.chosen_in(row)
    policy.check_complete(drawn=len(row.drawn), answered=chosen)
    row.correct = sum(
        policy.is_right(chosen=chosen[place], right=row.course.questions[item["question"]]["right"])
        for place, item in enumerate(row.drawn, start=1)
    )
    row.passed = policy.has_passed(correct=row.correct, drawn=len(row.drawn), pass_mark=row.course.pass_mark)
    row.submitted_at = at
    row.save(update_fields=["submitted_at", "correct", "passed"])
    _tell("quiz.handed_in", row, at, {"correct": row.correct, "of": len(row.drawn), "passed": row.passed})
    return row


@transaction.atomic
def sign(
    *, course: Course, seen: str, typed_name: str, agreed: bool, by: User, authenticated_at: datetime | None, at: datetime
) -> Acknowledgement:
    """Sign the statement of a course that was read and whose quiz was passed.

    ``seen`` is the digest of the course that was on the page. Signed twice it is signed once. ``Stale`` when the version was
    replaced meanwhile: nothing is signed then, and what was read and answered is kept.
    """
    _check_signer(by, at)
    _lock(by)
    known = queries.progress_of(course=course, person=by, at=at)
    again = Acknowledgement.objects.filter(course=course, person=by, at__gte=at - TWICE).order_by("-at").first()
    if again is not None and known.passed is None:
        return again
    _check_taken(course, at)
    if seen != course.digest:
        raise Stale("The course is not the one that you read.")
    policy.check_all_read(count=len(course.pages), read=known.read)
    attempt = known.passed
    if attempt is None:
        raise Refused(Clause.TRAINED, "The quiz is not passed yet.", "Take it, then sign.")
    if not agreed:
        raise Refused(Clause.TRAINED, "The statement is not agreed to.", "Tick it, then sign.")
    policy.check_name(typed=typed_name, name=by.name)
    within = parameters_at(at).fresh_sign_in_within
    if authenticated_at is None or not timedelta(0) <= at - authenticated_at <= within:
        minutes = int(within.total_seconds() // 60)
        raise Refused(Clause.ACCESS_RESTRICTED, f"This needs a sign-in that is not older than {minutes} minutes.", "Sign in again.")
    return _sign(course, attempt, " ".join(typed_name.split()), by, authenticated_at, at)


TWICE = timedelta(hours=1)
"""A form that is sent once more within that time is the same signature."""


def _sign(course: Course, attempt: Attempt, typed: str, by: User, authenticated_at: datetime, at: datetime) -> Acknowledgement:
    paper = Paper(
        name=by.name,
        email=by.email,
        policy=course.policy,
        policy_digest=course.policy_digest,
        course=course.number,
        course_title=course.title,
        course_digest=course.digest,
        attempt=attempt.pk,
        correct=attempt.correct or 0,
        drawn=len(attempt.drawn),
        passed_at=attempt.submitted_at or at,
        statement=course.statement,
        typed_name=typed,
        authenticated_at=authenticated_at,
        at=at,
    )
    text = paper.text()
    row = Acknowledgement.objects.create(
        person=by,
        course=course,
        attempt=attempt,
        policy=course.policy,
        policy_digest=course.policy_digest,
        course_digest=course.digest,
        statement=course.statement,
        typed_name=typed,
        text=text,
        digest=digest_of_text(text),
        authenticated_at=authenticated_at,
        at=at,
    )
    append(
        stream=stream_of(by),
        kind="policy.acknowledged",
        actor=actor_of(by),
        fact={"policy": row.policy, "course": course.number, "digest": row.digest, "by": by.name, "at": at.isoformat()},
        rows=[row],
    )
    hearing.tell(by, at)
    ring("training")
    ring("inbox")
    return row


def stream_of(person: User) -> str:
    """The ledger's stream about one person's training."""
    return f"training:{person.pk}"


def _tell(kind: str, attempt: Attempt, at: datetime, fact: dict[str, object]) -> None:
    append(
        stream=stream_of(attempt.person),
        kind=kind,
        actor=actor_of(attempt.person),
        fact={"attempt": attempt.pk, "course": attempt.course.number, **fact, "at": at.isoformat()},
        rows=[attempt],
    )


def _check_signer(by: User, at: datetime) -> None:
    if not may_at(by, P.TRAINING_SIGN, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{by.name} may not {P.TRAINING_SIGN.sentence}.")


def _check_taken(course: Course, at: datetime) -> None:
    """The course is the one that is taken now, and its version of the policy was not replaced."""
    policy.check_not_replaced(version=course.policy, editions=queries.editions(at=at), at=at)
    present = queries.course_at(at=at)
    if present is None or present.pk != course.pk:
        raise Stale(f"{course} was replaced by another one. Nothing was signed; what you read and answered is kept.")


def _lock(person: User) -> None:
    """One thing at a time a person: two windows do not draw two attempts or sign twice."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _own(attempt: Attempt, by: User) -> Attempt:
    row = Attempt.objects.select_for_update(of=("self",)).select_related("course", "person").get(pk=attempt.pk)
    if row.person_id != by.pk:
        raise Refused(Clause.ACCESS_RESTRICTED, "This is somebody else's attempt.", "Begin your own.")
    return row
