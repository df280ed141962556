"""What the guards should look like for the tables that are there: statements, and what to compare with the catalogue."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from django.apps import apps

from portal.ledger import triggers
from portal.ledger.catalogue import Seen
from portal.ledger.evidence import Declared, EvidenceTable, Hidden, RowRule
from portal.ledger.privileges import Table
from portal.ledger.triggers import Model

PORTAL_APPS = ("portal", "changes", "audits")
"""The apps whose tables auditors may read; of the others they read nothing."""
READ_ONLY = frozenset({"django_migrations"})
"""Tables that only the owner writes."""
D = TypeVar("D", EvidenceTable, RowRule)
BODY = re.compile(r"FUNCTION \w+\.(\w+)\(.*?AS (\$\w+\$)(.*?)\2", re.DOTALL)


@dataclass(frozen=True)
class Plan:
    """Statements to run, in order, and what they leave behind."""

    functions: tuple[str, ...]
    triggers: dict[str, str]
    """``table.trigger`` -> CREATE TRIGGER."""
    bodies: dict[str, str]
    """Function -> its source, as PostgreSQL keeps it."""
    tables: tuple[Table, ...]
    unknown: tuple[str, ...] = field(default=())
    """Declared models that the database has no table for (yet)."""


def make(declared: Declared, seen: Seen) -> Plan:
    """The plan for the tables that ``seen`` has. A declared table that is missing, or lacks columns, is left out."""
    known, unknown = _known(declared.tables, seen)
    rules, unknown_rules = _known(declared.rules, seen)
    functions = [triggers.functions(seen.schema), triggers.row_reader(seen.schema, known)]
    made: dict[str, str] = {}
    for table, model in known:
        for name, statement in triggers.triggers(seen.schema, table, model):
            made[f"{model._meta.db_table}.{name}"] = statement
    for rule, model in rules:
        name, function, statement = triggers.rule(seen.schema, rule, model)
        functions.append(function)
        made[f"{model._meta.db_table}.{name}"] = statement
    bodies = {name: body for text in functions for name, _, body in BODY.findall(text)}
    tables = tuple(_privileges(declared, known, seen))
    return Plan(tuple(functions), made, bodies, tables, (*unknown, *unknown_rules))


def known_tables(declared: Declared, seen: Seen) -> list[tuple[EvidenceTable, Model]]:
    """The declared tables that are there, with their models."""
    return _known(declared.tables, seen)[0]


def _known(declared: Iterable[D], seen: Seen) -> tuple[list[tuple[D, Model]], list[str]]:
    """Those whose table and columns are there, with their model; and the names of the others."""
    known: list[tuple[D, Model]] = []
    unknown: list[str] = []
    for item in declared:
        model = _model(item.model)
        if model is None or not _columns_needed(item, model) <= set(seen.columns.get(model._meta.db_table, ())):
            unknown.append(item.model)
        else:
            known.append((item, model))
    return known, unknown


def _model(label: str) -> Model | None:
    app, name = label.split(".")
    return apps.all_models[app].get(name.lower())


def _columns_needed(item: EvidenceTable | RowRule | Hidden, model: Model) -> set[str]:
    """An undeclared column would be a hole, so every column that the model has must be there as well."""
    columns = {str(field.column) for field in model._meta.concrete_fields}
    return columns | {*item.columns, *item.fixed} if isinstance(item, EvidenceTable) else columns


def _privileges(declared: Declared, known: list[tuple[EvidenceTable, Model]], seen: Seen) -> Iterator[Table]:
    evidence = {model._meta.db_table: table for table, model in known}
    hidden = {model._meta.db_table: item for item in declared.hidden if (model := _model(item.model))}
    readable = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in PORTAL_APPS and model._meta.managed
    }
    for name, columns in sorted(seen.columns.items()):
        auditor = "SELECT" if name in readable else ""
        if name in hidden:
            shown = [column for column in hidden[name].shown if column in columns]
            auditor = f"SELECT ({', '.join(shown)})" if shown else ""
        declared_as = evidence.get(name)
        yield Table(name, _application(name, declared_as), auditor, bool(declared_as and declared_as.by_auditors))


def _application(name: str, table: EvidenceTable | None) -> str:
    if name in READ_ONLY or (table and table.written_by_function):
        return "SELECT"
    if table:
        return "SELECT, INSERT" if table.append_only else "SELECT, INSERT, UPDATE"
    return "SELECT, INSERT, UPDATE, DELETE"
