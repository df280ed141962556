"""Health of what works behind the pages. Without it pages and the door of deliveries answer all the same, and everything is kept
and done later: so none of these makes the portal unready, and each is told.
"""

import threading
import time
from datetime import timedelta

from django.db.models.functions import Now

from portal import replica
from portal.home.health import check
from portal.runtime import broker
from portal.runtime.models import Lease

BROKER_SECONDS, BROKER_EVERY = 1, 5.0
"""How long one question to the broker may take, and how long its answer holds: who asks for health must not wait for it often."""
HEARD_WITHIN = timedelta(seconds=90)
"""The heartbeat is sent every fifteen seconds (``portal.schedule``)."""


class Remembered:
    """The broker's last answer."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._answered, self._holds_until = False, 0.0

    def answers(self) -> bool:
        """Whether the broker answered lately; asks it when that is too long ago."""
        with self._asking:
            if time.monotonic() >= self._holds_until:
                self._answered = broker.says(seconds=BROKER_SECONDS) == broker.ANSWERS
                self._holds_until = time.monotonic() + BROKER_EVERY
            return self._answered


BROKER = Remembered()


@check("Broker", needed=False)
def broker_answers() -> bool:
    """Whether the broker takes tasks."""
    return BROKER.answers()


@check("Scheduler", needed=False)
def scheduler_is_heard() -> bool:
    """Whether a scheduler sent the heartbeat lately. By the database's clock, which wrote the time."""
    return Lease.objects.filter(name="heartbeat", run_at__gt=Now() - HEARD_WITHIN).exists()


@check("Worker", needed=False)
def worker_is_heard() -> bool:
    """Whether a worker received it."""
    return Lease.objects.filter(name="heartbeat", finished__gt=Now() - HEARD_WITHIN).exists()


def replica_keeps_up() -> bool:
    """Whether large readings go to the replica; without it the first server does them too."""
    return not replica.WATCH.standing().trouble


if replica.offered():
    check(
        "Replica",
        needed=False,
        works="keeps up",
        fails="is away or too far behind: the first server reads everything meanwhile",
    )(replica_keeps_up)
