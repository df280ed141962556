"""The application's and the auditors' roles, as they are in PostgreSQL: what they may do, and that attacks end there."""

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.utils.timezone import now

from portal.ledger.guards import declared
from portal.ledger.models import LedgerLeaf
from portal.ledger.privileges import APP, AUDITOR
from portal.secret import NotSelected
from tests.portal.ledger.conftest import connected

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)
EVIDENCE = [
    *("changes_change", "changes_revision", "changes_linkedpullrequest", "changes_approval", "changes_approvallapse"),
    *("changes_signoff", "changes_reviewafter", "changes_verdict", "changes_exceptionrecord", "changes_exceptionstep"),
    *("portal_rolegrant", "portal_identity", "portal_ledgerleaf", "portal_ledgerbody", "portal_ledgersealed"),
    *("portal_ledgercheckpoint", "portal_ledgercheck"),
]
MOVING = {"changes_change", "changes_linkedpullrequest", "changes_exceptionrecord", "portal_rolegrant", "portal_identity"}
KEYS = {"portal_ledgersealed": "seq", "portal_ledgerbody": "leaf_id"}
DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def app():
    with connected(APP) as other:
        yield other


@pytest.fixture
def auditor():
    with connected(AUDITOR) as other:
        yield other


@pytest.mark.parametrize("table", EVIDENCE)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} DISABLE TRIGGER ALL", "DROP TABLE {}"])
def test_the_application_cannot_remove_evidence(app, table, statement):
    with pytest.raises(DENIED):
        app.execute(statement.format(table))


@pytest.mark.parametrize("table", sorted({*EVIDENCE} - MOVING))
def test_the_application_cannot_change_what_is_only_inserted(app, table):
    with pytest.raises(DENIED):
        app.execute(f"UPDATE {table} SET {KEYS.get(table, 'id')} = 1")


@pytest.mark.parametrize(
    "attack",
    [
        "INSERT INTO portal_ledgerleaf SELECT * FROM portal_ledgerleaf",
        "INSERT INTO portal_ledgerbody VALUES (1, '', '{}')",
        "COPY portal_ledgerleaf FROM PROGRAM 'true'",
        "SET session_replication_role = replica",
        "SET ROLE countersign_owner",
        "SET ROLE postgres",
        "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$",
        "CREATE OR REPLACE FUNCTION portal_evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE TRIGGER aaa BEFORE INSERT ON changes_approval FOR EACH ROW EXECUTE FUNCTION portal_evidence_refuse()",
        "CREATE RULE aaa AS ON INSERT TO changes_approval DO INSTEAD NOTHING",
        "CREATE TABLE public.mine (id int)",
        "ALTER TABLE changes_approval OWNER TO countersign_app",
        "ALTER FUNCTION portal_evidence_covered() OWNER TO countersign_app",
        "DROP FUNCTION portal_evidence_covered() CASCADE",
        "DROP TRIGGER evidence_entry ON changes_approval",
        "ALTER SEQUENCE changes_approval_id_seq RESTART",
        "LOCK TABLE portal_ledgerleaf IN ACCESS EXCLUSIVE MODE",
        "DELETE FROM django_migrations",
    ],
)
def test_an_attack_of_the_application_is_refused(app, attack):
    with pytest.raises(DENIED):
        app.execute(attack)


def test_the_application_cannot_give_itself_a_right(app):
    # PostgreSQL only warns about a grant that gives nothing.
    app.execute("GRANT UPDATE ON changes_approval TO countersign_app")
    with pytest.raises(DENIED):
        app.execute("UPDATE changes_approval SET note = 'x'")


@committed
def test_the_application_writes_evidence_only_with_an_entry(app, opened):
    change = opened()
    app.execute("UPDATE changes_change SET state = 'proposed' WHERE id = %s", [change.pk])
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="has no ledger entry"):
        app.commit()

    app.execute("UPDATE changes_change SET state = 'proposed' WHERE id = %s", [change.pk])
    app.execute(
        "SELECT portal_ledger_append('change:1001', 'change.proposed', 'user:1', '{}', ARRAY[%s], false)",
        [f"changes_change:{change.pk}"],
    )
    app.commit()

    change.refresh_from_db()
    assert (change.state, LedgerLeaf.objects.count()) == ("proposed", 2)


@committed
def test_the_application_cannot_choose_what_an_entry_says_of_its_rows(app, opened):
    change = opened()
    app.execute(
        "SELECT portal_ledger_append('change:1001', 'change.closed', 'user:1', %s, ARRAY[%s], false)",
        ['{"state": "closed"}', f"changes_change:{change.pk}"],
    )
    (payload,) = app.execute("SELECT payload FROM portal_ledgerbody ORDER BY leaf_id DESC LIMIT 1").fetchone()

    assert '"state":"draft"' in payload


@committed
def test_the_application_cannot_hide_that_it_changed_a_row_with_a_table_of_its_own(app, opened):
    opened()
    app.execute("CREATE TEMPORARY TABLE portal_ledgerleaf (LIKE public.portal_ledgerleaf)")
    app.execute("UPDATE changes_change SET state = 'proposed'")
    app.execute("INSERT INTO portal_ledgerleaf SELECT * FROM public.portal_ledgerleaf")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="has no ledger entry"):
        app.commit()


def test_the_application_works_with_ordinary_tables(app):
    app.execute(
        """INSERT INTO changes_repository
        (forge, name, former_names, main_branch, prod_branch, approved_by, clone_url, mirror_error, in_scope_from)
        VALUES ('github', 'acme/web', '{}', 'main', 'prod', 'review', '', '', now())"""
    )
    app.execute("UPDATE changes_repository SET clone_url = 'x'")
    app.execute("DELETE FROM changes_repository")


def test_a_request_of_the_application_can_become_the_auditors(app):
    app.execute("SET LOCAL ROLE countersign_auditor")

    assert app.execute("SELECT current_user").fetchone() == (AUDITOR,)
    with pytest.raises(DENIED):
        app.execute("INSERT INTO changes_repository (name) VALUES ('x')")


@pytest.mark.parametrize("table", [*EVIDENCE, "changes_pullrequest", "changes_delivery", "changes_release"])
def test_auditors_read_the_evidence(auditor, table):
    auditor.execute(f"SELECT * FROM {table} LIMIT 1")


@pytest.mark.parametrize("table", EVIDENCE)
def test_auditors_write_nothing(auditor, table):
    with pytest.raises(DENIED):
        auditor.execute(f"INSERT INTO {table} DEFAULT VALUES")


@pytest.mark.parametrize(
    "secret",
    [
        "SELECT password FROM portal_user",
        "SELECT * FROM portal_user",
        "SELECT digest FROM portal_apitoken",
        "SELECT token_digest FROM portal_invitation",
        "SELECT payload FROM portal_effect",
        "SELECT token_encrypted FROM changes_source",
        "SELECT * FROM changes_hooksecret",
        "SELECT * FROM changes_storedanswer",
        "SELECT * FROM django_session",
        "SELECT * FROM portal_cache",
        "SELECT * FROM mfa_authenticator",
        "SELECT * FROM account_emailaddress",
        "SELECT * FROM social_auth_usersocialauth",
        "SELECT portal_ledger_append('a', 'b', 'c', '{}', '{}', false)",
    ],
)
def test_auditors_read_no_secret(auditor, secret):
    with pytest.raises(DENIED):
        auditor.execute(secret)


@committed
def test_auditors_see_who_people_are(auditor, person):
    ann = person()

    assert auditor.execute("SELECT id, email, name FROM portal_user").fetchall() == [(ann.pk, "ann@northwind.example", "Ann")]


@committed
def test_a_table_made_later_is_the_applications_to_use_and_not_the_auditors_to_see(app, auditor):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE later (id int)")
    try:
        app.execute("INSERT INTO later VALUES (1)")
        app.rollback()
        with pytest.raises(DENIED):
            auditor.execute("SELECT * FROM later")
        auditor.rollback()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE later")


def test_no_row_says_that_it_is_older_than_it_is(app, opened):
    opened()
    leaf = LedgerLeaf.objects.get()

    assert abs((now() - leaf.recorded_at).total_seconds()) < 60


def test_no_column_that_holds_a_secret_is_readable_by_auditors(auditor):
    shown = {one.model: one.shown for one in declared().hidden}
    fields = [(model, field) for model in apps.get_models() for field in model._meta.local_fields]
    secrets = [(model, field.attname) for model, field in fields if isinstance(field, NotSelected)]

    assert len(secrets) >= 9
    for model, column in secrets:
        label = f"{model._meta.app_label}.{model.__name__}"
        assert label in shown, f"{label} holds {column} and is not hidden"
        assert column not in shown[label], f"{label} shows {column}"
        with pytest.raises(DENIED):
            auditor.execute(f'SELECT "{column}" FROM {model._meta.db_table}')
        auditor.rollback()
