"""Copies of the database, and the way back: ``pg_dump`` and ``pg_restore`` round what makes a copy trustworthy.

Beside every copy lies a description: digest, rows of every table and the ledger's head, counted in the very snapshot that was
copied. Who restores compares them. Sessions are left out: a copy lets nobody in. Keys and anchors are not
in the database and are kept elsewhere.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from portal.runtime import programs

WITHOUT_ROWS = ("django_session", "usersessions_usersession")
"""Tables whose rows are not copied."""
LONGEST_SECONDS = 3500.0
HALF_KEPT = timedelta(days=1)
"""How long what is not finished may be the work of another process."""
STEM = "countersign-"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
HEAD = "SELECT size, encode(root, 'hex') FROM portal_ledgercheckpoint ORDER BY size DESC LIMIT 1"


class BackupTrouble(Exception):
    """A copy could not be made, read or restored. The message is for the person who asked for it."""


@dataclass(frozen=True)
class Description:
    """What a copy holds. ``ledger`` is the size and root of the last checkpoint; None without one."""

    made_at: str
    digest: str
    bytes: int
    server: int
    tables: Mapping[str, int]
    ledger: tuple[int, str] | None
    migrations: int


def address(*, env: Mapping[str, str]) -> str:
    """Who may read everything: a role of its own for copies, else the owner, else whom the portal works as."""
    found = next((env[name] for name in ("COUNTERSIGN_BACKUP_URL", "DATABASE_OWNER_URL", "DATABASE_URL") if env.get(name)), "")
    if not found:
        raise BackupTrouble("Neither COUNTERSIGN_BACKUP_URL nor DATABASE_URL is set.")
    return found


def make(*, url: str, folder: Path, at: datetime) -> Path:
    """A new copy in ``folder`` (made when missing), readable by us alone. Appears whole or not at all. Raises ``BackupTrouble``."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder, at)
    copy = folder / f"{STEM}{at:%Y%m%dT%H%M%SZ}.dump"
    half = copy.with_suffix(".part")
    try:
        with psycopg.connect(url, connect_timeout=10) as line:
            line.isolation_level, line.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
            # The snapshot lives as long as this transaction, idle while pg_dump reads: the application's role may be so for 120 s.
            line.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            snapshot = _one(line, "SELECT pg_export_snapshot()")
            os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            left_out = [f"--exclude-table-data={name}" for name in WITHOUT_ROWS]
            _run("pg_dump", ["--format=custom", f"--snapshot={snapshot}", *left_out, f"--file={half}"], url=url)
            described = _describe(line, half, at)
        description_of(copy).write_text(json.dumps(asdict(described), indent=1, sort_keys=True))
        half.rename(copy)
    except psycopg.Error as problem:
        raise BackupTrouble(f"The database could not be read: {problem}") from problem
    finally:
        half.unlink(missing_ok=True)
    return copy


def _sweep(folder: Path, at: datetime) -> None:
    """Remove what a copy left that was killed over a day ago."""
    for left in folder.glob(f"{STEM}*.part"):
        if left.stat().st_mtime < (at - HALF_KEPT).timestamp():
            left.unlink(missing_ok=True)


def restore(*, url: str, copy: Path) -> Description:
    """Bring a copy into an empty database; compare every count and the ledger's head. Raises ``BackupTrouble``: what differs."""
    described = read(copy=copy)
    with psycopg.connect(url, connect_timeout=10) as line:
        if line.execute(TABLES).fetchone():
            raise BackupTrouble("The database is not empty. Restore into a new one; nothing here is overwritten.")
    _run("pg_restore", ["--exit-on-error", "--no-owner", f"--dbname={conninfo_to_dict(url)['dbname']}", str(copy)], url=url)
    with psycopg.connect(url, connect_timeout=10) as line:
        found, head = _counts(line), _head(line)
    if found != described.tables:
        names = sorted(name for name in found.keys() | described.tables.keys() if found.get(name) != described.tables.get(name))
        raise BackupTrouble(f"Restored, but the rows of {', '.join(names)} are not as many as were copied.")
    if head != described.ledger:
        raise BackupTrouble(f"Restored, but the ledger ends with {head}, and ended with {described.ledger} when it was copied.")
    return described


def read(*, copy: Path) -> Description:
    """The description of a copy whose bytes are still the same. Raises ``BackupTrouble``."""
    try:
        said: dict[str, Any] = json.loads(description_of(copy).read_text())
        ledger = said.pop("ledger")
        described = Description(**said, ledger=(ledger[0], ledger[1]) if ledger else None)
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise BackupTrouble(f"{description_of(copy)} cannot be read: {problem}") from problem
    if not copy.is_file() or _digest(copy) != described.digest:
        raise BackupTrouble(f"{copy} is missing, or not the file that was described when it was made.")
    return described


def copies(*, folder: Path) -> list[Path]:
    """Whole copies in a folder, newest first."""
    return sorted((path for path in folder.glob(f"{STEM}*.dump") if description_of(path).exists()), reverse=True)


def thin_out(*, folder: Path, keep: int) -> list[Path]:
    """Delete all but the newest ``keep`` copies (at least one stays), and say which."""
    gone = copies(folder=folder)[max(1, keep) :]
    for copy in gone:
        copy.unlink()
        description_of(copy).unlink()
    return gone


def description_of(copy: Path) -> Path:
    """The file beside a copy."""
    return copy.with_suffix(".json")


def _describe(line: psycopg.Connection[Any], half: Path, at: datetime) -> Description:
    return Description(
        made_at=at.isoformat(),
        digest=_digest(half),
        bytes=half.stat().st_size,
        server=line.info.server_version,
        tables={name: 0 if name in WITHOUT_ROWS else count for name, count in _counts(line).items()},
        ledger=_head(line),
        migrations=int(_one(line, "SELECT count(*) FROM django_migrations")),
    )


def _head(line: psycopg.Connection[Any]) -> tuple[int, str] | None:
    row = line.execute(HEAD).fetchone()
    return (row[0], row[1]) if row else None


def _counts(line: psycopg.Connection[Any]) -> dict[str, int]:
    found = {}
    for (name,) in line.execute(TABLES).fetchall():
        row = line.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        found[name] = int(row[0]) if row else 0
    return found


def _one(line: psycopg.Connection[Any], question: str) -> Any:
    row = line.execute(question.encode()).fetchone()
    return row[0] if row else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(name: str, arguments: list[str], *, url: str) -> None:
    """One of PostgreSQL's programs. The address goes by its environment: a password among the arguments could be read by all."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    told = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    told |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}
    env |= {variable: parts[key] for key, variable in told.items() if parts.get(key)}
    argv = [program(name=name, embedded=parts.get("host", "").startswith("/")), "--no-password", *arguments]
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        raise BackupTrouble(f"{name} took longer than {LONGEST_SECONDS:.0f} s.") from late
    if done.returncode:
        raise BackupTrouble(f"{name} failed: {done.stderr.strip()}")


def program(*, name: str, embedded: bool) -> str:
    """The embedded server's own program for a socket; else the system's, which speaks TLS, while the package's does not.

    Raises ``BackupTrouble`` where there is neither.
    """
    system = shutil.which(name)
    try:
        own = str(programs.find() / name)
    except programs.NoPrograms as missing:
        if system:
            return system  # in the image, which has no server of its own
        raise BackupTrouble(f"{name} is not installed.") from missing
    return own if embedded or not system else system
