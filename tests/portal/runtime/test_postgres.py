"""The wrapper around PostgreSQL: who gets in, and what a killed server leaves behind."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from portal.runtime import account, leash, leftovers, postgres, programs
from portal.runtime.places import Places, lay_out
from portal.runtime.postgres_files import APP, AUDITOR, OWNER, SUPERUSER, identities
from tests.pace import SHARED
from tests.stack import is_alive, temporary_folder, wait_for

pytestmark = pytest.mark.xdist_group("postgres")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")


class Server:
    """A PostgreSQL in a folder, started as the supervisor does it."""

    def __init__(self, *, places):
        self.places = places
        self.server = postgres.locate(places=places)
        self.process = None

    def start(self):
        self.server.make_ready()
        with (self.places.log / "postgres.log").open("ab") as log:
            self.process = leash.spawn(
                argv=self.server.command(), env={"LC_ALL": "C"}, log=log, orphaned=signal.SIGINT, account=self.server.account
            )
        self.server.wait(alive=lambda: self.process.poll() is None)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30 * SHARED)


@pytest.fixture(scope="module")
def server():
    folder = temporary_folder()
    places = Places(folder / "data")
    lay_out(places=places)
    running = Server(places=places).start()
    running.server.make_roles()
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def restart(server):
    """The server again after each test that took it down."""
    yield server
    if server.process.poll() is not None:
        server.start()


def as_nobody(command):
    who = pwd.getpwnam("nobody")
    return subprocess.run(
        command, user=who.pw_uid, group=who.pw_gid, extra_groups=[], cwd="/", capture_output=True, text=True, check=False
    )


def test_the_data_folder_and_the_socket_are_closed(server):
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (server.server.home, server.server.socket)]

    assert modes == [0o700, 0o700]


def test_it_listens_on_no_port_and_writes_everything_down(server):
    wanted = ("listen_addresses", "fsync", "synchronous_commit", "full_page_writes", "data_checksums", "jit", "random_page_cost")

    assert [server.server.ask(text=f"SHOW {name}", database="postgres") for name in wanted] == [
        "",
        "on",
        "on",
        "on",
        "on",
        "off",
        "1.1",
    ]


@pytest.mark.parametrize("role", [SUPERUSER, OWNER, APP, AUDITOR])
def test_we_get_in_as_each_role(server, role):
    with psycopg.connect(server.server.url(role=role)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (role,)


def test_the_owner_owns_database_and_schema_and_nobody_else_may_create(server):
    ask = server.server.ask

    assert ask(text="SELECT datdba::regrole FROM pg_database WHERE datname = current_database()") == OWNER
    assert ask(text="SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'") == OWNER
    with psycopg.connect(server.server.url(role=APP)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE public.mine (id int)")


def test_no_role_of_ours_has_powers(server):
    powers = "rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls"
    rows = server.server.ask(text=f"SELECT rolname FROM pg_roles WHERE rolname LIKE 'countersign%' AND ({powers})")

    assert rows == ""


def test_the_application_becomes_an_auditor_only_when_it_says_so(server):
    server.server.ask(text=f"CREATE TABLE IF NOT EXISTS shown (id int); GRANT SELECT ON shown TO {AUDITOR}")

    with psycopg.connect(server.server.url(role=APP)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT * FROM shown")
        with connection.transaction():
            connection.execute(f"SET LOCAL ROLE {AUDITOR}")
            assert connection.execute("SELECT * FROM shown").fetchall() == []


def test_making_the_roles_again_changes_nothing(server):
    server.server.make_roles()

    assert server.server.ask(text="SELECT count(*) FROM pg_roles WHERE rolname LIKE 'countersign%'") == "4"


@as_root
@pytest.mark.parametrize("role", [SUPERUSER, APP])
def test_another_user_of_the_machine_cannot_connect(server, role):
    psql = str(
        programs.for_account(account=account.Account("nobody", 65534, 65534), spare=server.places.data / "programs") / "psql"
    )

    done = as_nobody([psql, server.server.url(role=role), "-c", "SELECT 1"])

    assert done.returncode != 0
    assert "Permission denied" in done.stderr


@as_root
def test_even_with_the_folder_open_the_server_refuses_another_user(server):
    """The second lock: peer authentication, should somebody open the folder of the socket."""
    psql = str(
        programs.for_account(account=account.Account("nobody", 65534, 65534), spare=server.places.data / "programs") / "psql"
    )
    path = server.server.socket
    path.chmod(0o711)
    (path / ".s.PGSQL.5432").chmod(0o777)
    try:
        done = as_nobody([psql, server.server.url(role=SUPERUSER), "-c", "SELECT 1"])
    finally:
        (path / ".s.PGSQL.5432").chmod(0o700)
        path.chmod(0o700)

    assert done.returncode != 0
    assert "Peer authentication failed" in done.stderr


def test_only_the_named_users_are_in_the_map():
    lines = [line.split() for line in identities(users={"root", "we ird"}).splitlines() if not line.startswith("#")]

    assert {(line[0], line[-1]) for line in lines} == {("countersign", role) for role in (SUPERUSER, OWNER, APP, AUDITOR)}
    assert sum('"root"' in line for line in lines) == 4


def test_a_killed_server_starts_again_and_keeps_what_it_acknowledged(restart):
    restart.server.ask(text="CREATE TABLE IF NOT EXISTS kept (id int); INSERT INTO kept VALUES (1)")
    restart.kill()

    restart.start()

    assert restart.server.ask(text="SELECT count(*) FROM kept") == "1"
    restart.server.ask(text="DROP TABLE kept")


def test_children_of_a_killed_server_that_are_busy_are_cleared_away(restart):
    """A backend that calculates does not notice that its postmaster is gone, and keeps the next one from starting."""
    busy = [
        str(restart.server.programs / "psql"),
        restart.server.url(role=SUPERUSER),
        "-c",
        "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$",
    ]
    client = subprocess.Popen(busy, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'"
    wait_for(lambda: restart.server.ask(text=active, database="postgres") == "1", what="the busy query")
    restart.kill()

    restart.start()

    assert client.wait(timeout=20 * SHARED) != 0
    assert restart.server.answers()


@pytest.mark.parametrize("text", ["", "12", "garbage\n", "99999999\n/nowhere\n"])
def test_a_pid_file_cut_short_does_not_keep_it_from_starting(restart, text):
    restart.kill()
    wait_for(lambda: not leftovers.running(home=restart.server.home), what="the end of its children")
    (restart.server.home / "postmaster.pid").write_text(text)

    restart.start()

    assert restart.server.answers()


def test_a_pid_that_another_program_has_by_now_does_not_keep_it_from_starting(restart):
    file = restart.server.home / "postmaster.pid"
    lock = restart.server.socket / ".s.PGSQL.5432.lock"
    restart.kill()
    wait_for(lambda: not leftovers.running(home=restart.server.home), what="the end of its children")
    for path in (file, lock):
        rest = path.read_text().split("\n", 1)[1]
        path.write_text(f"{os.getpid()}\n{rest}")

    restart.start()

    assert restart.server.answers()
    assert is_alive(os.getpid())


def test_a_server_that_lost_its_supervisor_is_shut_down_before_the_next_start(restart):
    before = restart.process

    leftovers.clear(home=restart.server.home, socket=restart.server.socket)

    assert before.wait(timeout=5 * SHARED) == 0
    assert "database system is shut down" in (restart.places.log / "postgres.log").read_text()


def test_a_server_that_hangs_is_killed_in_the_end(restart):
    os.kill(restart.process.pid, signal.SIGSTOP)

    leftovers.clear(home=restart.server.home, socket=restart.server.socket, patience=0.5)

    restart.process.wait(timeout=5 * SHARED)
    assert leftovers.running(home=restart.server.home) == []


def test_a_frozen_server_does_not_count_as_alive(server):
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert not server.server.answers()
        assert time.monotonic() - began < 6 * SHARED
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert server.server.answers()


def test_a_data_folder_cut_short_while_being_made_is_made_again(folder):
    places = Places(folder / "data")
    lay_out(places=places)
    half = places.data / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    again = Server(places=places).start()
    try:
        assert again.server.answers()
        assert not half.exists()
    finally:
        again.stop()


def test_what_postgresql_says_is_passed_on(server):
    with pytest.raises(postgres.DatabaseTrouble, match='relation "nothing" does not exist'):
        server.server.ask(text="SELECT * FROM nothing")


def test_a_long_path_gets_a_short_socket_and_works(folder):
    places = Places(folder / ("long" * 30) / "data")
    lay_out(places=places)
    if os.geteuid() == 0:
        places.data.parent.chmod(0o711)
    started = Server(places=places).start()
    try:
        started.server.make_roles()
        assert len(str(started.server.socket)) < 60
        assert stat.S_IMODE(started.server.socket.stat().st_mode) == 0o700
        with psycopg.connect(started.server.url(role=APP)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        started.stop()
        shutil.rmtree(started.server.socket, ignore_errors=True)


@as_root
def test_a_folder_that_the_database_user_cannot_pass_stays_closed(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    places = Places(closed / "data")
    lay_out(places=places)
    started = Server(places=places).start()
    elsewhere = postgres.UNREACHABLE_BASE / places.mark
    try:
        assert started.server.home == elsewhere / "postgres"
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert stat.S_IMODE(started.server.home.stat().st_mode) == 0o700
        started.stop()
        closed.chmod(0o711)
        assert postgres.locate(places=places).home == started.server.home, "found again when the folder has been opened"
    finally:
        started.stop()
        shutil.rmtree(elsewhere, ignore_errors=True)


@as_root
def test_programs_out_of_reach_are_copied_and_work(folder, monkeypatch):
    """As when the checkout lies in root's own closed folder."""
    monkeypatch.setattr(programs, "can_reach", lambda **_: False)
    places = Places(folder / "data")
    lay_out(places=places)
    started = Server(places=places).start()
    try:
        assert started.server.programs.is_relative_to(places.data / "programs")
        assert started.server.ask(text="SELECT 1", database="postgres") == "1"
        again = programs.for_account(account=started.server.account, spare=places.data / "programs")
        assert again == started.server.programs
    finally:
        started.stop()


@as_root
def test_root_starts_what_an_ordinary_user_began_as_that_user(folder):
    home = folder / "postgres"
    home.mkdir()
    who = pwd.getpwnam("nobody")
    os.chown(home, who.pw_uid, who.pw_gid)

    assert account.for_database(home=home) == account.Account("nobody", who.pw_uid, who.pw_gid)


def test_programs_that_are_not_installed_are_said_in_words(monkeypatch):
    monkeypatch.setattr(programs, "PACKAGE", "no_such_package")

    with pytest.raises(programs.NoPrograms, match=r"\./bin/up"):
        programs.find()


def test_nothing_runs_in_a_folder_that_is_not_there():
    assert leftovers.running(home=Path("/nonexistent")) == []
