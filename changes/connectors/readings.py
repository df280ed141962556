"""What is to be read again from a vendor's API: every delivery is a prompt to read, and reading confirms the facts."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q

from changes.connectors import outages
from changes.connectors.errors import Passing, Permanent
from changes.connectors.forges import CLIENTS
from changes.connectors.github.reading import read as read_github
from changes.connectors.models import Reading, Source
from changes.connectors.settling import touch
from changes.connectors.strange import sound
from changes.delivery.models import PullRequest, Push

LEASE = timedelta(seconds=30)
BATCH = 20
log = logging.getLogger(__name__)


def read_due(*, now: Callable[[], datetime]) -> int:
    """Read what is due, source by source, until nothing is left or the source asks to wait. Returns how many were read."""
    done = 0
    for source in Source.objects.filter(paused_at=None, kind__in=CLIENTS).order_by("id"):
        if source.readable and (source.not_before is None or source.not_before <= now()):
            done += _read_source(source, now)
    return done


def _read_source(source: Source, now: Callable[[], datetime]) -> int:
    done = 0
    for pk in _claim(source, now()):
        reading = Reading.objects.select_related("source", "repository").get(pk=pk)
        try:
            note = sound(partial(read_github, reading=reading, at=now()))
        except Passing as problem:
            _later(reading, problem, now())
            break
        except Permanent as problem:
            _finish(reading, f"cannot be read: {problem}", now(), good=False)
            continue
        _finish(reading, note, now(), good=True)
        done += 1
    return done


def _claim(source: Source, at: datetime) -> list[int]:
    with transaction.atomic():
        waiting = Reading.objects.filter(source=source, done_at=None).filter(Q(not_before=None) | Q(not_before__lte=at))
        found = list(waiting.order_by("wanted_at", "id").select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
        Reading.objects.filter(pk__in=found).update(not_before=at + LEASE)
    return found


def _finish(reading: Reading, note: str, at: datetime, *, good: bool) -> None:
    """Done, unless it was asked for again meanwhile."""
    with transaction.atomic():
        rows = Reading.objects.filter(pk=reading.pk, wanted_at=reading.wanted_at)
        rows.update(done_at=at, attempts=F("attempts") + 1, note=note[:500], not_before=None)
        _look_again(reading, at)
        if good:
            Source.objects.filter(pk=reading.source_id).update(last_good_read_at=at, failures=0, last_error="")


def _look_again(reading: Reading, at: datetime) -> None:
    """What waited for this reading is looked at now, with or without its answer."""
    if reading.repository is None:
        return
    # The repository before its pull requests, as settling takes them.
    touch(repository=reading.repository, at=at)
    what, _, which = reading.subject.partition(":")
    pull_requests = PullRequest.objects.filter(repository=reading.repository)
    if what in ("pull_request", "files"):
        pull_requests.filter(number=int(which)).update(touched_at=at)
    if what in ("checks", "statuses"):
        pull_requests.filter(head_sha=which).update(touched_at=at)
    if what == "commit":
        Push.objects.filter(repository=reading.repository, after=which).update(reported_at=at)


def _later(reading: Reading, problem: Passing, at: datetime) -> None:
    """The vendor is away or asks to wait: the whole source rests, and what waits is judged as reported until it is read."""
    wait = problem.wait(failures=reading.source.failures)
    log.warning("reading %s failed: %s", reading.subject, problem)
    Reading.objects.filter(pk=reading.pk).update(attempts=F("attempts") + 1, note=str(problem)[:500], not_before=at + wait)
    _look_again(reading, at)
    for waiting in Reading.objects.select_related("repository").filter(source=reading.source, done_at=None, attempts=0):
        Reading.objects.filter(pk=waiting.pk, attempts=0).update(attempts=1)
        _look_again(waiting, at)
    Source.objects.filter(pk=reading.source_id).update(
        failures=F("failures") + 1, last_failed_read_at=at, last_error=str(problem)[:500], not_before=at + wait
    )
    outages.failed(of=reading.source, why=str(problem), at=at)
