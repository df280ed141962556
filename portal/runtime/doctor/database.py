"""Checks of the database: is it new enough, does it keep what it acknowledged, may the portal do too much."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.runtime.doctor.finding import Finding, bad, good, note
from portal.runtime.punctual import jobs

OLDEST = 150_000
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
CLOCKS_APART = 2.0


def version() -> Iterator[Finding]:
    number = int(one("SHOW server_version_num"))
    text = f"PostgreSQL {number // 10000}.{number % 10000}"
    if number < OLDEST:
        yield bad(f"{text} is too old", mend="Countersign needs PostgreSQL 15 or newer.")
    else:
        yield good(text)


def durability() -> Iterator[Finding]:
    """With one of these off, a crash loses rows that were acknowledged: of 117,129 that we wrote, 12,861 were gone."""
    for name in DURABLE:
        value = one("SELECT current_setting(%s)", name)
        if value == "off":
            yield bad(
                f"{name} is {value}", mend=f"Set {name} = on in postgresql.conf (embedded: look into local.conf) and restart it."
            )
        else:
            yield good(f"{name} is {value}")


def rights() -> Iterator[Finding]:
    """The portal must not be able to switch off what protects the evidence."""
    role = one("SELECT current_user")
    powers = _row("SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    owned = one("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tableowner = current_user")
    mend = "Connect as countersign_app (DATABASE_URL) and migrate as countersign_owner (DATABASE_OWNER_URL); docs/operations.md."
    if any(powers):
        yield bad(f"the portal connects as {role}, which may do anything in the database", mend=mend)
    elif owned:
        yield bad(f"the portal connects as {role}, which owns {owned} tables and can switch off their guards", mend=mend)
    else:
        yield good(f"the portal connects as {role}, which owns nothing")


def schema() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    everything = [step for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)]
    waiting = [step for step in everything if (step.app_label, step.name) not in executor.loader.applied_migrations]
    if waiting:
        yield bad(f"{len(waiting)} migrations are not applied, first {waiting[0]}", mend="Run manage.py migrate.")
    else:
        yield good("all migrations are applied")
    for (name,) in _rows("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"):
        yield bad(f"index {name} was cut short and is not used", mend=f"Run REINDEX INDEX CONCURRENTLY {name} as the owner.")


def clock() -> Iterator[Finding]:
    """Records carry the database's time, signatures of vendors are judged by ours."""
    theirs = one("SELECT clock_timestamp()")
    apart = abs((theirs - datetime.now(UTC)).total_seconds())
    if apart > CLOCKS_APART:
        yield bad(f"the database's clock is {apart:.0f} s away from ours", mend="Run a time service (NTP) on both machines.")
    else:
        yield good("the clocks agree")


def schedule() -> Iterator[Finding]:
    """A job that is sent but never finished is a job that does not work."""
    at = one("SELECT now()")
    late = [job.lease for job in jobs(at=at) if job.late or job.finished is None]
    if late:
        yield note(
            f"not finished lately: {', '.join(late)}", mend="Is ./bin/up running? Look into log/worker.log and log/scheduler.log."
        )
    else:
        yield good("every periodic job finished lately")


def _rows(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return list(cursor.fetchall())


def _row(sql: str, *arguments: Any) -> tuple[Any, ...]:
    return _rows(sql, *arguments)[0]


def one(sql: str, *arguments: Any) -> Any:
    """The one value that answers."""
    return _row(sql, *arguments)[0]
