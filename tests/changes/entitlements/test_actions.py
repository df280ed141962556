import time
from dataclasses import replace

import pytest

from changes.entitlements import actions, queries
from changes.entitlements.models import AccessSnapshot, Entitlement, Thing
from portal.ledger.models import LedgerLeaf
from tests.changes.entitlements.world import API, AT, DAY, HOUR, SHOP, held, take
from tests.pace import SHARED

pytestmark = pytest.mark.django_db


def words(rows):
    return [(row.account_name, row.right, row.thing.key) for row in rows]


def test_readings_become_intervals_and_only_what_differs_is_written():
    first = take(held("ann"), held("bob", "admin", vendor_word="maintain"), held("ann", thing=API), things=(SHOP, API))
    same = take(held("ann"), held("ann"), held("bob", "admin", vendor_word="maintain"), at=AT + HOUR)
    changed = take(held("ann", account_id="ann"), held("cleo", "read"), at=AT + 2 * HOUR)

    assert (first.rights, len(first.began), first.ended, same) == (3, 3, [], None)
    assert first.things == [{"thing": SHOP, "name": "northwind/1", "rights": 2}, {"thing": API, "name": "northwind/2", "rights": 1}]
    assert [one["account_name"] for one in changed.began + changed.ended] == ["cleo", "bob"]
    bob = Entitlement.objects.get(account_id="bob")
    assert (bob.first_seen_at, bob.last_seen_at, bob.ended_at, bob.ended_in) == (AT, AT + HOUR, AT + 2 * HOUR, changed)
    assert bob.seen_at == AT + HOUR
    assert words(queries.rights_now()) == [("ann", "write", SHOP), ("cleo", "read", SHOP), ("ann", "write", API)]
    assert [row.seen_at for row in queries.rights_now()] == [AT + 2 * HOUR, AT + 2 * HOUR, AT]
    assert list(LedgerLeaf.objects.filter(stream="access:github").order_by("stream_seq").values_list("kind", "rows")) == [
        ("access.changed", [f"changes_accesssnapshot:{first.pk}"]),
        ("access.changed", [f"changes_accesssnapshot:{changed.pk}"]),
    ]


def test_every_day_has_a_snapshot_even_when_nothing_changed():
    take(held("ann"))

    again = take(held("ann"), at=AT + DAY)

    assert (again.began, again.ended, again.rights) == ([], [], 1)
    assert again.digest == AccessSnapshot.objects.earliest("at").digest == actions.digest_of_rights([held("ann")])
    assert LedgerLeaf.objects.get(rows=[f"changes_accesssnapshot:{again.pk}"]).kind == "access.read"


def test_names_follow_the_vendor_without_being_a_difference():
    take(held("ann", account_id="7"))

    same = take(held("ann-marie", account_id="7", thing_name="northwind/store"), at=AT + HOUR)

    assert same is None
    assert (Entitlement.objects.get().account_name, Thing.objects.get().name) == ("ann-marie", "northwind/store")


def test_an_older_reading_says_nothing_about_now_and_what_is_gone_has_no_rights():
    take(held("ann"), at=AT + HOUR)

    late = take(held("bob"), at=AT)
    gone = take(at=AT + 2 * HOUR)

    assert late is None
    assert [one["account_name"] for one in gone.ended] == ["ann"]
    assert queries.things_of(source="github") == [SHOP]
    assert not queries.rights_now()


def test_a_right_on_what_was_not_read_is_an_error():
    with pytest.raises(ValueError, match=API):
        take(held("ann", thing=API))

    assert not Thing.objects.exists()


def test_days_are_answered_from_the_intervals():
    take(held("ann"), held("bob"))
    take(held("ann"), held("rex"), at=AT + DAY)
    take(held("ann"), at=AT + DAY + HOUR)
    take(held("ann"), held("bob"), at=AT + 3 * DAY)
    day = AT.date()

    between = queries.differences(from_day=day, to_day=day + 2 * DAY)

    assert [[row.account_name for row in queries.rights_on(day=day + n * DAY)] for n in range(-1, 4)] == [
        [],
        ["ann", "bob"],
        ["ann", "bob", "rex"],
        ["ann"],
        ["ann", "bob"],
    ]
    assert ([row.account_name for row in between.began], [row.account_name for row in between.ended]) == (["rex"], ["bob", "rex"])
    assert queries.differences(from_day=day + 3 * DAY, to_day=day + 3 * DAY) == queries.Differences([], [])


def test_replaying_the_snapshots_gives_the_rights_that_are_held():
    take(held("ann"), held("bob", through="team:core"))
    take(held("bob"), held("cleo", "bypass", account_kind="app"), at=AT + HOUR)

    replayed = set()
    for row in AccessSnapshot.objects.order_by("at"):
        replayed -= {tuple(one.items()) for one in row.ended}
        replayed |= {tuple(one.items()) for one in row.began}

    kept = [actions.held_of(row) for row in queries.rights_now()]
    assert {dict(one)["account_id"] for one in replayed} == {one.account_id for one in kept}
    assert len(replayed) == len(kept) == 2
    assert AccessSnapshot.objects.latest("at").digest == actions.digest_of_rights(kept)


def test_five_thousand_rights_are_read_again_with_few_queries(django_assert_max_num_queries):
    rights = [held(f"account {number}") for number in range(5000)]
    take(*rights)
    began = time.monotonic()

    with django_assert_max_num_queries(8):
        take(*rights, at=AT + HOUR)
    with django_assert_max_num_queries(20):
        changed = take(*rights[1:], replace(rights[0], vendor_word="maintain"), at=AT + 2 * HOUR)

    assert (len(changed.began), len(changed.ended)) == (1, 1)
    assert time.monotonic() - began < 5 * SHARED


def test_words_that_no_index_holds_are_cut_in_sight_and_the_same_again_is_no_difference():
    words = "".join(chr(ord("a") + number * number % 26) for number in range(9000))
    for at in (AT, AT + HOUR):
        take(held("ann", through=words, vendor_word=words), at=at)

    row = Entitlement.objects.get()
    assert (len(row.through), len(row.vendor_word), row.through[-1]) == (actions.THROUGH, actions.WORD, "…")
    assert AccessSnapshot.objects.count() == 1
