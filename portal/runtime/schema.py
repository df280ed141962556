"""Says whether the embedded database was migrated by this very code, so that a second start need not load Django to find out."""

import hashlib

from portal.runtime.places import ROOT
from portal.runtime.postgres import DatabaseTrouble, Postgres
from portal.runtime.postgres_files import DATABASE

_APPS = ("portal", "changes", "audits")


def is_current(*, server: Postgres) -> bool:
    """Whether the last migration was done by this code and no row of the record of migrations came or went since."""
    ask = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    return server.ask(text=ask) == _stamp(server=server)


def mark_current(*, server: Postgres) -> None:
    """Keep the stamp in the database itself: a restored copy does not have it."""
    server.ask(text=f"COMMENT ON DATABASE {DATABASE} IS '{_stamp(server=server)}'")


def _stamp(*, server: Postgres) -> str:
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for app in _APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            digest.update(path.read_bytes())
    try:
        rows = server.ask(text="SELECT count(*) FROM django_migrations")
    except DatabaseTrouble:
        rows = "none"
    return f"migrated by code {digest.hexdigest()[:32]}, {rows} migrations"
