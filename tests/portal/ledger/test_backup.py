"""Copies of the database: made in one snapshot, restored into another database, proven there by counts and by the ledger."""

import json
import os
import stat
import time
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from psycopg.conninfo import make_conninfo

from portal.ledger.models import LedgerLeaf
from portal.runtime import backup, tasks
from tests.pace import SHARED
from tests.portal.ledger.conftest import AT

pytestmark = pytest.mark.django_db(transaction=True)


def address(name):
    settings = connection.settings_dict
    return make_conninfo(dbname=name, user=settings["USER"], host=settings["HOST"], port=settings["PORT"] or None)


@pytest.fixture
def second():
    """The name of an empty database beside the one of the tests."""
    name = f"restored_{os.getpid()}"
    with psycopg.connect(address("postgres"), autocommit=True) as line:
        line.execute(f"DROP DATABASE IF EXISTS {name}")
        line.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield name
    with psycopg.connect(address("postgres"), autocommit=True) as line:
        line.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def standing_in(name):
    """The portal of this process works on that database."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def test_a_copy_is_restored_with_every_row_and_a_ledger_that_verifies(opened, sealed, second, tmp_path, monkeypatch, capsys):
    """And what is not the copy that was made, or not an empty database, is refused."""
    here = connection.settings_dict["NAME"]
    opened()
    head = sealed()
    monkeypatch.setenv("DATABASE_URL", address(here))
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    call_command("backup", tmp_path / "copies")
    [copy] = backup.copies(folder=tmp_path / "copies")
    described = backup.read(copy=copy)
    entries = LedgerLeaf.objects.count()
    assert described.ledger == (head.size, bytes(head.root).hex())
    assert described.tables["portal_ledgerleaf"] == entries > 0
    assert described.tables["changes_change"] == 1
    assert [stat.S_IMODE(path.stat().st_mode) for path in (copy.parent, copy)] == [0o700, 0o600]

    with pytest.raises(CommandError, match="The database is not empty"):
        call_command("restore", copy)
    monkeypatch.setenv("DATABASE_URL", address(second))
    with standing_in(second):
        call_command("restore", copy)
        assert LedgerLeaf.objects.count() == entries
        with connection.cursor() as cursor, pytest.raises(DatabaseError):
            cursor.execute("DELETE FROM portal_ledgerleaf")
    said = capsys.readouterr().out
    assert f"The ledger verifies: {entries} entries, 1 checkpoints." in said
    assert "all counts equal" in said

    copy.write_bytes(copy.read_bytes()[:-1])
    with pytest.raises(CommandError, match="not the file that was described"):
        call_command("restore", copy)
    backup.description_of(copy).write_text("{}")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("restore", copy)


def test_a_copy_that_fails_leaves_nothing_and_rows_that_are_missing_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "program", lambda *, name, embedded: "/bin/false")
    with pytest.raises(backup.BackupTrouble, match="pg_dump failed"):
        backup.make(url=address(connection.settings_dict["NAME"]), folder=tmp_path, at=AT)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(backup.BackupTrouble, match="could not be read"):
        backup.make(url="host=/nonexistent", folder=tmp_path, at=AT)
    with pytest.raises(backup.BackupTrouble, match="Neither"):
        backup.address(env={})

    described = backup.Description("2026", "d", 1, 18, {"a": 1, "b": 2}, None, 1)
    monkeypatch.setattr(backup, "read", lambda *, copy: described)
    monkeypatch.setattr(backup, "_run", lambda *arguments, **options: None)
    monkeypatch.setattr(backup, "_counts", lambda line: {"a": 1, "b": 1, "c": 0})
    monkeypatch.setattr(backup, "_head", lambda line: (7, "ff"))
    with pytest.raises(backup.BackupTrouble, match="the rows of b, c are not"):
        backup.restore(url=address("template1"), copy=tmp_path)
    monkeypatch.setattr(backup, "_counts", lambda line: {"a": 1, "b": 2})
    with pytest.raises(backup.BackupTrouble, match=r"the ledger ends with \(7, 'ff'\), and ended with None"):
        backup.restore(url=address("template1"), copy=tmp_path)


def test_a_copy_that_takes_longer_than_the_role_may_idle_is_made_and_what_killed_ones_left_is_removed(tmp_path, monkeypatch):
    old, young = (tmp_path / f"{backup.STEM}{name}.part" for name in ("old", "young"))
    for path, age in ((old, timedelta(hours=25)), (young, timedelta(hours=23))):
        path.write_text("x")
        os.utime(path, ((AT - age).timestamp(),) * 2)

    def dump(name, arguments, *, url):
        time.sleep(0.6 * SHARED)

    monkeypatch.setattr(backup, "_run", dump)
    url = make_conninfo(
        address(connection.settings_dict["NAME"]), options=f"-c idle_in_transaction_session_timeout={300 * SHARED:.0f}"
    )
    copy = backup.make(url=url, folder=tmp_path, at=AT)

    assert {path.name for path in tmp_path.iterdir()} == {copy.name, backup.description_of(copy).name, young.name}


def test_whatever_ends_a_copy_its_half_is_gone(tmp_path, monkeypatch):
    def interrupted(name, arguments, *, url):
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        backup.make(url=address(connection.settings_dict["NAME"]), folder=tmp_path, at=AT)
    assert list(tmp_path.iterdir()) == []


def test_each_night_one_copy_where_a_folder_is_named_and_the_newest_stay(settings, tmp_path, monkeypatch):
    made = []

    def make(*, url, folder, at):
        path = folder / f"{backup.STEM}{len(made)}.dump"
        path.write_text("x")
        backup.description_of(path).write_text(json.dumps({}))
        made.append(path)

    monkeypatch.setattr(backup, "make", make)
    tasks.back_up()
    assert made == []

    settings.BACKUP_FOLDER, settings.BACKUP_KEEP = str(tmp_path), 2
    for _ in range(2):
        tasks.back_up()
    assert len(made) == 1, "a young copy is enough"
    for _ in range(3):
        old = made[-1].stat().st_mtime - timedelta(hours=24).total_seconds()
        os.utime(made[-1], (old, old))
        tasks.back_up()
    assert len(made) == 4
    assert backup.copies(folder=tmp_path) == [made[3], made[2]]
    assert backup.thin_out(folder=tmp_path, keep=0) == [made[2]], "one always stays"


@pytest.mark.parametrize("embedded", [True, False])
def test_an_embedded_server_is_copied_by_its_own_program_another_by_the_systems(embedded, monkeypatch):
    monkeypatch.setattr(backup.shutil, "which", lambda name: f"/usr/bin/{name}")

    found = backup.program(name="pg_dump", embedded=embedded)

    assert found.endswith("/pg_dump")
    assert (found == "/usr/bin/pg_dump") is not embedded
