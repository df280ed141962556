"""The embedded PostgreSQL 18: made, started, asked and stopped by us.

Only a Unix socket in a closed folder; who may connect is decided by the user of the operating system; alive means that it answered
`SELECT 1`. State plainly: portal and database of one machine are reached by the same user, so the separate roles
protect from mistakes and injected SQL, not from somebody who has become that user.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from portal.runtime import account as accounts
from portal.runtime import leftovers, postgres_files, programs
from portal.runtime.account import Account
from portal.runtime.places import SOCKET_NAME, Places, make, socket_folder

# Crash recovery after 1 GB of log took longer than 10 s; the wheel's own wrapper gives up there.
START_SECONDS = 120.0
UNREACHABLE_BASE = Path("/var/lib/countersign")


class DatabaseTrouble(Exception):
    """PostgreSQL could not be made, started or asked. The message ends with its own words."""


@dataclass(frozen=True)
class Postgres:
    """One server: data folder, folder of the socket, folder of the programs, and the user that it runs as."""

    home: Path
    socket: Path
    programs: Path
    account: Account | None

    def command(self) -> list[str]:
        """Arguments that run the server in the foreground."""
        return [str(self.programs / "postgres"), "-D", str(self.home)]

    def url(self, *, role: str, database: str = postgres_files.DATABASE) -> str:
        """Connection URL as libpq and Django's settings read it."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket), safe='')}"

    def answers(self) -> bool:
        """Whether a connection and `SELECT 1` work now; looks for at most 3 seconds."""
        try:
            return self.ask(text="SELECT 1", database="postgres", seconds=3.0) == "1"
        except DatabaseTrouble:
            return False

    def ask(self, *, text: str, database: str = postgres_files.DATABASE, seconds: float = 60.0) -> str:
        """Run SQL as the superuser and give back its output, unaligned. Raises DatabaseTrouble."""
        psql = [str(self.programs / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.socket), "-d", database]
        return _run(argv=[*psql, "-U", postgres_files.SUPERUSER, "-c", text], account=None, seconds=seconds)

    def make_ready(self) -> None:
        """Before every start: make the data folder if there is none, write our files, clear what a killed server left."""
        if not (self.home / "PG_VERSION").exists():
            self._initialise()
        leftovers.clear(home=self.home, socket=self.socket)
        users = {accounts.our_name()} | ({self.account.name} if self.account else set())
        self._write(name="pg_hba.conf", text=postgres_files.ACCESS)
        self._write(name="pg_ident.conf", text=postgres_files.identities(users=users))
        self._write(name="postgresql.conf", text=postgres_files.tuning(socket=self.socket))
        if not (self.home / "local.conf").exists():
            self._write(name="local.conf", text="# Your own settings; read last.\n")

    def make_roles(self) -> None:
        """Roles, database and who owns them; changes nothing where all is as it should be."""
        self.ask(text=postgres_files.ROLES_SQL, database="postgres")
        known = self.ask(text="SELECT datname FROM pg_database", database="postgres").split()
        if postgres_files.DATABASE not in known:
            self.ask(text=f"CREATE DATABASE {postgres_files.DATABASE} OWNER {postgres_files.OWNER}", database="postgres")
        self.ask(text=postgres_files.SCHEMA_SQL)

    def wait(self, *, alive: Callable[[], bool], nap: Callable[[float], None] = time.sleep) -> None:
        """Wait until it answers; `alive` says whether the process is still there. Raises DatabaseTrouble after 120 s."""
        deadline = time.monotonic() + START_SECONDS
        while not (self.socket / SOCKET_NAME).exists() or not self.answers():
            if not alive():
                raise DatabaseTrouble("PostgreSQL ended while starting.")
            if time.monotonic() > deadline:
                raise DatabaseTrouble(f"PostgreSQL did not answer within {START_SECONDS:.0f} s.")
            nap(0.03)

    def _initialise(self) -> None:
        """Make the data folder under another name first, so that one cut short is never taken for whole."""
        half = self.home.with_name(f"{self.home.name}.new")
        shutil.rmtree(half, ignore_errors=True)
        make(path=half, mode=0o700)
        if self.account:
            os.chown(half, self.account.uid, self.account.gid)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        login = ["-U", postgres_files.SUPERUSER, "--auth-local=peer", "--auth-host=reject"]
        initdb = [str(self.programs / "initdb"), "-D", str(half), *login, *locale, "--data-checksums", "--no-instructions"]
        _run(argv=initdb, account=self.account, seconds=START_SECONDS)
        half.rename(self.home)

    def _write(self, *, name: str, text: str) -> None:
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def locate(*, places: Places) -> Postgres:
    """The server of a data folder. Where the database's user cannot pass (root's own closed folder), it lives in /var/lib."""
    account = accounts.for_database(home=places.database)
    base = places.data
    elsewhere = UNREACHABLE_BASE / places.mark
    moved = (elsewhere / "postgres").exists() and not places.database.exists()
    if account and (moved or not accounts.can_reach(account=account, path=places.data)):
        base = elsewhere
        make(path=UNREACHABLE_BASE, mode=0o711)
        make(path=base, mode=0o711)
        make(path=base / "run", mode=0o711)
        account = accounts.for_database(home=base / "postgres")
    uid, gid = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
    socket = socket_folder(wanted=base / "run" / "postgres", name=f"{SOCKET_NAME}.lock", mark=places.mark, uid=uid, gid=gid)
    return Postgres(
        home=base / "postgres",
        socket=socket,
        programs=programs.for_account(account=account, spare=base / "programs"),
        account=account,
    )


def _run(*, argv: list[str], account: Account | None, seconds: float) -> str:
    """Run one of PostgreSQL's programs with a clean environment and give back what it printed."""
    who = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGCONNECT_TIMEOUT": "3"}
    try:
        done = subprocess.run(argv, env=env, cwd="/", capture_output=True, text=True, timeout=seconds, check=False, **who)  # type: ignore[call-overload]  # the three go together or not at all
    except subprocess.TimeoutExpired as late:
        raise DatabaseTrouble(f"{Path(argv[0]).name} took longer than {seconds:.0f} s.") from late
    if done.returncode != 0:
        raise DatabaseTrouble(f"{Path(argv[0]).name} failed: {done.stderr.strip()}")
    return str(done.stdout.strip())
