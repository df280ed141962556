"""The portal's own figures for a monitor: the outbox, the schedule, the seal."""

from collections.abc import Iterator
from datetime import datetime

from portal import replica as copies
from portal.ledger.queries import latest_verification, seal_lag
from portal.metrics import Gauge, gauges
from portal.outbox.queries import outbox_health
from portal.runtime.models import Lease


@gauges("outbox")
def outbox(at: datetime) -> Iterator[Gauge]:
    """Effects that were promised and not delivered."""
    health = outbox_health(at=at)
    states = [({"state": "waiting"}, health.waiting), ({"state": "quarantined"}, health.quarantined)]
    yield Gauge("outbox_effects", "Effects that are not delivered, by state.", states)
    yield Gauge("outbox_oldest_seconds", "Age of the oldest waiting effect.", [({}, seconds_since(health.oldest_waiting_at, at))])


@gauges("schedule")
def schedule(at: datetime) -> Iterator[Gauge]:
    """When each periodic job was last sent and last finished: a growing age is a job that does not run."""
    found = list(Lease.objects.order_by("name").values_list("name", "run_at", "finished"))
    sent = [({"lease": name}, seconds_since(moment, at)) for name, moment, _ in found if moment]
    done = [({"lease": name}, seconds_since(moment, at)) for name, _, moment in found if moment]
    yield Gauge("lease_sent_age_seconds", "Time since a periodic job was last sent to the workers.", sent)
    yield Gauge("lease_finished_age_seconds", "Time since a worker last finished it.", done)


@gauges("ledger")
def ledger(at: datetime) -> Iterator[Gauge]:
    """How far the seal is behind, and what the last verification found."""
    lag = seal_lag(at=at)
    yield Gauge("seal_waiting_entries", "Entries without a checkpoint, counted up to 10,000.", [({}, lag.waiting)])
    yield Gauge("seal_lag_seconds", "Age of the oldest of them.", [({}, lag.age.total_seconds())])
    verified = latest_verification()
    if verified:
        yield Gauge("ledger_verified", "1 when the last verification found nothing broken.", [({}, float(verified.ok))])
        yield Gauge("ledger_verified_age_seconds", "Time since it.", [({}, seconds_since(verified.at, at))])


@gauges("replica")
def replica(at: datetime) -> Iterator[Gauge]:
    """How far the replica is behind, and whether large readings go there; nothing where there is none."""
    if copies.offered():
        found = copies.WATCH.standing()
        yield Gauge("replica_used", "1 when large readings go to the replica.", [({}, float(not found.trouble))])
        yield Gauge("replica_behind_seconds", "How old what it has may be.", [({}, found.behind.total_seconds())])


def seconds_since(moment: datetime | None, at: datetime) -> float:
    """Seconds from a moment to ``at``; 0 when there is none, or when two clocks disagree."""
    return max(0.0, (at - moment).total_seconds()) if moment else 0.0
