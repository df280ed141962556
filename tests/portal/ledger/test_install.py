"""The guards follow the code: installed after migrate, repaired when they were altered, and without roles where need be."""

import logging

import pytest
from django.apps import apps
from django.db import connection

from portal.ledger import catalogue, guards, plan, privileges
from portal.ledger.evidence import Declared, EvidenceTable, Hidden, RowRule

pytestmark = pytest.mark.django_db


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_installing_again_does_nothing_and_costs_one_look(django_assert_num_queries):
    guards.install(connection)
    with django_assert_num_queries(1):
        assert guards.install(connection) is False


def test_migrate_installs_once_after_the_last_app(monkeypatch):
    installed = []
    monkeypatch.setattr(guards, "install", installed.append)
    for config in apps.get_app_configs():
        guards.after_migrate(config)

    assert installed == [connection]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            "ALTER TABLE changes_approval DISABLE TRIGGER evidence_entry",
            "trigger changes_approval.evidence_entry is not ENABLE ALWAYS",
        ),
        (
            "ALTER TABLE changes_approval ENABLE TRIGGER evidence_fixed",
            "trigger changes_approval.evidence_fixed is not ENABLE ALWAYS",
        ),
        ("DROP TRIGGER evidence_whole ON changes_verdict", "trigger changes_verdict.evidence_whole is missing"),
        (
            "CREATE OR REPLACE FUNCTION portal_evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            "function portal_evidence_refuse differs from the code",
        ),
        (
            "CREATE TRIGGER evidence_mine BEFORE INSERT ON changes_approval FOR EACH ROW "
            "EXECUTE FUNCTION portal_evidence_refuse('x')",
            "trigger changes_approval.evidence_mine is not declared",
        ),
        (
            "DROP TRIGGER evidence_born ON changes_change; CREATE TRIGGER evidence_born AFTER INSERT ON changes_change "
            "FOR EACH ROW WHEN (false) EXECUTE FUNCTION portal_evidence_refuse('x'); "
            "ALTER TABLE changes_change ENABLE ALWAYS TRIGGER evidence_born",
            "tables, triggers or roles changed since the guards were installed",
        ),
    ],
)
def test_damaged_guards_are_named_and_repaired(damage, sentence):
    guards.install(connection)
    run(damage)

    assert sentence in guards.shortcomings(connection)
    assert guards.install(connection) is True
    assert sentence not in guards.shortcomings(connection)
    assert guards.install(connection) is False


def test_a_portal_that_may_switch_its_guards_off_says_so():
    assert [text for text in guards.shortcomings(connection) if "may switch the triggers off" in text]


def test_a_portal_that_runs_as_the_application_has_no_shortcoming():
    guards.install(connection)
    run("SET LOCAL ROLE countersign_app")

    assert guards.shortcomings(connection) == []


def test_every_declared_table_and_rule_has_its_table():
    assert plan.make(guards.declared(), catalogue.look(connection)).unknown == ()


def test_a_declaration_without_a_table_is_left_out_and_named(monkeypatch):
    monkeypatch.setattr(
        guards,
        "declared",
        lambda: Declared(
            (EvidenceTable("portal.NotYet", append_only=True), EvidenceTable("changes.Change", columns=("no_such_column",))),
            (RowRule("later", "portal.NotYet", "", "RETURN NEW;"),),
            (Hidden("portal.NotYet", why="x"),),
        ),
    )

    left_out = [text for text in guards.shortcomings(connection) if "declared but not there" in text]
    assert left_out == [
        "evidence table portal.NotYet is declared but not there",
        "evidence table changes.Change is declared but not there",
        "evidence table portal.NotYet is declared but not there",
    ]


def seen(**different):
    return catalogue.Seen(**{**vars(catalogue.look(connection)), **different})


def test_without_roles_the_triggers_hold_and_a_warning_says_so(monkeypatch, caplog):
    bare = seen(roles=frozenset(), member=False, makes_roles=False, superuser=False, note="")
    monkeypatch.setattr(guards, "look", lambda _: bare)
    with caplog.at_level(logging.WARNING):
        assert guards.install(connection) is True

    assert "countersign_app, countersign_auditor, countersign_auditor_writer, countersign_owner are missing" in caplog.text
    assert "postgres may not make them" in caplog.text
    assert "database role countersign_app does not exist" in guards.shortcomings(connection)


def test_roles_that_are_missing_are_made(monkeypatch, caplog):
    tried = []
    monkeypatch.setattr(guards, "_run", lambda _, statements: tried.extend(statements))
    with caplog.at_level(logging.WARNING):
        guards._make_roles(connection, seen(roles=frozenset({"countersign_owner"}), member=False))

    assert tried == [
        "CREATE ROLE countersign_app NOLOGIN",
        "CREATE ROLE countersign_auditor NOLOGIN",
        "CREATE ROLE countersign_auditor_writer NOLOGIN",
        "GRANT countersign_auditor TO countersign_app",
        "GRANT countersign_auditor_writer TO countersign_app",
    ]
    assert caplog.text == ""


def test_a_role_that_another_database_made_meanwhile_is_fine(caplog):
    with caplog.at_level(logging.WARNING):
        guards._make_roles(connection, seen(roles=frozenset(), member=False))

    assert caplog.text == ""


def test_a_statement_that_stays_refused_is_given_up_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        guards._try(connection, "GRANT no_such_role TO countersign_app")

    assert 'role "no_such_role" does not exist' in caplog.text


def test_an_owner_that_is_no_superuser_gives_privileges_on_what_is_its_own(monkeypatch):
    guards.install(connection)
    run("SET LOCAL ROLE countersign_owner")
    run("ALTER TABLE changes_approval DISABLE TRIGGER evidence_entry")
    run("REVOKE ALL ON changes_approval FROM countersign_app")

    assert guards.install(connection) is True

    run("RESET ROLE")
    run("SET LOCAL ROLE countersign_app")
    run("SELECT * FROM changes_approval")


def test_privileges_that_cannot_be_given_are_a_warning(monkeypatch, caplog):
    monkeypatch.setattr(privileges, "grants", lambda *_: ["GRANT SELECT ON no_such_table TO countersign_app"])
    run("ALTER TABLE changes_approval DISABLE TRIGGER evidence_entry")
    with caplog.at_level(logging.WARNING):
        assert guards.install(connection) is True

    assert "Privileges could not be given" in caplog.text
