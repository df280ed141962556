"""What the database refuses about evidence, whoever asks: here a superuser with raw SQL."""

import pytest
from django.db import IntegrityError, connection, transaction

from audits.evidence import EVIDENCE as PROVEN
from changes.evidence import EVIDENCE as CHANGED
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.proposals.lifecycle import State, permitted_pairs
from changes.proposals.models import Change
from portal.evidence import EVIDENCE as KEPT
from portal.ledger.actions import append
from portal.ledger.evidence import EvidenceTable
from portal.ledger.models import LedgerLeaf
from tests.database import cover, lifted
from tests.portal.ledger.conftest import AT, note, refused, settle

pytestmark = pytest.mark.django_db
TABLES = [
    *(table.model.replace(".", "_").lower() for table in (*CHANGED, *KEPT, *PROVEN)),
    *("portal_ledgerleaf", "portal_ledgerbody", "portal_ledgersealed", "portal_ledgercheckpoint", "portal_ledgercheck"),
]


def run(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def refusal(statement, *values, cover_row):
    """The words with which the database refuses the statement, its entry included; empty when it does not."""
    try:
        with transaction.atomic():
            run(statement, *values)
            cover(cover_row)
            settle()
    except IntegrityError as problem:
        return str(problem).splitlines()[0]
    return ""


@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_evidence_is_never_emptied(table):
    with refused("evidence is never emptied"):
        run(f"TRUNCATE {table} CASCADE")


def test_evidence_is_not_changed_or_deleted(opened):
    opened()
    for statement in (
        "UPDATE changes_revision SET title = 'better'",
        "DELETE FROM changes_revision",
        "DELETE FROM changes_change",
        "UPDATE portal_ledgerleaf SET kind = 'other'",
        "DELETE FROM portal_ledgerleaf",
        "UPDATE portal_ledgerbody SET payload = '{}'",
        "DELETE FROM portal_ledgerbody",
    ):
        with refused("evidence is"):
            run(statement)


def test_the_role_of_a_replica_does_not_open_the_guards(opened):
    opened()
    for statement in ("UPDATE changes_revision SET title = 'better'", "TRUNCATE portal_ledgerleaf"):
        with refused("evidence is"):
            run("SET LOCAL session_replication_role = replica")
            run(statement)


def test_a_row_without_an_entry_is_refused_at_commit(opened):
    change = opened()
    with refused("has no ledger entry"):
        run(
            "INSERT INTO changes_signoff (change_id, commit_sha, by_id, note, at) "
            "SELECT %s, 'abc', id, '', now() FROM portal_user LIMIT 1",
            change.pk,
        )
        columns = [field.column for field in Change._meta.concrete_fields if not field.generated]
        taken = ", ".join({"id": "77", "number": "77"}.get(column, column) for column in columns)
        run(f"INSERT INTO changes_change ({', '.join(columns)}) SELECT {taken} FROM changes_change")
        settle()


def test_a_row_without_an_entry_is_refused_also_to_a_replica(opened):
    opened()
    with refused("has no ledger entry"):
        run("SET LOCAL session_replication_role = replica")
        run("UPDATE changes_change SET state = 'proposed'")
        settle()


def test_an_entry_of_another_transaction_does_not_count(opened):
    change = opened()
    with refused("has no ledger entry"):
        # The entry that opened the change is in the same test transaction, but says another state.
        run("UPDATE changes_change SET state = 'proposed' WHERE id = %s", change.pk)
        settle()


def test_an_entry_in_a_savepoint_that_went_back_does_not_count(opened):
    change = opened()
    with refused("has no ledger entry"):
        Change.objects.filter(pk=change.pk).update(state="proposed")
        mark = transaction.savepoint()
        cover(change)
        transaction.savepoint_rollback(mark)
        settle()


def test_an_entry_written_before_the_row_changed_does_not_count(opened):
    change = opened()
    with refused("says what the row says"):
        cover(change)
        Change.objects.filter(pk=change.pk).update(category="emergency")
        settle()


def test_an_entry_may_cover_the_row_in_any_place(opened):
    first, second = opened(1), opened(2)
    Change.objects.filter(pk__in=[first.pk, second.pk]).update(state="proposed")
    append(stream="two", kind="change.proposed", actor="portal", fact={}, rows=[first, second, second.revisions.get()])
    settle()


def test_a_temporary_table_of_the_same_name_does_not_fool_the_guards(opened):
    opened()
    with refused("has no ledger entry"):
        run("CREATE TEMPORARY TABLE portal_ledgerleaf (LIKE portal_ledgerleaf INCLUDING ALL) ON COMMIT DROP")
        run("UPDATE changes_change SET state = 'proposed'")
        run(
            "INSERT INTO pg_temp.portal_ledgerleaf SELECT (jsonb_populate_record(l, jsonb_build_object('xid', "
            "pg_current_xact_id()::text))).* FROM public.portal_ledgerleaf l"
        )
        settle()


def test_a_column_that_is_no_evidence_changes_without_an_entry(opened):
    change = opened()
    Change.objects.filter(pk=change.pk).update(title="Clearer", gates="m" * 12)
    change.refresh_from_db()
    change.save()
    settle()


@pytest.mark.parametrize(("column", "value"), [("number", "7"), ("id", "7")])
def test_what_names_a_change_never_changes(opened, column, value):
    change = opened()
    with refused("never changes"):
        run(f"UPDATE changes_change SET {column} = {value} WHERE id = %s", change.pk)


def test_who_asked_for_a_change_moves_only_with_an_entry(opened, person):
    change, ann = opened(), person()
    with refused("has no ledger entry"):
        Change.objects.filter(pk=change.pk).update(requester=ann)
        settle()


PAIRS = [(source, target) for source in State.values for target in State.values if source != target]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_change_moves_exactly_as_the_table_says(opened, source, target):
    change = opened()
    with lifted(connection, "changes_change"):
        run("UPDATE changes_change SET state = %s", source)

    words = refusal("UPDATE changes_change SET state = %s", target, cover_row=change)

    assert words == ("" if (source, target) in permitted_pairs() else "changes_change: this is no permitted move")


@pytest.mark.parametrize("state", ["draft", "proposed", "merged"])
def test_a_change_may_begin_as(opened, state):
    opened(state=state)
    settle()


@pytest.mark.parametrize("state", sorted({*State.values} - {"draft", "proposed", "merged"}))
def test_a_change_never_begins_as(opened, state):
    with refused("no row begins in this state"):
        opened(state=state)


@pytest.fixture
def found():
    record = ExceptionRecord.objects.create(
        kind="direct_push", subject="acme/web@abc", key="k1", clause="P-02", sentence="x", happened_at=AT, found_at=AT, due_at=AT
    )
    cover(record)
    return record


EXCEPTION_MOVES = {
    *(("open", settled) for settled in ("explained", "repaired", "accepted", "cleared")),
    *((settled, "open") for settled in ("explained", "repaired", "accepted", "cleared")),
    *(("explained", settled) for settled in ("repaired", "accepted")),
    *(("open", "filtered"), ("filtered", "open")),
}


@pytest.mark.parametrize("source", ExceptionState.values)
@pytest.mark.parametrize("target", ExceptionState.values)
def test_an_exception_moves_exactly_as_declared(found, source, target):
    with lifted(connection, "changes_exceptionrecord"):
        run("UPDATE changes_exceptionrecord SET state = %s", source)

    words = refusal("UPDATE changes_exceptionrecord SET state = %s", target, cover_row=found)

    permitted = source == target or (source, target) in EXCEPTION_MOVES
    assert words == ("" if permitted else "changes_exceptionrecord: this is no permitted move")


def test_an_exception_is_born_open(found):
    with refused("no row begins in this state"):
        ExceptionRecord.objects.create(
            kind="x", subject="x", key="k2", clause="P-02", sentence="x", state="accepted", happened_at=AT, found_at=AT, due_at=AT
        )


@pytest.mark.parametrize("column", ["key", "kind", "clause"])
def test_what_an_exception_is_about_never_changes(found, column):
    with refused("never changes"):
        run(f"UPDATE changes_exceptionrecord SET {column} = 'x'")


def test_notes_alone_need_no_rows():
    note()
    settle()
    assert LedgerLeaf.objects.count() == 1


def test_a_declaration_that_is_neither_append_only_nor_has_columns_is_refused():
    with pytest.raises(ValueError, match="either append_only"):
        EvidenceTable("changes.Change")
    with pytest.raises(ValueError, match="either append_only"):
        EvidenceTable("changes.Change", append_only=True, columns=("state",))
