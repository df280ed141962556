"""Migrations: one at a time, never waiting long for a lock, by the owner, on a server that is new enough."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from psycopg.conninfo import make_conninfo

from portal.management.commands import migrate
from portal.runtime.places import ROOT
from tests.stack import clean_environment, wait_for


def address(name):
    settings = connection.settings_dict
    return make_conninfo(dbname=name, user=settings["USER"], host=settings["HOST"], port=settings["PORT"] or None)


@pytest.fixture
def empty_database():
    """Address of a database with nothing in it."""
    name = f"empty_{os.getpid()}"
    with psycopg.connect(address("postgres"), autocommit=True) as line:
        line.execute(f"DROP DATABASE IF EXISTS {name}")
        line.execute(f"CREATE DATABASE {name}")
    yield address(name)
    with psycopg.connect(address("postgres"), autocommit=True) as line:
        line.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manage(*arguments, **env):
    known = {"COUNTERSIGN_SECRET_KEY": "x" * 50, "COUNTERSIGN_ENCRYPTION_KEYS": "0ICywSZzjxp_zNqbbD6I168GZSnJMcpaNpZmTNdm_lQ="}
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment(**known, COUNTERSIGN_DATA="/nonexistent", **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.xdist_group("stack")
def test_three_at_once_on_an_empty_database_all_end_well(empty_database):
    running = [manage("migrate", "--verbosity", "1", DATABASE_URL=empty_database) for _ in range(3)]
    said = [each.communicate(timeout=240)[0] for each in running]

    assert [each.returncode for each in running] == [0, 0, 0], "\n".join(said)
    assert sum("Applying portal.0001_user... OK" in text for text in said) == 1
    assert sum("No migrations to apply." in text for text in said) == 2


@pytest.mark.django_db(transaction=True)
def test_a_busy_table_is_tried_again_and_holds_up_nobody(monkeypatch, capsys):
    """The first try meets a table that somebody reads in a long transaction; the second does not."""
    tries = []

    def alter(self, *args, **options):
        tries.append(connection.connection.info.transaction_status)
        if len(tries) == 2:
            reader.close()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE portal_lease ADD COLUMN extra int")
            cursor.execute("ALTER TABLE portal_lease DROP COLUMN extra")

    monkeypatch.setattr(migrate.migrate.Command, "handle", alter)
    reader = psycopg.connect(address(connection.settings_dict["NAME"]))
    reader.execute("SELECT count(*) FROM portal_lease")

    call_command("migrate")

    assert len(tries) == 2
    assert "A table was busy for 2 s; trying again (1 of 5)." in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_another_error_is_not_tried_again_and_the_lock_is_given_back(monkeypatch):
    def fails(self, *args, **options):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(migrate.migrate.Command, "handle", fails)

    with pytest.raises(migrate.OperationalError):
        call_command("migrate")

    connection.close()
    with psycopg.connect(address(connection.settings_dict["NAME"])) as line:
        assert wait_for(lambda: line.execute("SELECT pg_try_advisory_lock(%s)", [migrate.ADVISORY_KEY]).fetchone() == (True,))


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_too_long_for_another_migration_says_so(monkeypatch):
    monkeypatch.setattr(migrate, "WAIT_SECONDS", 0.5)

    with psycopg.connect(address(connection.settings_dict["NAME"])) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [migrate.ADVISORY_KEY])

        with pytest.raises(CommandError, match="Another migration has been running"):
            call_command("migrate")


@pytest.mark.django_db
def test_a_server_that_is_too_old_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(migrate, "OLDEST", 990_000)

    with pytest.raises(CommandError, match="is too old; Countersign needs 15 or newer"):
        migrate.refuse_old_server(connection=connection)


def test_migrations_run_as_the_owner_where_one_is_named(settings, monkeypatch):
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://the_owner@/here?host=/there")
    before = dict(connections["default"].settings_dict)
    settings.TESTING = False
    try:
        migrate.become_owner(alias="default")
        now = connections["default"].settings_dict
        assert (now["USER"], now["NAME"], now["HOST"]) == ("the_owner", "here", "/there")
    finally:
        connections["default"].settings_dict.clear()
        connections["default"].settings_dict.update(before)
