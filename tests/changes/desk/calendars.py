"""A change, a freeze and a release to plan around, for tests about the calendar."""

from datetime import timedelta

from changes.calendar import actions
from changes.calendar.facts import Span
from changes.delivery.models import Release
from changes.proposals import submitting
from changes.proposals.models import Change
from portal.access.models import User
from tests.changes.people import person

HOUR = timedelta(hours=1)
WEB = "acme/web"
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


def proposed(by, at, title="Split the queue", repositories=(WEB,)):
    change = submitting.submit(given={**GIVEN, "title": title}, by=by, ready=True, at=at)
    Change.objects.filter(pk=change.pk).update(repository_names=list(repositories))
    change.refresh_from_db()
    return change


def soon(at, begins=1, lasts=1):
    return Span(at + begins * HOUR, at + (begins + lasts) * HOUR)


def somebody(name):
    """The person of that name, made when there is none."""
    return User.objects.filter(name=name).first() or person(name)


def frozen(at, span=None, **values):
    """A hard freeze of everything in production, from now on for two days, by the chair."""
    given = {"name": "End of year", "level": "hard", "environments": ["production"], "repositories": [], "apps": [], "reason": "x"}
    return actions.set_freeze(**(given | values), span=span or soon(at, 0, 48), by=somebody("Cleo"), at=at)


def released(repository, at, **values):
    """A release that succeeded, as Fly tells of it."""
    row = {"app": "web-prod", "version": 7, "environment": "production", "commit_sha": "c" * 40, "actor": "bob"} | values
    return Release.objects.create(
        repository=repository,
        source="fly",
        vendor_id=str(Release.objects.count()),
        state="succeeded",
        created_at=at,
        succeeded_at=at,
        reported_at=at,
        **row,
    )


def text(answer):
    return answer.content.decode()
