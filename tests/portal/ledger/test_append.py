import hashlib
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction

from changes.delivery.models import Repository
from changes.proposals.models import Change, Revision
from portal.ledger import chain
from portal.ledger.actions import Draft, append, append_many
from portal.ledger.chain import Fields
from portal.ledger.models import LedgerBody, LedgerCheck, LedgerCheckpoint, LedgerLeaf, LedgerSealed
from tests.pace import SHARED
from tests.portal.ledger.conftest import AT, connected, note, refused

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_what_when_and_what_the_rows_were(opened):
    before = datetime.now(UTC)

    change = opened(number=1042)

    leaf = LedgerLeaf.objects.get()
    revision = change.revisions.get()
    assert (leaf.stream, leaf.stream_seq, leaf.kind, leaf.actor) == ("change:1042", 1, "change.opened", "portal")
    assert leaf.rows == [f"changes_change:{change.pk}", f"changes_revision:{revision.pk}"]
    assert before - timedelta(seconds=5) <= leaf.recorded_at <= datetime.now(UTC) + timedelta(seconds=5)
    assert json.loads(leaf.body.payload) == {
        "fact": {"title": "Rotate keys"},
        "rows": {
            f"changes_change:{change.pk}": {
                "category": "standard",
                "joined_to_id": None,
                "kind": "application",
                "number": 1042,
                "requester_id": None,
                "size": "normal",
                "state": "draft",
                "undeclared": False,
            },
            f"changes_revision:{revision.pk}": {
                "at": "2026-03-02T09:00:00",
                "binds": "",
                "by_id": None,
                "by_login": "",
                "change_id": change.pk,
                "data_loss": "",
                "digest": "d1",
                "form_key": None,
                "material": True,
                "material_reason": "",
                "number": 1,
                "rollback": "",
                "snapshot": "",
                "source": "form",
                "target_release": "",
                "tested": "",
                "title": "Rotate keys",
                "what": "",
                "why": "",
            },
        },
    }


def test_the_payload_is_canonical_json(opened):
    opened()

    payload = LedgerBody.objects.get().payload
    assert payload == json.dumps(json.loads(payload), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_the_hashes_are_those_of_chain(opened):
    opened(number=1)
    note(stream="change:1")

    first, second = LedgerLeaf.objects.select_related("body").order_by("id")
    for leaf, previous in ((first, b""), (second, bytes(first.hash))):
        digest = chain.payload_digest(bytes(leaf.body.salt), leaf.body.payload)
        fields = Fields(
            *(leaf.event_id, leaf.stream, leaf.stream_seq, leaf.kind, leaf.actor, leaf.recorded_at, digest, leaf.rows, previous)
        )
        assert (bytes(leaf.payload_digest), bytes(leaf.prev_hash)) == (digest, previous)
        assert bytes(leaf.hash) == chain.entry_hash(fields)


def test_a_long_value_stands_in_the_entry_as_its_digest(opened):
    change = opened()
    long = "ü" * 200
    with transaction.atomic():
        revision = Revision.objects.create(change=change, number=2, title=long, digest="d2", source="form", at=AT)
        append(stream="change:1001", kind="change.revised", actor="portal", fact={}, rows=[revision])

    rows = json.loads(LedgerBody.objects.order_by("pk").last().payload)["rows"]
    assert rows[f"changes_revision:{revision.pk}"]["title"] == "sha256:" + hashlib.sha256(long.encode()).hexdigest()


def test_the_entry_says_what_the_database_has_not_what_the_object_in_memory_has(opened):
    change = opened()
    with transaction.atomic():
        Change.objects.filter(pk=change.pk).update(state="proposed")
        append(stream="change:1001", kind="change.proposed", actor="portal", fact={}, rows=[change])

    assert change.state == "draft"
    assert '"state":"proposed"' in LedgerBody.objects.order_by("pk").last().payload


def test_an_append_is_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        note()


def test_many_entries_are_one_statement_and_keep_the_order_of_their_stream(django_assert_num_queries):
    drafts = [Draft(stream, "note.made", "portal", {"number": number}) for number in range(3) for stream in ("b", "a")]

    with django_assert_num_queries(1):
        assert append_many(drafts=drafts) == 6

    facts = {
        stream: [
            json.loads(body.payload)["fact"]["number"] for body in LedgerBody.objects.filter(leaf__stream=stream).order_by("pk")
        ]
        for stream in ("a", "b")
    }
    assert facts == {"a": [0, 1, 2], "b": [0, 1, 2]}


def test_many_entries_cover_their_rows_and_go_on_with_their_streams():
    with transaction.atomic():
        changes = [Change.objects.create(number=number, title="x", opened_at=AT, moved_at=AT) for number in range(3)]
        texts = [Revision.objects.create(change=row, number=1, digest="d", source="form", at=AT, why="w" * 300) for row in changes]
        append(stream="change:1", kind="note.made", actor="portal", fact={})
        both = zip(changes, texts, strict=True)
        assert append_many(
            drafts=[Draft(f"change:{row.number}", "change.opened", "ü", {"a": 1}, [row, text]) for row, text in both]
        )
        each = LedgerBody.objects.values_list("payload", flat=True)
        append(stream="other", kind="change.opened", actor="ü", fact={"a": 1}, rows=[changes[2], texts[2]])

    leaves = list(LedgerLeaf.objects.select_related("body").order_by("id"))
    assert [leaf.rows for leaf in leaves[1:4]] == [
        [f"changes_change:{row.pk}", f"changes_revision:{text.pk}"] for row, text in zip(changes, texts, strict=True)
    ]
    assert [(leaf.stream, leaf.stream_seq) for leaf in leaves[:4]] == [
        ("change:1", 1),
        ("change:0", 1),
        ("change:1", 2),
        ("change:2", 1),
    ]
    assert leaves[3].body.payload == leaves[4].body.payload
    assert len(set(each)) == 4
    before = {("change:1", 2): bytes(leaves[0].hash)}
    for leaf in leaves:
        digest, previous = (
            chain.payload_digest(bytes(leaf.body.salt), leaf.body.payload),
            before.get((leaf.stream, leaf.stream_seq), b""),
        )
        names = ("event_id", "stream", "stream_seq", "kind", "actor", "recorded_at")
        fields = Fields(*(getattr(leaf, name) for name in names), digest, leaf.rows, previous)
        assert (bytes(leaf.payload_digest), bytes(leaf.hash)) == (digest, chain.entry_hash(fields))


@pytest.mark.parametrize("streams", [("a", "b"), ("a", "a")])
def test_one_of_many_entries_that_cannot_be_spoils_them_all(streams):
    good = Draft(streams[0], "note.made", "portal", {})
    with refused("no such row"):
        append_many(drafts=[good, Draft(streams[1], "b", "c", {}, [Change(pk=404)])])
    for fact in ('"[]"', '"7"', '"{"', "null"):
        with refused("json|JSON|null"), connection.cursor() as cursor:
            told = '{"stream": "%s", "kind": "b", "actor": "c", "rows": [], "fact": %s}'
            entries = ", ".join([told % (streams[0], '"{}"'), told % (streams[1], fact)])
            cursor.execute("SELECT portal_ledger_append_many(%s)", [f"[{entries}]"])

    assert append_many(drafts=[]) == LedgerLeaf.objects.count() == 0


def test_a_row_that_is_not_saved_cannot_be_covered():
    with pytest.raises(ValueError, match="not saved"):
        append(stream="a", kind="b", actor="portal", fact={}, rows=[Change(number=1)])


def test_a_row_that_is_gone_cannot_be_covered():
    with refused("no such row"):
        append(stream="a", kind="b", actor="portal", fact={}, rows=[Change(pk=404)])


def test_a_row_of_an_ordinary_table_cannot_be_covered():
    row = Repository.objects.create(name="acme/web", in_scope_from=AT)
    with refused("not in an evidence table"):
        append(stream="a", kind="b", actor="portal", fact={}, rows=[row])


@pytest.mark.parametrize("fact", ["[]", "7", "{", ""])
def test_a_fact_that_is_no_json_object_is_refused_by_the_database(fact):
    with refused("json|JSON"), connection.cursor() as cursor:
        cursor.execute("SELECT portal_ledger_append('a', 'b', 'c', %s, '{}', false)", [fact])


def test_an_entry_goes_back_with_its_transaction():
    with refused("division by zero"):
        note()
        connection.cursor().execute("SELECT 1 / 0")

    assert LedgerLeaf.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_change_goes_back_when_its_append_fails():
    with refused("no such row"):
        change = Change.objects.create(number=1, title="x", opened_at=AT, moved_at=AT)
        append(stream="a", kind="b", actor="portal", fact={}, rows=[change, Change(pk=404)])

    assert (Change.objects.count(), LedgerLeaf.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_urgent_entries_ring_for_the_sealer_and_others_do_not():
    with connected(autocommit=True) as listening:
        listening.execute("LISTEN ledger")
        note(kind="note.made")
        note(kind="approval.given")
        heard = [(rung.channel, rung.payload) for rung in listening.notifies(timeout=5 * SHARED, stop_after=1)]

    assert heard == [("ledger", "approval.given")]


@pytest.mark.django_db(transaction=True)
def test_urgent_entries_of_one_statement_ring_and_so_does_psql():
    drafts = [Draft(f"s{n}", kind, "portal", {}) for n, kind in enumerate(["note.made", "role.granted", "role.granted"])]
    with connected(autocommit=True) as listening, connected(autocommit=True) as psql:
        listening.execute("LISTEN ledger")
        with transaction.atomic():
            append_many(drafts=drafts)
        psql.execute("SELECT portal_ledger_append('s', 'verdict.frozen', 'portal', '{}', '{}', true)")
        heard = [rung.payload for rung in listening.notifies(timeout=5 * SHARED, stop_after=2)]

    assert heard == ["role.granted", "verdict.frozen"]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_in_one_stream_wait_for_each_other_and_in_two_streams_do_not():
    with connected() as one, connected() as two:
        call = "SELECT portal_ledger_append(%s, 'note.made', 'portal', '{}', '{}', false)"
        one.execute(call, ["same"])
        two.execute("SET lock_timeout = '100ms'")
        two.execute(call, ["other"])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            two.execute(call, ["same"])
        two.rollback()
        two.execute("SET lock_timeout = '100ms'")
        told = [{"stream": name, "kind": "note.made", "actor": "portal", "fact": "{}", "rows": []} for name in ("a", "same")]
        two.execute("SELECT portal_ledger_append_many(%s)", [json.dumps(told[:1])])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            two.execute("SELECT portal_ledger_append_many(%s)", [json.dumps(told)])


def test_rows_read_well_in_a_log():
    leaf = LedgerLeaf(stream="change:1", stream_seq=2, kind="change.opened")

    assert str(leaf) == "change:1/2 change.opened"
    assert str(LedgerBody(leaf_id=3)) == "body of 3"
    assert str(LedgerSealed(seq=4)) == "4"
    assert str(LedgerCheckpoint(size=5)) == "checkpoint 5"
    assert str(LedgerCheck(what="verify", at=AT)) == "verify at 2026-03-02 09:00"
