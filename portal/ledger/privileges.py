"""Who may do what in the database: the owner migrates, the application writes, auditors read. SQL text; pure.

What auditors add to an audit goes through a fourth role, which inserts into the tables declared for it and nothing else. The
roles cannot log in by themselves; whoever runs the portal gives a login to them, or makes its logins members.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

OWNER = "countersign_owner"
APP = "countersign_app"
AUDITOR = "countersign_auditor"
WRITER = "countersign_auditor_writer"
ROLES = (OWNER, APP, AUDITOR, WRITER)
TAKEN = (AUDITOR, WRITER)
"""Roles that a request of an auditor takes, for which the application's role must be a member."""


@dataclass(frozen=True)
class Table:
    """One table of the schema and what the roles get on it."""

    name: str
    app: str
    """Privileges of the application, for example ``SELECT, INSERT``."""
    auditor: str
    """``SELECT``, ``SELECT (id, name)`` or nothing."""
    writer: bool = False
    """Whether an auditor's few writes may insert here, besides what the auditor may read."""


def make_roles(missing: Collection[str]) -> Iterator[str]:
    """Statements that need the right to make roles. Another database of the cluster may run them at the same moment."""
    for role in ROLES:
        if role in missing:
            yield f"CREATE ROLE {role} NOLOGIN"


def membership() -> Iterator[str]:
    """The application's role may become the auditors' two."""
    for role in TAKEN:
        yield f"GRANT {role} TO {APP}"


def own(schema: str, relations: Collection[str], functions: Collection[str]) -> Iterator[str]:
    """Statements by which a superuser hands everything to the owner's role."""
    yield f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {OWNER}"
    for name in relations:
        yield f"ALTER TABLE {schema}.{name} OWNER TO {OWNER}"
    for signature in functions:
        yield f"ALTER FUNCTION {signature} OWNER TO {OWNER}"


def later_tables(schema: str, owners: Collection[str]) -> Iterator[str]:
    """What the application gets on tables that a later migration makes, until the guards are installed again."""
    for owner in owners:
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT"
        yield f"{head} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP}"
        yield f"{head} USAGE, SELECT ON SEQUENCES TO {APP}"


def grants(
    schema: str, tables: Collection[Table], callable_by_app: Collection[str], callable_by_writer: Collection[str]
) -> Iterator[str]:
    """What the application and the auditors may do from now on; what they had before is taken away."""
    yield f"GRANT USAGE ON SCHEMA {schema} TO {APP}, {AUDITOR}, {WRITER}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {APP}"
    for table in tables:
        yield f"REVOKE ALL ON {schema}.{table.name} FROM PUBLIC, {APP}, {AUDITOR}, {WRITER}"
        yield f"GRANT {table.app} ON {schema}.{table.name} TO {APP}"
        if table.auditor:
            yield f"GRANT {table.auditor} ON {schema}.{table.name} TO {AUDITOR}, {WRITER}"
        if table.writer:
            yield f"GRANT INSERT ON {schema}.{table.name} TO {WRITER}"
    for signature in callable_by_app:
        yield f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC"
        yield f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}"
    for signature in callable_by_writer:
        yield f"GRANT EXECUTE ON FUNCTION {signature} TO {WRITER}"
