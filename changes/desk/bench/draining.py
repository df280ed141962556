"""Deliveries stored as the door stores them, and worker processes that apply them: what the lines of W5 share."""

import gc
import hashlib
import time
import zlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from uuid import uuid4

from django.db import connection, connections
from django.utils.timezone import now

from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.connectors.settling import settle_due
from changes.desk.bench.lives import Sent

PATIENT = timedelta(minutes=6)
"""A clock so far ahead waits neither for quiet nor for a reading."""
Work = Callable[[], int]


def store(source: Source, sent: Iterable[Sent]) -> int:
    """Keeps what was sent as the door does, in its order. Returns how many."""
    rows = [
        Delivery(
            source=source,
            delivery_id=str(uuid4()),
            event=event,
            body=zlib.compress(raw, 1),
            body_size=len(raw),
            body_digest=hashlib.sha256(raw).hexdigest(),
            received_at=at,
        )
        for at, event, raw in sent
    ]
    Delivery.objects.bulk_create(rows, batch_size=500)
    return len(rows)


def rate(source: Source, processes: int) -> float:
    """Deliveries a second until nothing waits."""
    many = Delivery.objects.filter(source=source, state=Delivery.State.NEW).count()
    seconds = in_workers(apply, processes)
    all_applied(source)
    return many / seconds


def in_workers(work: Work, processes: int) -> float:
    """Seconds until ``work`` finds nothing more to do in any of them. Each process is one of the worker's: forked, with what was
    loaded before out of the collector's reach (``portal.runtime.tasks``), and with a connection that it has already."""
    gc.collect()
    gc.freeze()
    connections.close_all()
    context = get_context("fork")
    ready, ended = context.Barrier(processes + 1), context.SimpleQueue()
    workers = [context.Process(target=_until_done, args=(work, ready, ended)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    seconds = float(max(ended.get() for _ in workers) - began)
    for worker in workers:
        worker.join()
    gc.unfreeze()
    return seconds


def _until_done(work: Work, ready: Barrier, ended: "SimpleQueue[float]") -> None:
    connection.ensure_connection()
    ready.wait()
    try:
        while work():
            pass
    finally:
        ended.put(time.perf_counter())


def apply() -> int:
    """One turn of a worker that applies what waits."""
    return drain(now=now)


def settle() -> int:
    """One turn of a worker that settles what has moved, whenever that was."""
    return settle_due(now=_later)


def _later() -> datetime:
    return now() + PATIENT


def all_applied(source: Source) -> None:
    """Raises RuntimeError for a delivery of which anything else became."""
    wrong = Delivery.objects.filter(source=source).exclude(state=Delivery.State.APPLIED).values_list("state", "note").first()
    if wrong is not None:
        raise RuntimeError(f"a delivery was not applied: {wrong}")
