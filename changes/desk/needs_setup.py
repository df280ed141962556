"""What the set-up asks of administrators: for inbox, palette and ``manage.py doctor``."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.http import HttpRequest
from django.utils.timezone import now

from changes.desk.setup.steps import missing, missing_lately, steps_at
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.runtime.doctor.finding import Finding, good, note
from portal.runtime.doctor.run import join
from portal.ui import palette


@inbox.provider
def setup_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """The guide, until nothing is missing. Inboxes are asked for with every page, so a minute may pass until it is seen."""
    if not may(user, P.SOURCE_MANAGE):
        return
    left = missing_lately(at=at)
    if left:
        yield inbox.Item(
            title="Set up the portal",
            about=f"Next: {left[0]}. {len(left)} left" if len(left) > 1 else f"Last: {left[0]}",
            why="Nothing can be proved before the sources are read and the roles are held.",
            due_at=None,
            href="/setup/",
            act="Go on",
            tone="info",
            icon="list-checks",
        )


@palette.provider
def setup_called(request: HttpRequest, words: str) -> Iterable[palette.Hit]:
    """The guide by its name."""
    if not words.lower().strip().startswith(("set", "first", "guide")) or not may(request.user, P.PERSON_INVITE):
        return []
    return [palette.Hit("list-checks", "Set-up", "/setup/", "What is connected, and what is missing")]


@join
def set_up() -> Iterator[Finding]:
    """The same steps for the doctor: what is missing, and what is broken there anyway."""
    steps = steps_at(at=now())
    left = missing(steps)
    if not left:
        yield good("set-up: nothing is missing")
    for step in left:
        yield note(f"set-up: {step.title}. {step.sentence}", mend=f"{step.act} at {step.href} (the guide is at /setup/).")
