"""What guards stand on: owners, rights, settings, and what else hangs on a table of evidence."""

import pytest
from django.db import connection
from django.utils.timezone import now

from portal.ledger import fingerprint, guards, plan, privileges, tasks
from portal.ledger.catalogue import look
from portal.ledger.models import LedgerCheck
from portal.ledger.report import record_guards

pytestmark = pytest.mark.django_db
ATTACKS = {
    "ALTER TABLE changes_approval OWNER TO countersign_app": "table changes_approval belongs to countersign_app and not to",
    "GRANT DELETE ON changes_approval TO countersign_app": "somebody gave a right on changes_approval: countersign_app DELETE",
    "GRANT UPDATE (note) ON changes_approval TO PUBLIC": "somebody gave a right on changes_approval: PUBLIC UPDATE note",
    "GRANT SELECT ON portal_user TO countersign_auditor": "somebody gave a right on portal_user: countersign_auditor SELECT",
    "REVOKE INSERT ON changes_approval FROM countersign_app": "a right on changes_approval is missing: countersign_app INSERT",
    "ALTER FUNCTION portal_ledger_append(text, text, text, text, text[], boolean) SECURITY INVOKER": (
        "function portal_ledger_append runs with other rights than the code gives it"
    ),
    "ALTER FUNCTION portal_evidence_covered() SET search_path = pg_temp": (
        "function portal_evidence_covered runs with other settings than the code gives it"
    ),
    "ALTER FUNCTION portal_evidence_refuse() OWNER TO countersign_app": "function portal_evidence_refuse belongs to",
    "CREATE TRIGGER aaa BEFORE INSERT ON changes_approval FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()": (
        "trigger changes_approval.aaa is not declared"
    ),
    "CREATE TRIGGER search_it BEFORE UPDATE ON changes_change FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()": (
        "trigger changes_change.search_it is not declared"
    ),
    "GRANT UPDATE ON changes_approval TO countersign_auditor_writer": (
        "somebody gave a right on changes_approval: countersign_auditor_writer UPDATE"
    ),
    "REVOKE INSERT ON audits_mark FROM countersign_auditor_writer": (
        "a right on audits_mark is missing: countersign_auditor_writer INSERT"
    ),
    "CREATE FUNCTION changes_search_swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
    "CREATE TRIGGER search_it BEFORE UPDATE ON changes_change FOR EACH ROW EXECUTE FUNCTION changes_search_swallow()": (
        "trigger changes_change.search_it is not declared"
    ),
    "CREATE TRIGGER search_it AFTER UPDATE ON changes_change REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT "
    "WHEN (pg_notify('x', '') IS NULL) EXECUTE FUNCTION changes_search_follow()": (
        "trigger changes_change.search_it is not declared"
    ),
    "CREATE FUNCTION portal_evidence_refuse(integer) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$": (
        "function portal_evidence_refuse is there more than once"
    ),
    "CREATE RULE aaa AS ON INSERT TO changes_approval DO INSTEAD NOTHING": (
        "table changes_approval has one of the rules that the code does not know: aaa"
    ),
    "ALTER TABLE changes_approval ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON changes_approval USING (id > 7)": (
        "table changes_approval hides rows (row level security)"
    ),
    "ALTER TABLE changes_approval DISABLE TRIGGER evidence_fixed": "trigger changes_approval.evidence_fixed is not ENABLE ALWAYS",
    "CREATE OR REPLACE FUNCTION portal_evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$": (
        "function portal_evidence_refuse differs from the code"
    ),
}


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_change_of_the_schema_shows_as_a_deviation_and_another_digest():
    guards.install(connection)
    clean = fingerprint.take(connection)
    assert clean.deviations == ()
    for attack, sentence in ATTACKS.items():
        run("SAVEPOINT attack")
        run(attack)
        found = fingerprint.take(connection)
        assert any(text.startswith(sentence) for text in found.deviations), (attack, found.deviations)
        assert found.digest != clean.digest or "REVOKE" in attack
        run("ROLLBACK TO SAVEPOINT attack")
    assert fingerprint.take(connection) == clean


def test_without_the_roles_rights_are_not_compared():
    guards.install(connection)
    seen = look(connection)
    bare = type(seen)(**{**vars(seen), "roles": frozenset()})
    found = {"tables": {}, "functions": None, "twice": []}
    made = plan.Plan((), {}, {}, (privileges.Table("x", "SELECT", ""),))
    found["tables"]["django_migrations"] = {"owner": "somebody"}

    assert list(fingerprint.deviations(made, bare, found)) == []


def test_the_hourly_look_is_written_down_when_it_changes_and_once_a_day(monkeypatch, caplog):
    guards.install(connection)
    asked = []
    monkeypatch.setattr(tasks.check_guards, "delay", lambda: asked.append("at start"))
    tasks.check_guards_at_start(sender=None)
    assert asked == ["at start"]
    tasks.check_guards()
    tasks.check_guards()
    assert [check.ok for check in LedgerCheck.objects.filter(what="guards")] == [True]
    run("ALTER TABLE changes_approval DISABLE TRIGGER evidence_fixed")
    tasks.check_guards()
    last = LedgerCheck.objects.order_by("-id").first()
    assert (last.ok, last.problems[0]["sentence"]) == (False, "trigger changes_approval.evidence_fixed is not ENABLE ALWAYS")
    assert "The schema is not as the code installs it" in caplog.text
    tomorrow = now() + tasks.VERIFIED_EVERY * 2
    assert record_guards(digest=last.fingerprint, deviations=[], at=tomorrow) != last
