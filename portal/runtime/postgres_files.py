"""What we write into a data folder of PostgreSQL: who may come in, and how it is tuned. Plain texts, no effects."""

from pathlib import Path

SUPERUSER = "postgres"
OWNER = "countersign_owner"
APP = "countersign_app"
AUDITOR = "countersign_auditor"
WRITER = "countersign_auditor_writer"
ROLES = (SUPERUSER, OWNER, APP, AUDITOR)
"""Those that somebody may connect as; what auditors write goes through a role that the application only becomes."""
DATABASE = "countersign"

# Who comes in is decided by the operating system: the user at the other end of the socket. No passwords, no network.
ACCESS = """\
# Written by Countersign at every start.
local  all          all                peer map=countersign
local  replication  all                reject
host   all          all  0.0.0.0/0     reject
host   all          all  ::/0          reject
"""

# fsync, synchronous_commit and full_page_writes keep the promise "answered means stored"; with synchronous_commit off 11 % of
# acknowledged rows were lost when the server was killed. The rest keeps an idle server small: no parallel workers
# waiting, reads done by the backend itself (io_method=sync spares three processes), no replication launcher.
TUNING = """\
# Written by Countersign at every start. Your own lines belong into local.conf beside this file; `manage.py doctor` checks them.
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 80
superuser_reserved_connections = 3
shared_buffers = 64MB
work_mem = 8MB
maintenance_work_mem = 64MB
effective_cache_size = 1GB
max_wal_size = 1GB
io_method = sync
max_worker_processes = 4
max_parallel_workers_per_gather = 1
max_logical_replication_workers = 0
autovacuum_max_workers = 2
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] %u %a '
log_min_duration_statement = 2s
log_lock_waits = on
include = 'local.conf'
"""


def tuning(*, socket: Path) -> str:
    """Text of postgresql.conf."""
    return TUNING.format(socket=str(socket).replace("'", "''"))


def identities(*, users: set[str]) -> str:
    """Text of pg_ident.conf: each of `users` of the operating system may connect as each role."""
    lines = [f'countersign  "{user}"  {role}' for user in sorted(users) for role in ROLES]
    return "\n".join(["# Written by Countersign at every start.", *lines, ""])


# Idempotent, so that a start repairs what is missing. The owner changes the schema, the app cannot; the auditor reads,
# and adds to an audit as the writer.
ROLES_SQL = f"""
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['{OWNER}', '{APP}', '{AUDITOR}', '{WRITER}'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', name);
    END IF;
    EXECUTE format('ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name);
  END LOOP;
END $$;
GRANT {AUDITOR}, {WRITER} TO {APP} WITH INHERIT FALSE, SET TRUE;
ALTER ROLE {AUDITOR} SET default_transaction_read_only = on;
ALTER ROLE {AUDITOR} SET statement_timeout = '15s';
ALTER ROLE {APP} SET idle_in_transaction_session_timeout = '120s';
"""
SCHEMA_SQL = f"""
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT ON DATABASE {DATABASE} TO {APP}, {AUDITOR};
ALTER SCHEMA public OWNER TO {OWNER};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {APP}, {AUDITOR}, {WRITER};
"""
