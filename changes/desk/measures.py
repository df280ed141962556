"""Figures of changes for a monitor: deliveries that wait, sources that fail, exceptions that are open."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min

from changes.connectors.models import Delivery, Source
from changes.exceptions.queries import open_count
from portal.metrics import Gauge, gauges


@gauges("changes")
def changes(at: datetime) -> Iterator[Gauge]:
    """In three questions."""
    waiting = Delivery.objects.filter(state=Delivery.State.NEW).aggregate(count=Count("pk"), oldest=Min("received_at"))
    age = max(0.0, (at - waiting["oldest"]).total_seconds()) if waiting["oldest"] else 0.0
    yield Gauge("deliveries_waiting", "Deliveries that are stored and not applied.", [({}, waiting["count"])])
    yield Gauge("deliveries_oldest_seconds", "Age of the oldest of them.", [({}, age)])
    failures = Source.objects.filter(paused_at=None).order_by("name").values_list("name", "failures")
    yield Gauge("source_failures", "Readings of a source that failed in a row.", [({"source": name}, n) for name, n in failures])
    yield Gauge("exceptions_open", "Exceptions that nobody answered yet, counted up to a thousand.", [({}, open_count())])
