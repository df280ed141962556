"""From the connectors' errors to the outbox's, and whether Slack is connected at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from changes.connectors import errors
from changes.connectors.models import Source
from portal.outbox.errors import Passing, Permanent


@contextmanager
def outside() -> Iterator[None]:
    """Within it a connector's error becomes the outbox's, with the wait that Slack asked for."""
    try:
        yield
    except errors.Passing as problem:
        wait = None if problem.retry_after is None else timedelta(seconds=problem.retry_after)
        raise Passing(wait, problem.reason) from problem
    except errors.Permanent as problem:
        raise Permanent(problem.reason) from problem


def slack() -> Source | None:
    """The Slack source, whether or not anything can be sent there."""
    return Source.objects.filter(kind="slack").order_by("id").first()


def connected() -> Source | str:
    """The Slack source, or why nothing can be sent there."""
    source = slack()
    if source is None:
        return "not connected: no Slack source"
    if source.paused_at is not None:
        return "not connected: the Slack source is paused"
    return source if source.readable else "not connected: the Slack source has no token"
