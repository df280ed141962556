"""Raw bodies of old deliveries are let go; that they came, and what they were, stays."""

import hashlib
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from changes.connectors import bodies, tasks
from changes.connectors.models import Delivery, Source
from changes.connectors.twins import Twins
from portal.ledger.queries import entries_about

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
KEPT = timedelta(days=400)
State = Delivery.State


@pytest.fixture(autouse=True)
def days(settings):
    settings.RAW_DAYS = KEPT.days


@pytest.fixture
def source():
    return Source.objects.create(name="github", kind="github", api_url="https://api.github.com", connected_at=AT - 2 * KEPT)


def came(source, number, *, ago, state=State.APPLIED):
    raw = f"delivery {number}".encode() * 99
    return Delivery.objects.create(
        source=source,
        delivery_id=f"id-{number}",
        event="push",
        body=zlib.compress(raw, 1),
        body_size=len(raw),
        body_digest=hashlib.sha256(raw).hexdigest(),
        received_at=AT - ago,
        state=state,
        repository_name="northwind/web",
    )


def with_body():
    return set(Delivery.objects.exclude(body=b"").values_list("delivery_id", flat=True))


def test_old_bodies_go_in_batches_and_what_counts_a_delivery_once_stays(source, settings, monkeypatch):
    monkeypatch.setattr(bodies, "BATCH", 3)
    old = [came(source, number, ago=KEPT + timedelta(days=9, minutes=-number)) for number in range(7)]
    came(source, 7, ago=KEPT + timedelta(days=5), state=State.QUARANTINED)
    came(source, 8, ago=KEPT + timedelta(days=5), state=State.NEW)
    came(source, 9, ago=KEPT - timedelta(minutes=1))
    other = Source.objects.create(name="fly", kind="fly", api_url="https://api.fly.io", connected_at=AT)

    assert bodies.let_bodies_go(at=AT, most=3) == 3
    assert bodies.let_bodies_go(at=AT) == 4, "the next run goes on where the last one stopped"
    assert bodies.let_bodies_go(at=AT) == 0

    assert with_body() == {"id-7", "id-8", "id-9"}, "what waits, is quarantined or young keeps its bytes"
    again = Delivery.objects.get(pk=old[0].pk)
    assert (again.body_digest, again.body_size, again.state) == (old[0].body_digest, old[0].body_size, State.APPLIED)
    with pytest.raises(IntegrityError, match="delivery_once"), transaction.atomic():
        came(source, 0, ago=timedelta())
    twin = came(source, 10, ago=KEPT + timedelta(days=8))
    Delivery.objects.filter(pk=twin.pk).update(body_digest=old[0].body_digest)
    assert Twins.of([Delivery.objects.get(pk=twin.pk)]).outcome_for(Delivery.objects.get(pk=twin.pk)).state == State.DUPLICATE
    facts = [entry.fact for entry in reversed(entries_about(stream=bodies.STREAM))]
    assert [fact["deliveries"] for fact in facts] == [3, 3, 1]
    assert sum(fact["bytes"] for fact in facts) == sum(row.body_size for row in old)
    source.refresh_from_db()
    other.refresh_from_db()
    assert (source.bodies_since, other.bodies_since) == (AT - KEPT, AT - KEPT)

    settings.RAW_DAYS = 0
    came(source, 11, ago=2 * KEPT)
    tasks.let_bodies_go()
    assert "id-11" in with_body(), "0 keeps them for ever"


def test_the_oldest_are_found_by_the_index_that_lists_the_newest_and_space_is_asked_for_early(source):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute("EXPLAIN " + bodies.LET_GO, [source.pk, AT - KEPT, AT, bodies.FINISHED, 10])
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'changes_delivery'")
        options = cursor.fetchone()[0]

    assert "Index Scan Backward using delivery_newest" in plan
    assert "autovacuum_vacuum_scale_factor=0.02" in options
