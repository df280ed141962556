"""A course of Northwind Labs and people who take it, through the real actions."""

from datetime import UTC, datetime, timedelta

from changes.policies import actions as policies
from changes.training import actions, drafting, queries
from portal.policy.document import built_in
from tests.changes.people import person

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
PAGES = "# Why\n\nBecause **production** is shared.\n\n# How\n\nOpen a pull request.\n\n## Then\n\nWait for review."
QUESTIONS = """
? Who approves your own change?
+ Somebody else
- I do
= Nobody approves what they made (P-03).

? What comes before production?
+ Staging
- Lunch

? Which of these are needed?
+ A way back
+ A reason
- A cake
"""
STATEMENT = "I have read the policy and will follow it."


def write(*, by, at=AT, version=1, **more):
    row = queries.draft()
    given = {"title": "Change management", "pages": PAGES, "questions": QUESTIONS, "draw": 2, "pass_mark": 100}
    values = {**given, "statement": STATEMENT, **more}
    return drafting.save_draft(policy_version=version, seen=row.version if row else 0, by=by, at=at, **values)


def publish(*, by, at=AT, version=1, **more):
    """A course on a version of the policy, published."""
    row = write(by=by, at=at, version=version, **more)
    return drafting.publish(seen=row.version, by=by, at=at)


def read(course, *, by, at):
    for number in range(1, len(course.pages) + 1):
        actions.read_page(course=course, page=number, by=by, at=at)


def take(course, *, by, at, right=True):
    """An attempt with every answer right, or every one wrong."""
    attempt = actions.begin(course=course, by=by, at=at)
    for place, item in enumerate(attempt.drawn, start=1):
        good = course.questions[item["question"]]["right"]
        wrong = [choice for choice in item["choices"] if choice not in good]
        actions.answer(attempt=attempt, place=place, chosen=good if right else wrong[:1], by=by, at=at)
    return actions.hand_in(attempt=attempt, by=by, at=at)


def sign(course, *, by, at, **more):
    given = {"seen": course.digest, "typed_name": by.name, "agreed": True, "authenticated_at": at, **more}
    return actions.sign(course=course, by=by, at=at, **given)


def trained(course, *, by, at):
    """Somebody reads, passes and signs."""
    read(course, by=by, at=at)
    take(course, by=by, at=at)
    return sign(course, by=by, at=at)


def adopt(*, at, material=True, by=None, words="Smaller is large", lines=400):
    """The next version of the policy, in force from ``at`` on."""
    dev = by or person("Dev")
    row = policies.save_draft(
        text=built_in(), parameters={"large_changed_lines": lines}, summary=words, material=material, seen=0, by=dev, at=at
    )
    version = policies.send(effective_at=at, seen=row.version, by=dev, at=at - DAY)
    return policies.adopt(version=version, decision="Decision 4", by=dev, at=at)
