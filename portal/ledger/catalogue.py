"""One look at PostgreSQL's catalogue: what is there of roles, tables, triggers and functions of the guards."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from portal.ledger import privileges, triggers

LOOK = """
SELECT json_build_object(
    'schema', current_schema(),
    'user', current_user,
    'superuser', r.rolsuper,
    'makes_roles', r.rolsuper OR r.rolcreaterole,
    'roles', (SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_roles WHERE rolname = ANY(%(roles)s)),
    'member', (
        SELECT count(DISTINCT m.roleid) FROM pg_auth_members m JOIN pg_roles taken ON taken.oid = m.roleid
        WHERE taken.rolname = ANY(%(taken)s) AND m.member = to_regrole(%(app)s)
    ) = cardinality(%(taken)s::text[]),
    'tables', (
        SELECT coalesce(json_object_agg(c.relname, json_build_object(
            'owner', pg_get_userbyid(c.relowner),
            'columns', (
                SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            )) ORDER BY c.relname), '{}')
        FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    ),
    'triggers', (
        SELECT coalesce(json_object_agg(c.relname || '.' || t.tgname,
            json_build_object('enabled', t.tgenabled, 'definition', pg_get_triggerdef(t.oid))), '{}')
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgname LIKE %(prefix)s
    ),
    'bodies', (
        SELECT coalesce(json_object_agg(p.proname, p.prosrc), '{}') FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE ANY(%(functions)s)
    ),
    'note', obj_description(to_regprocedure(current_schema() || '.' || %(append)s), 'pg_proc')
) FROM pg_roles r WHERE r.rolname = current_user
"""


@dataclass(frozen=True)
class Seen:
    """What the catalogue says. ``note`` is what the last installation wrote down about itself."""

    schema: str
    user: str
    superuser: bool
    makes_roles: bool
    roles: frozenset[str]
    member: bool
    owners: dict[str, str]
    columns: dict[str, list[str]]
    enabled: dict[str, str]
    """``table.trigger`` -> A (always), O (origin), D (disabled)."""
    definitions: dict[str, str]
    bodies: dict[str, str]
    note: str


def look(connection: BaseDatabaseWrapper) -> Seen:
    """Read the catalogue. One query."""
    values: dict[str, Any] = {
        "roles": list(privileges.ROLES),
        "taken": list(privileges.TAKEN),
        "app": privileges.APP,
        "prefix": triggers.PREFIX.replace("_", r"\_") + "%",
        "functions": [r"portal\_ledger\_%", r"portal\_evidence\_%"],
        "append": triggers.APPEND,
    }
    with connection.cursor() as cursor:
        cursor.execute(LOOK, values)
        found: Any = cursor.fetchone()
    return _read(found[0] if isinstance(found[0], dict) else json.loads(found[0]))


def _read(found: dict[str, Any]) -> Seen:
    return Seen(
        schema=found["schema"],
        user=found["user"],
        superuser=found["superuser"],
        makes_roles=found["makes_roles"],
        roles=frozenset(found["roles"]),
        member=found["member"],
        owners={name: table["owner"] for name, table in found["tables"].items()},
        columns={name: table["columns"] for name, table in found["tables"].items()},
        enabled={name: trigger["enabled"] for name, trigger in found["triggers"].items()},
        definitions={name: trigger["definition"] for name, trigger in found["triggers"].items()},
        bodies=found["bodies"],
        note=found["note"] or "",
    )
