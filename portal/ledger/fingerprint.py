"""The schema's fingerprint: who owns what, who may do what, what else hangs on evidence tables; against what the code installs.

``guards.deviations`` compares triggers and functions; this looks at what they stand on. Whoever rules the database could give
rights away, make a function run with other rights, or hang a trigger, a rule or a policy of their own on a table.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from portal.ledger import guards, plan, privileges
from portal.ledger.catalogue import Seen, look
from portal.ledger.plan import Plan

GUARD = r"\w CREATE (CONSTRAINT )?TRIGGER evidence_\w+ .* EXECUTE FUNCTION (%s\.)?portal_evidence_\w+\(.*\)"
SEARCH = (
    r"\w CREATE TRIGGER search_\w+ AFTER \w+ ON \S+ REFERENCING [\w ]+ FOR EACH STATEMENT"
    r" EXECUTE FUNCTION (%s\.)?changes_search_follow\(\)"
)
"""The only triggers beside the guards: they look at what was written, and cannot change or swallow it."""
PRIVILEGE = re.compile(r"(\w+)(?: \(([^)]*)\))?")
LOOK = """
SELECT json_build_object(
    'tables', (
        SELECT json_object_agg(c.relname, json_build_object(
            'owner', pg_get_userbyid(c.relowner),
            'secured', c.relrowsecurity,
            'rules', (SELECT coalesce(json_agg(r.rulename ORDER BY 1), '[]') FROM pg_rewrite r WHERE r.ev_class = c.oid),
            'policies', (SELECT coalesce(json_agg(p.polname ORDER BY 1), '[]') FROM pg_policy p WHERE p.polrelid = c.oid),
            'triggers', (
                SELECT coalesce(
                    json_object_agg(t.tgname, concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid)) ORDER BY t.tgname), '{}'
                )
                FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
            ),
            'rights', (
                SELECT coalesce(json_agg(DISTINCT given), '[]') FROM (
                    SELECT concat_ws(' ', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
                        a.privilege_type, a.attname) AS given
                    FROM (
                        SELECT grantee, privilege_type, NULL AS attname FROM aclexplode(c.relacl)
                        UNION ALL SELECT x.grantee, x.privilege_type, n.attname
                        FROM pg_attribute n, aclexplode(n.attacl) x WHERE n.attrelid = c.oid AND NOT n.attisdropped
                    ) a WHERE a.grantee <> c.relowner
                ) rights
            )
        ) ORDER BY c.relname)
        FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    ),
    'functions', (
        SELECT json_object_agg(p.proname, json_build_object(
            'owner', pg_get_userbyid(p.proowner), 'definer', p.prosecdef, 'settings', coalesce(p.proconfig, '{}'),
            'text', pg_get_functiondef(p.oid)
        ) ORDER BY p.proname)
        FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE ANY(%(names)s)
    ),
    'twice', (
        SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM (
            SELECT p.proname AS name FROM pg_proc p
            WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE ANY(%(names)s)
            GROUP BY 1 HAVING count(*) > 1
        ) twice
    )
)
"""
FUNCTIONS = [r"portal\_ledger\_%", r"portal\_evidence\_%"]


@dataclass(frozen=True)
class Fingerprint:
    """``digest`` is SHA-256 over all that was seen, 64 hex digits; ``deviations`` say what is not as the code installs it."""

    digest: str
    deviations: tuple[str, ...]


def take(connection: BaseDatabaseWrapper) -> Fingerprint:
    """Look at the schema now. Two queries."""
    seen = look(connection)
    made = plan.make(guards.declared(), seen)
    with connection.cursor() as cursor:
        cursor.execute(LOOK, {"names": FUNCTIONS})
        row: Any = cursor.fetchone()
    found = row[0] if isinstance(row[0], dict) else json.loads(row[0])
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    return Fingerprint(digest, (*guards.deviations(made, seen), *deviations(made, seen, found)))


def deviations(made: Plan, seen: Seen, found: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each owner, right, rule, policy, trigger or setting that the code did not install."""
    tables, functions = found["tables"], found["functions"] or {}
    owner = tables["django_migrations"]["owner"]
    for name, table in tables.items():
        if table["owner"] != owner:
            yield f"table {name} belongs to {table['owner']} and not to {owner}"
    for name in sorted({trigger.split(".")[0] for trigger in made.triggers}):
        yield from _hung_on(name, tables[name], seen.schema)
    yield from (f"function {name} is there more than once, so that another one may be called" for name in found["twice"])
    for name in sorted(made.bodies.keys() & functions.keys()):
        yield from _function(name, functions[name], made, owner)
    if not set(privileges.ROLES) - seen.roles:
        for wanted in made.tables:
            yield from _rights(wanted, tables[wanted.name]["rights"])


def _hung_on(name: str, table: Mapping[str, Any], schema: str) -> Iterator[str]:
    for kind in ("rules", "policies"):
        yield from (f"table {name} has one of the {kind} that the code does not know: {thing}" for thing in table[kind])
    if table["secured"]:
        yield f"table {name} hides rows (row level security)"
    for thing, text in table["triggers"].items():
        if not any(re.fullmatch(known % re.escape(schema), text, re.DOTALL) for known in (GUARD, SEARCH)):
            yield f"trigger {name}.{thing} is not declared"


def _function(name: str, function: Mapping[str, Any], made: Plan, owner: str) -> Iterator[str]:
    head = next(text for text in _heads(made) if re.search(rf"FUNCTION \w+\.{name}\(", text))
    if function["owner"] != owner:
        yield f"function {name} belongs to {function['owner']} and not to {owner}"
    if function["definer"] != ("SECURITY DEFINER" in head):
        yield f"function {name} runs with other rights than the code gives it"
    settings = re.search(r"SET search_path = ([^\n]*?) AS \$", head)
    wanted = [f"search_path={settings[1]}"] if settings else []
    if [text.replace('"', "") for text in function["settings"]] != wanted:
        yield f"function {name} runs with other settings than the code gives it"


def _heads(made: Plan) -> Iterator[str]:
    """What stands in front of each function's body."""
    for text in made.functions:
        yield from re.findall(r"CREATE OR REPLACE FUNCTION .*? AS \$\w+\$", text, re.DOTALL)


def _rights(wanted: privileges.Table, given: list[str]) -> Iterator[str]:
    writer = [(privileges.WRITER, wanted.auditor), *([(privileges.WRITER, "INSERT")] if wanted.writer else [])]
    known = [(privileges.APP, wanted.app), (privileges.AUDITOR, wanted.auditor), *writer]
    expected = {f"{role} {right}" for role, text in known for right in _spelled(text)}
    yield from (f"somebody gave a right on {wanted.name}: {right}" for right in sorted(set(given) - expected))
    yield from (f"a right on {wanted.name} is missing: {right}" for right in sorted(expected - set(given)))


def _spelled(text: str) -> Iterator[str]:
    """``SELECT, INSERT`` or ``SELECT (id, name)`` as single rights."""
    for verb, columns in PRIVILEGE.findall(text) if "(" in text else [(verb.strip(), "") for verb in text.split(",")]:
        if columns:
            yield from (f"{verb} {column.strip()}" for column in columns.split(","))
        elif verb:
            yield verb
