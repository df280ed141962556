"""The doors of the inventory: new, changed, gone and back are evidence; the same twice is nothing; no value gets in."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from changes.inventory.actions import note_events, observe
from changes.inventory.facts import Seen, VendorEvent, What
from changes.inventory.models import Asset, Snapshot, SourceReading
from changes.inventory.models import VendorEvent as Kept
from changes.inventory.policy import NotTaken
from portal.ledger.queries import entries_about

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MACHINE = "fly.machine"


def machine(number, *, image="a", within="shop", env=("PORT",)):
    return Seen(MACHINE, f"m{number}", f"shop-{number}", "production", within, {"image": image, "env": list(env)})


def read(*seen, at=AT, within="shop"):
    return observe(source="fly", kinds={MACHINE}, within=within, seen=seen, at=at)


def told(found):
    return [(one.what, one.external_id, one.words) for one in found]


def kinds():
    return [entry.kind for entry in reversed(entries_about(stream="inventory:fly"))]


def test_a_reading_keeps_what_is_new_changed_gone_and_back():
    assert told(read(machine(1), machine(2))) == [(What.NEW, "m1", ()), (What.NEW, "m2", ())]
    changed = read(machine(1, image="b", env=("PORT", "LEVEL")), machine(2), at=AT + HOUR)
    assert told(changed) == [(What.CHANGED, "m1", ("env: with LEVEL", "image: a → b"))]
    assert told(read(machine(2), at=AT + 2 * HOUR)) == [(What.GONE, "m1", ())]
    gone = Asset.objects.get(external_id="m1")
    assert (gone.gone_at, gone.last_seen_at) == (AT + 2 * HOUR, AT + HOUR)
    assert told(read(machine(1, image="b", env=("PORT", "LEVEL")), machine(2), at=AT + 3 * HOUR)) == [(What.BACK, "m1", ())]

    row = Asset.objects.get(external_id="m1")
    assert (row.first_seen_at, row.last_seen_at, row.gone_at) == (AT, AT + 3 * HOUR, None)
    assert [(one.what, one.configuration["image"]) for one in row.snapshots.order_by("id")] == [
        *(("new", "a"), ("changed", "b")),
        *(("gone", "b"), ("back", "b")),
    ]
    assert changed[0].asset_id == row.pk
    assert changed[0].snapshot_id == row.snapshots.order_by("id")[1].pk
    assert kinds() == ["inventory.read"] * 4
    newest = entries_about(stream="inventory:fly")[0]
    assert newest.fact["first"] == ["back fly.machine shop-1"]


def test_an_equal_reading_writes_nothing_but_when_it_was_seen(django_assert_max_num_queries):
    read(machine(1), machine(2))
    with django_assert_max_num_queries(12):
        assert read(machine(1), machine(2), machine(2), at=AT + HOUR) == []

    assert (Snapshot.objects.count(), kinds()) == (2, ["inventory.read"])
    assert {row.last_seen_at for row in Asset.objects.all()} == {AT + HOUR}
    reading = SourceReading.objects.get()
    assert (reading.read_at, reading.counts) == (AT + HOUR, {MACHINE: 2})


def test_readings_are_kept_one_a_day_and_an_older_one_is_not_taken():
    read(machine(1))
    read(machine(1), machine(2), at=AT + 24 * HOUR)

    assert read(at=AT + HOUR) == []
    assert Asset.objects.filter(gone_at=None).count() == 2
    assert [row.counts[MACHINE] for row in SourceReading.objects.order_by("day")] == [1, 2]


def test_a_scope_leaves_the_others_alone_and_a_thing_may_move():
    read(machine(1))
    read(machine(2, within="api"), within="api")

    assert told(read(machine(1, within="api"), machine(2, within="api"), within="api", at=AT + HOUR)) == [
        (What.CHANGED, "m1", ("within: shop → api",))
    ]
    assert read(at=AT + HOUR) == []
    assert told(read(within=None, at=AT + 2 * HOUR)) == [(What.GONE, "m1", ()), (What.GONE, "m2", ())]
    assert read(within=None, at=AT + 3 * HOUR) == []


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen("fly.app", "x", "x", within="shop"), "fly.app is not among the kinds"),
        (machine(1, within="api"), "not within shop"),
        (Seen(MACHINE, "", "x", within="shop"), "has no id"),
        (Seen(MACHINE, "x", "x", within="shop", configuration={"a": [{"env": {"PORT": "1"}}]}), "a.env maps variables"),
    ],
)
def test_a_reading_that_is_not_what_it_says_is_not_taken(seen, words):
    with pytest.raises(NotTaken, match=words):
        read(seen)
    assert not Asset.objects.exists()


def change(**given):
    """Change the assets, and have the checks made that otherwise wait for the commit."""
    Asset.objects.update(**given)
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_keeps_what_an_asset_is_and_who_it_belongs_to():
    read(machine(1))
    for given, problem in (
        ({"external_id": "m9"}, DatabaseError),
        ({"first_seen_at": AT - HOUR}, DatabaseError),
        ({"criticality": "low"}, IntegrityError),
    ):
        with pytest.raises(problem), transaction.atomic():
            change(**given)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Snapshot.objects.update(digest="")


def test_a_thousand_assets_take_a_few_statements(django_assert_max_num_queries):
    many = [machine(number) for number in range(1000)]
    with django_assert_max_num_queries(30):
        assert len(read(*many)) == 1000
    with django_assert_max_num_queries(12):
        assert read(*many, at=AT + HOUR) == []
    assert Asset.objects.filter(last_seen_at=AT + HOUR).count() == 1000


def event(number, **given):
    return VendorEvent(f"e{number}", AT + number * HOUR, "config.secrets.update", **{"kind": "doppler.config", **given})


def note(*events):
    return note_events(source="doppler", events=events, at=AT + 9 * HOUR)


def test_events_are_kept_once_by_their_id_in_the_order_of_their_time():
    first = note(event(2), event(1), event(2))
    second = note(event(1, actor_name="other"), event(3))

    assert (len(first), len(second), note(event(1))) == (2, 1, [])
    assert [row.external_id for row in Kept.objects.order_by("id")] == ["e1", "e2", "e3"]
    assert Kept.objects.get(external_id="e1").actor_name == ""
    entries = entries_about(stream="inventory:doppler")
    assert [entry.fact["events"] for entry in entries] == [1, 2]
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Kept.objects.update(action="x")


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (event(1, detail={"diff": [{"name": "KEY", "added": "canary"}]}), "diff.added may be the value"),
        (event(1, detail={"value": {"raw": "canary"}}), "value may be the value"),
        (VendorEvent("", AT, "x"), "has no id"),
    ],
)
def test_an_event_with_a_value_or_without_an_id_is_refused_whole_and_the_value_is_not_said(spoilt, words):
    with pytest.raises(NotTaken, match=words) as problem:
        note(event(2), spoilt)
    assert "canary" not in str(problem.value)
    assert not Kept.objects.exists()


def test_names_are_no_values():
    assert note(event(1, detail={"added": ["KEY"], "value": "", "removed": None})) != []
    assert note(event(2, kind="cloudflare.dns_record", detail={"value": "192.0.2.1"})) != []


def test_a_name_that_is_too_long_is_cut_in_sight_and_an_id_is_refused():
    long = "n" * 400
    for hour in (0, 1):
        read(Seen(MACHINE, "m1", long, within="shop"), at=AT + hour * HOUR)
    note_events(source="fly", events=[VendorEvent("e1", AT, long, object_name=long, actor_id=long)], at=AT)

    assert (Asset.objects.get().name, Snapshot.objects.count()) == (f"{'n' * 299}…", 1)
    event = Kept.objects.get()
    assert {len(one) for one in (event.action, event.object_name, event.actor_id)} == {200}
    with pytest.raises(NotTaken, match=r"an id of a fly\.machine is longer than 200"):
        read(Seen(MACHINE, long, "m", within="shop"), at=AT + 2 * HOUR)
    with pytest.raises(NotTaken, match="the id of an entry is longer than 200"):
        note_events(source="fly", events=[VendorEvent(long, AT, "a")], at=AT)
