"""Northwind's course on the policy: Mia publishes it, and everybody takes it but Eli, who has some days left."""

from datetime import datetime, timedelta

from changes.desk.demo.people import PEOPLE, named
from changes.training import actions, drafting
from changes.training.models import Attempt, Course
from portal.access.models import User
from portal.access.roles import Role

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
PUBLISHED = timedelta(days=20)
"""How long before the week it was published: after everybody had joined."""
UNTRAINED = "eli"
FAILED_ONCE = "ann"
TITLE = "How we change production"
STATEMENT = "I have read the change management policy of Northwind Labs and will follow it."
PAGES = """# Why we do this

Most outages begin with a change. **A change that somebody else has looked at, and that can be undone, costs minutes instead of
evenings.** The policy says how; this course says it in five minutes.

# Before production

- Every change begins as a pull request, with its reason and its way back.
- Somebody who made none of it reviews it, and CI passes.
- It stands in staging first, and a tester signs it off.
- A large change is decided at the architecture meeting before it is built.

# Into production

Somebody who contributed nothing approves it for production. The promotion from `main` to `prod` is merged by somebody who may,
Fly releases that commit, and Slack has its message.

# When it burns

An emergency needs one **+1** from somebody else, and a review within two working days. Say that it is one: what is not
declared is found anyway.

# What you do afterwards

Say how it went. If something should not have happened, the portal shows it as an exception; explain it, and it is done.
"""
QUESTIONS = """
? Who may approve your change for production?
+ Somebody who contributed nothing to it
- Whoever reviewed it, even with a commit of their own on it
- You, if nobody else is there
= Nobody decides on what they made or asked for (P-03).

? A fix is needed now and staging is down. What do you do?
+ Declare an emergency and ask somebody else for the +1
- Push to prod and tell the others later
- Wait until staging is back
= An emergency gets a fast review, and leaves out nothing but the waiting (P-22).

? What does a change need before it is approved?
+ A reason
+ A way back
- A diagram
= Both stand in the proposal (P-17).

? Where is a change tested before production?
+ In staging
- On the laptop of whoever made it
= The same commit stands in staging first (P-04).

? Who decides a large change?
+ The architecture meeting
- Its author
= Before it is implemented, on its present text (P-01).

? You see an exception that names you. What now?
+ Explain what happened
- Nothing; it goes away by itself
= It has an owner and a clock (P-29).

? Which branch goes to production?
+ prod
- main
= Only by merging, and only by people who may (P-08).
"""


def teach(*, began: datetime) -> None:
    """The course, and everybody's signature but one. Once."""
    if Course.objects.exists():
        return
    course = publish(at=began - PUBLISHED)
    takers = [person for person in PEOPLE if person.role != Role.AUDITOR and person.login != UNTRAINED]
    for place, person in enumerate(takers, start=1):
        take(course, named(person.login), fails=person.login == FAILED_ONCE, at=course.published_at + place * DAY)


def publish(*, at: datetime, policy: int = drafting.FIRST) -> Course:
    """Mia writes the course on a version of the policy and publishes it."""
    mia = named("mia")
    draft = drafting.save_draft(
        policy_version=policy,
        title=TITLE,
        pages=PAGES,
        questions=QUESTIONS,
        draw=5,
        pass_mark=80,
        statement=STATEMENT,
        seen=0,
        by=mia,
        at=at,
    )
    return drafting.publish(seen=draft.version, by=mia, at=at)


def take(course: Course, person: User, *, fails: bool, at: datetime) -> None:
    """Somebody reads the pages, passes the quiz (``fails``: at the second try) and signs."""
    for page in range(1, len(course.pages) + 1):
        actions.read_page(course=course, page=page, by=person, at=at + page * MINUTE)
    at += 10 * MINUTE
    if fails:
        _quiz(course, person, right=False, at=at)
        at += 10 * MINUTE
    _quiz(course, person, right=True, at=at)
    signed = at + 6 * MINUTE
    actions.sign(
        course=course,
        seen=course.digest,
        typed_name=person.name,
        agreed=True,
        by=person,
        authenticated_at=signed - MINUTE,
        at=signed,
    )


def _quiz(course: Course, person: User, *, right: bool, at: datetime) -> Attempt:
    attempt = actions.begin(course=course, by=person, at=at)
    for place, item in enumerate(attempt.drawn, start=1):
        good = course.questions[item["question"]]["right"]
        wrong = [choice for choice in item["choices"] if choice not in good]
        actions.answer(attempt=attempt, place=place, chosen=good if right else wrong[:1], by=person, at=at + place * MINUTE)
    return actions.hand_in(attempt=attempt, by=person, at=at + 6 * MINUTE)
