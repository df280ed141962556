"""Courses, reading, quizzes and signatures: evidence beside each, twice is once, and nothing is lost when the policy changes."""

import hashlib
import random
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from changes.training import actions, drafting, queries
from changes.training.models import Acknowledgement, Attempt, AttemptAnswer, Course, CourseDraft, PageRead
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import person
from tests.changes.training.world import AT, DAY, MINUTE, PAGES, adopt, publish, read, sign, take, trained, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia():
    return person("Mia")


@pytest.fixture
def ann():
    return person("Ann")


def kinds(stream):
    return [entry.kind for entry in reversed(entries_about(stream=stream))]


def test_a_draft_is_edited_and_a_published_course_is_fixed(mia):
    write(by=mia, title="First words")
    row = write(by=mia)

    course = drafting.publish(seen=row.version, by=mia, at=AT)

    assert (course.number, course.policy, len(course.pages), len(course.questions)) == (1, 1, 2, 3)
    assert course.pages[1]["text"].startswith("Open a pull request.\n\n## Then")
    assert course.digest == drafting.digest_of_course(Course.objects.get())
    assert course.policy_digest == drafting.policy_digest(1)
    assert kinds("courses") == ["course.published"]
    assert not CourseDraft.objects.exists()
    with pytest.raises(Exception, match="never change"), transaction.atomic():
        Course.objects.update(title="Other")
    with pytest.raises(Refused, match="no draft"):
        drafting.publish(seen=1, by=mia, at=AT)


def test_who_saves_over_somebody_is_told_and_drafts_can_be_left(mia):
    row = write(by=mia)
    given = {"title": "x", "pages": "", "questions": "", "draw": 1, "pass_mark": 50, "statement": "", "policy_version": 1}

    with pytest.raises(Stale):
        drafting.save_draft(seen=0, by=mia, at=AT, **given)
    with pytest.raises(Stale):
        drafting.publish(seen=row.version + 1, by=mia, at=AT)
    with pytest.raises(Stale):
        drafting.drop_draft(seen=0, by=mia, at=AT)
    drafting.drop_draft(seen=row.version, by=mia, at=AT)
    drafting.drop_draft(seen=0, by=mia, at=AT)
    assert not CourseDraft.objects.exists()


def test_only_those_who_oversee_write_courses(ann):
    with pytest.raises(Refused, match="may not write courses"):
        write(by=ann)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"pages": "No title"}, "Line 1: a page begins"),
        ({"questions": "? Alone"}, "Question in line 1: it has 0 choices"),
        ({"draw": 9}, "the bank has 3"),
        ({"version": 9}, "Version 9 of the policy is not adopted"),
    ],
)
def test_a_draft_that_is_no_course_is_not_published(mia, spoilt, words):
    row = write(by=mia, **spoilt)

    with pytest.raises(Refused, match=words):
        drafting.publish(seen=row.version, by=mia, at=AT)


def test_pages_are_read_once_a_round_and_the_quiz_comes_after_them(mia, ann):
    course = publish(by=mia)
    actions.read_page(course=course, page=1, by=ann, at=AT)
    actions.read_page(course=course, page=1, by=ann, at=AT + MINUTE)

    assert PageRead.objects.count() == 1
    with pytest.raises(Refused, match="Not read yet: page 2"):
        actions.begin(course=course, by=ann, at=AT)
    with pytest.raises(Refused, match="has no page 3"):
        actions.read_page(course=course, page=3, by=ann, at=AT)
    with pytest.raises(Refused, match="may not take courses"):
        actions.read_page(course=course, page=1, by=person("Uma"), at=AT)


def test_an_attempt_is_drawn_by_chance_and_gone_on_with(mia, ann):
    course = publish(by=mia)
    read(course, by=ann, at=AT)

    one = actions.begin(course=course, by=ann, at=AT, chance=random.Random(7))
    again = actions.begin(course=course, by=ann, at=AT + MINUTE)

    assert again == one
    assert len(one.drawn) == len({item["question"] for item in one.drawn}) == 2
    assert all(sorted(item["choices"]) == list(range(len(course.questions[item["question"]]["choices"]))) for item in one.drawn)
    assert one.ends_at == AT + DAY


def test_the_last_answer_counts_and_twice_is_once(mia, ann):
    course = publish(by=mia)
    read(course, by=ann, at=AT)
    attempt = actions.begin(course=course, by=ann, at=AT)
    choices = attempt.drawn[0]["choices"]

    for chosen in ([choices[0]], [choices[0]], [choices[1]]):
        actions.answer(attempt=attempt, place=1, chosen=chosen, by=ann, at=AT + MINUTE)

    assert AttemptAnswer.objects.count() == 2
    assert queries.chosen_in(attempt) == {1: [choices[1]]}
    with pytest.raises(Refused, match="Nothing is chosen"):
        actions.answer(attempt=attempt, place=2, chosen=[], by=ann, at=AT)
    for place, chosen in ((0, [0]), (3, [0]), (1, [99])):
        with pytest.raises(Refused, match="no choice of this question"):
            actions.answer(attempt=attempt, place=place, chosen=chosen, by=ann, at=AT)
    with pytest.raises(Refused, match="Question 2 without an answer"):
        actions.hand_in(attempt=attempt, by=ann, at=AT)
    with pytest.raises(Refused, match="somebody else's attempt"):
        actions.hand_in(attempt=attempt, by=mia, at=AT)


def test_failed_once_then_passed_and_posted_twice_it_has_the_same_result(mia, ann):
    course = publish(by=mia)
    read(course, by=ann, at=AT)
    failed = take(course, by=ann, at=AT, right=False)
    passed = take(course, by=ann, at=AT + MINUTE)

    again = actions.hand_in(attempt=failed, by=ann, at=AT + 2 * DAY)

    assert (failed.correct, failed.passed, passed.correct, passed.passed) == (0, False, 2, True)
    assert (again.submitted_at, again.passed) == (failed.submitted_at, False)
    with pytest.raises(Stale, match="passed this quiz already"):
        actions.begin(course=course, by=ann, at=AT + 2 * MINUTE)
    with pytest.raises(Stale, match="handed in"):
        actions.answer(attempt=failed, place=1, chosen=[0], by=ann, at=AT)
    with pytest.raises(IntegrityError, match="handed in once"), transaction.atomic():
        Attempt.objects.filter(pk=failed.pk).update(passed=True, correct=2)


def test_after_its_time_nothing_is_judged_and_another_one_begins(mia, ann):
    course = publish(by=mia)
    read(course, by=ann, at=AT)
    attempt = actions.begin(course=course, by=ann, at=AT)
    late = AT + DAY + MINUTE

    with pytest.raises(Stale, match="does not count as failed"):
        actions.hand_in(attempt=attempt, by=ann, at=late)

    assert actions.begin(course=course, by=ann, at=late) != attempt
    assert Attempt.objects.get(pk=attempt.pk).passed is None
    with pytest.raises(IntegrityError, match="in its time"), transaction.atomic():
        AttemptAnswer.objects.create(attempt=attempt, place=1, chosen=[0], at=late)


def test_a_signature_says_exactly_what_was_signed(mia, ann):
    course = publish(by=mia)

    row = trained(course, by=ann, at=AT + MINUTE)

    assert row.digest == hashlib.sha256(row.text.encode()).hexdigest()
    assert (row.policy, row.policy_digest, row.course_digest) == (1, course.policy_digest, course.digest)
    assert f"Course: 1 Change management, sha256 {course.digest}" in row.text
    assert "Quiz: attempt" in row.text
    assert "2 of 2 right" in row.text
    assert kinds(f"training:{ann.pk}")[-1] == "policy.acknowledged"
    assert sign(course, by=ann, at=AT + 2 * MINUTE) == row
    with pytest.raises(Refused, match=r"Not read yet: pages 1, 2"):
        sign(course, by=ann, at=AT + DAY)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"typed_name": "Anna"}, "not the one of your account"),
        ({"agreed": False}, "not agreed"),
        ({"authenticated_at": None}, "not older than 5 minutes"),
        ({"authenticated_at": AT - timedelta(hours=1)}, "not older than 5 minutes"),
        ({"seen": "0" * 64}, "not the one that you read"),
    ],
)
def test_a_signature_that_lacks_something_is_refused_and_can_be_given_then(mia, ann, spoilt, words):
    course = publish(by=mia)
    read(course, by=ann, at=AT)
    take(course, by=ann, at=AT)

    with pytest.raises((Refused, Stale), match=words):
        sign(course, by=ann, at=AT, **spoilt)

    assert sign(course, by=ann, at=AT).policy == 1


def test_nobody_signs_without_the_quiz_not_even_past_the_actions(mia, ann):
    course = publish(by=mia)
    read(course, by=ann, at=AT)
    failed = take(course, by=ann, at=AT, right=False)

    with pytest.raises(Refused, match="quiz is not passed"):
        sign(course, by=ann, at=AT)
    with pytest.raises(IntegrityError, match="quiz of the same course"), transaction.atomic():
        Acknowledgement.objects.create(person=ann, course=course, attempt=failed, policy=1, at=AT, authenticated_at=AT, digest="x")


def test_a_version_replaced_a_second_before_gets_a_clear_answer_and_nothing_is_lost(mia, ann):
    course = publish(by=mia)
    trained(course, by=person("Bob"), at=AT)
    read(course, by=ann, at=AT)
    take(course, by=ann, at=AT)
    adopt(at=AT + DAY)

    with pytest.raises(Stale, match="replaced by version 2"):
        sign(course, by=ann, at=AT + DAY + timedelta(seconds=1))

    known = queries.progress_of(course=course, person=ann, at=AT + DAY)
    assert (known.read, known.passed is not None) == ({1, 2}, True)
    assert Acknowledgement.objects.count() == 1
    after = publish(by=mia, version=2, at=AT + 2 * DAY, pages=f"{PAGES}\n\n# New\n\nSmaller is large.")
    assert trained(after, by=ann, at=AT + 3 * DAY).policy == 2


def test_a_mended_course_takes_the_place_of_the_one_before(mia, ann):
    course = publish(by=mia)
    read(course, by=ann, at=AT)
    publish(by=mia, at=AT + MINUTE, title="Mended")

    with pytest.raises(Stale, match="Course 1 was replaced by another one"):
        actions.begin(course=course, by=ann, at=AT + 2 * MINUTE)


def test_every_year_everything_begins_anew(mia, ann):
    course = publish(by=mia)
    trained(course, by=ann, at=AT)

    known = queries.progress_of(course=course, person=ann, at=AT + 350 * DAY)
    again = trained(course, by=ann, at=AT + 350 * DAY)

    assert (known.round, known.missing, known.passed) == (1, [1, 2], None)
    assert queries.member(ann, at=AT + 400 * DAY).standing.current
    assert next(iter(queries.acknowledgements_of(ann))) == again
    assert PageRead.objects.count() == 4
