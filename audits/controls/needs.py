"""What the controls ask of people: an alarm where the daily run could not read or judge something, or did not come."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from audits.controls.models import ControlRun
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox

LATE = timedelta(days=2)
"""Without a daily run for so long, nobody is looking."""
NAMED = 3
"""Controls that the inbox names."""


@inbox.provider
def alarms_of_the_controls(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Of the newest daily run: what is unknown, since what was not read may hold anything; and that there is none since days."""
    if not may(user, P.CONTROL_RUN):
        return
    run = ControlRun.objects.filter(purpose=ControlRun.Purpose.DAILY).only("at", "results").order_by("-at", "-id").first()
    if run is None:
        return
    unknown = sorted(key for key, kept in run.results.items() if kept["outcome"] == "unknown")
    if at - run.at > LATE:
        yield _alarm("The controls did not run", f"Not since {run.at:%-d %b %Y %H:%M} UTC", run, "/controls/")
    elif unknown:
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        yield _alarm("A control is unknown", ", ".join(unknown[:NAMED]) + more, run, f"/controls/?run={run.pk}")


def _alarm(title: str, about: str, run: ControlRun, href: str) -> inbox.Item:
    return inbox.Item(
        title=title,
        about=about,
        why="Something could not be read or judged: nothing is proved until it is (P-27).",
        due_at=run.at,
        href=href,
        act="Look at it",
        tone="bad",
        icon="shield-alert",
    )
