"""What the workers do for the connectors. A task takes nothing, finds what is due, and may run any number of times."""

from datetime import timedelta

from celery import shared_task
from django.utils.timezone import now

from changes.connectors import bodies, timestamps
from changes.connectors.drifting import compare_all
from changes.connectors.fetching import work_on_fetches
from changes.connectors.github import answers, rights_sync
from changes.connectors.inbox import drain
from changes.connectors.polling import mirror_due, poll_due
from changes.connectors.readings import read_due
from changes.connectors.settling import settle_due
from changes.connectors.slack import ledger_line

ANSWERS_KEPT = timedelta(days=30)
"""Since an answer last changed. Dropping one that is still read costs one full reading."""


@shared_task(name="changes.connectors.tasks.drain_inbox")
def drain_inbox() -> None:
    """Apply the deliveries that wait; woken by the door."""
    drain(now=now)


@shared_task(name="changes.connectors.tasks.sweep_inbox")
def sweep_inbox() -> None:
    """The same, by the clock: finds what a lost message forgot."""
    drain(now=now)


@shared_task(name="changes.connectors.tasks.read_again")
def read_again() -> None:
    """Read from the vendors' APIs what deliveries have hinted at."""
    read_due(now=now)


@shared_task(name="changes.connectors.tasks.settle")
def settle() -> None:
    """Look for findings in repositories that have come to rest."""
    settle_due(now=now)


@shared_task(name="changes.connectors.tasks.poll_sources")
def poll_sources() -> None:
    """Ask the vendors what has changed: the guarantee that a lost webhook loses nothing."""
    poll_due(now=now)


@shared_task(name="changes.connectors.tasks.read_access")
def read_access() -> None:
    """Read who has access to the repositories in scope."""
    rights_sync.read_all(now=now)


@shared_task(name="changes.connectors.tasks.mirror_repositories", time_limit=280)
def mirror_repositories() -> None:
    """Fetch the repositories in scope and compare their branches with what is on record."""
    mirror_due(now=now)


@shared_task(name="changes.connectors.tasks.forget_answers")
def forget_answers() -> None:
    """Drop kept answers of vendors' APIs that did not change in a month: most are of pages that nobody reads any more."""
    answers.forget(before=now() - ANSWERS_KEPT)


@shared_task(name="changes.connectors.tasks.let_bodies_go")
def let_bodies_go() -> None:
    """Empty the raw bodies of old deliveries, a batch at a time."""
    bodies.let_bodies_go(at=now())


@shared_task(name="changes.connectors.tasks.fetch")
def fetch() -> None:
    """Go on with what administrators asked to read."""
    work_on_fetches(now=now)


@shared_task(name="changes.connectors.tasks.say_checkpoint")
def say_checkpoint() -> None:
    """The ledger's newest checkpoint to places that others keep, at most once an hour each, where that is switched on."""
    ledger_line.say_checkpoint(at=now())
    timestamps.stamp_checkpoint(at=now())


@shared_task(name="changes.connectors.tasks.compare_drift")
def compare_drift() -> None:
    """Compare what runs with what Git says, from what was read already."""
    compare_all(at=now())
