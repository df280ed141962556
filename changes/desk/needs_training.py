"""What training asks of people: the course that is due; for compliance, a version without a course. For inbox and palette."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.http import HttpRequest

from changes.training import policy, queries
from changes.training.models import Course
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.ui import palette


@inbox.provider
def training_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """The reader's own course, and what those who look after training have to do."""
    if not Course.objects.filter(published_at__lte=at).exists():
        return
    taught = queries.lessons(at=at)
    if may(user, P.TRAINING_SIGN):
        due = queries.member(user, at=at, taught=taught).standing.open
        course = queries.course_at(at=at) if due is not None else None
        if due is not None and course is not None:
            minutes = policy.minutes_for(texts=[page["text"] for page in course.pages], questions=course.draw)
            yield inbox.Item(
                title="Take the course on the policy",
                about=f"{course.title}, policy {course.policy}, about {minutes} min",
                why="Everyone involved is trained (P-28). Without it nobody approves, decides, votes or signs off.",
                due_at=due.due_at,
                href="/training/",
                act="Take it",
                tone="bad" if due.due_at <= at else "info",
                icon="graduation-cap",
            )
    if may(user, P.TRAINING_CHASE) and not taught.connected:
        yield inbox.Item(
            title="Publish a course on the policy in force",
            about="The policy has changed since the last course",
            why="Until then nobody can be trained on it, and gates cannot prove it (P-28).",
            due_at=None,
            href="/training/",
            act="Write it",
            tone="warn",
            icon="graduation-cap",
        )


@palette.provider
def training_called(request: HttpRequest, words: str) -> Iterable[palette.Hit]:
    """The pages of training by their name."""
    if not words.lower().strip().startswith(("train", "cours", "quiz")) or not may(request.user, P.POLICY_SEE):
        return []
    hits = [palette.Hit("graduation-cap", "Training", "/training/", "What is due for you")]
    if may(request.user, P.TRAINING_OVERSEE):
        hits.append(palette.Hit("users", "Everybody's training", "/training/people/", "Gaps first"))
    return hits
