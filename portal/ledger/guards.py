"""Puts into PostgreSQL what the apps declare: triggers, roles, privileges. Runs after every ``migrate``; code is the source.

Nothing here is a migration: the guards follow the code that is deployed, and a repaired declaration needs no history.
Cheap when nothing changed: one look at the catalogue.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import module_has_submodule

from portal.ledger import plan as plans
from portal.ledger import privileges, triggers
from portal.ledger.catalogue import Seen, look
from portal.ledger.evidence import Declared, EvidenceTable, Hidden, RowRule
from portal.ledger.plan import Plan

log = logging.getLogger(__name__)
INSTALLING = 6962
"""Key of the advisory lock under which one process at a time installs."""
TRIES = 5
"""Roles belong to the whole cluster: another database's migrate may be making them at this moment."""
CALLED_BY_APP = (triggers.APPEND, triggers.APPEND_MANY, triggers.ROW, triggers.REDACT)
CALLED_BY_WRITER = (triggers.APPEND, triggers.APPEND_MANY)


def declared() -> Declared:
    """What the apps declare, read from each ``<app>.evidence``."""
    modules = [
        import_module(f"{config.name}.evidence")
        for config in apps.get_app_configs()
        if config.module is not None and module_has_submodule(config.module, "evidence")
    ]
    tables: tuple[EvidenceTable, ...] = sum((module.EVIDENCE for module in modules), ())
    rules: tuple[RowRule, ...] = sum((module.RULES for module in modules), ())
    hidden: tuple[Hidden, ...] = sum((module.HIDDEN for module in modules), ())
    return Declared(tables, rules, hidden)


def after_migrate(sender: AppConfig, using: str = "default", **_: Any) -> None:
    """Receiver of Django's ``post_migrate``, which comes once for every app: acts on the last one."""
    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    if sender.label == last.label:
        install(connections[using])


def install(connection: BaseDatabaseWrapper) -> bool:
    """Bring triggers, functions and privileges up to date. True when something was done.

    Roles that cannot be made (a managed PostgreSQL) are left out with a warning; the triggers hold without them.
    """
    seen = look(connection)
    plan = plans.make(declared(), seen)
    if not deviations(plan, seen):
        return False
    _make_roles(connection, seen)
    with transaction.atomic(using=connection.alias):
        _run(connection, [f"SELECT pg_advisory_xact_lock({INSTALLING})"])
        seen = look(connection)
        _run(connection, [*plan.functions, *_old_triggers(seen), *_new_triggers(plan, seen)])
        _give_privileges(connection, plan, seen)
        note = _note(plan, look(connection)).replace("'", "''")
        _run(connection, [f"COMMENT ON FUNCTION {seen.schema}.{triggers.APPEND} IS '{note}'"])
    return True


def deviations(plan: Plan, seen: Seen) -> list[str]:
    """What in the database is not as the code says, one sentence each. Empty when all is well."""
    missing = [f"trigger {name} is missing" for name in plan.triggers if name not in seen.enabled]
    off = [f"trigger {name} is not ENABLE ALWAYS" for name, state in seen.enabled.items() if state != "A"]
    foreign = [f"trigger {name} is not declared" for name in seen.enabled if name not in plan.triggers]
    changed = [f"function {name} differs from the code" for name, body in plan.bodies.items() if seen.bodies.get(name) != body]
    note = [] if seen.note == _note(plan, seen) else ["tables, triggers or roles changed since the guards were installed"]
    return [*missing, *off, *foreign, *changed, *note]


def shortcomings(connection: BaseDatabaseWrapper) -> list[str]:
    """For ``manage.py doctor`` and the nightly check: what weakens the guards here, one sentence each."""
    seen = look(connection)
    plan = plans.make(declared(), seen)
    roles = [f"database role {role} does not exist" for role in privileges.ROLES if role not in seen.roles]
    unknown = [f"evidence table {label} is declared but not there" for label in plan.unknown]
    if seen.superuser or seen.user in {privileges.OWNER, *seen.owners.values()}:
        roles.append(f"this process is connected as {seen.user}, which may switch the triggers off; run it as {privileges.APP}")
    return [*deviations(plan, seen), *unknown, *roles]


def _note(plan: Plan, seen: Seen) -> str:
    """Fingerprint of what was installed, for what tables and roles. Kept as the comment of a function."""
    installed = [plan.functions, plan.triggers, [(t.name, t.app, t.auditor, t.writer) for t in plan.tables]]
    there = [sorted(seen.roles), seen.member, seen.columns, sorted(seen.definitions.items())]
    return "guards " + hashlib.sha256(json.dumps([installed, there], sort_keys=True).encode()).hexdigest()


def _make_roles(connection: BaseDatabaseWrapper, seen: Seen) -> None:
    missing = set(privileges.ROLES) - seen.roles
    if not missing and seen.member:
        return
    if not seen.makes_roles:
        log.warning("The roles %s are missing and %s may not make them.", ", ".join(sorted(missing)), seen.user)
        return
    for statement in (*privileges.make_roles(missing), *privileges.membership()):
        _try(connection, statement)


def _try(connection: BaseDatabaseWrapper, statement: str) -> None:
    """Run a statement about the whole cluster, which another database may be running too. Gives up with a warning."""
    problem: Error | None = None
    for _ in range(TRIES):
        try:
            with transaction.atomic(using=connection.alias):
                _run(connection, [statement])
        except Error as raised:
            problem = raised
            if "already exists" in str(raised):
                return
        else:
            return
    log.warning("%s: %s", statement, problem)


def _old_triggers(seen: Seen) -> list[str]:
    return [f"DROP TRIGGER {trigger} ON {seen.schema}.{table}" for table, trigger in (name.split(".") for name in seen.enabled)]


def _new_triggers(plan: Plan, seen: Seen) -> list[str]:
    enabling = [
        f"ALTER TABLE {seen.schema}.{table} ENABLE ALWAYS TRIGGER {trigger}"
        for table, trigger in (name.split(".") for name in plan.triggers)
    ]
    return [*plan.triggers.values(), *enabling]


def _give_privileges(connection: BaseDatabaseWrapper, plan: Plan, seen: Seen) -> None:
    if set(privileges.ROLES) - seen.roles:
        return
    by_app, by_writer = ([f"{seen.schema}.{signature}" for signature in names] for names in (CALLED_BY_APP, CALLED_BY_WRITER))
    statements = [
        *(_ownership(plan, seen) if seen.superuser else ()),
        *privileges.later_tables(seen.schema, {seen.user, privileges.OWNER} if seen.superuser else {seen.user}),
        *privileges.grants(seen.schema, plan.tables, by_app, by_writer),
    ]
    try:
        with transaction.atomic(using=connection.alias):
            _run(connection, statements)
    except Error as problem:
        log.warning("Privileges could not be given: %s", problem)


def _ownership(plan: Plan, seen: Seen) -> Iterable[str]:
    mine = [name for name, owner in seen.owners.items() if owner == seen.user]
    functions = [f"{seen.schema}.{name}" for name in plan.bodies]
    return privileges.own(seen.schema, mine, functions)


def _run(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(statements))
