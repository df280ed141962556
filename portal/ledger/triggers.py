"""The triggers of evidence tables, as SQL text made from the declarations. Pure but for Django's model metadata.

All are ENABLE ALWAYS: ``session_replication_role = replica`` does not open them, only ``ALTER TABLE`` by the owner does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import models

from portal.ledger.evidence import EvidenceTable, RowRule

SQL = Path(__file__).parent / "sql"
SOURCES = ("append.sql", "guards.sql", "redact.sql")
PREFIX = "evidence_"
"""Every trigger of the guards begins with it; installing drops those that are no longer declared."""
INLINE = 256
"""A value up to this many bytes stands in the entry as it is; of a longer one the entry keeps the SHA-256."""
APPEND = "portal_ledger_append(text, text, text, text, text[], boolean)"
APPEND_MANY = "portal_ledger_append_many(json)"
ROW = "portal_ledger_row(text)"
REDACT = "portal_ledger_redact(bigint, text, bigint)"
Model = type[models.Model]


def functions(schema: str) -> str:
    """The functions that do not depend on the declarations."""
    return "\n".join((SQL / name).read_text().replace("{schema}", schema) for name in SOURCES)


def row_reader(schema: str, tables: list[tuple[EvidenceTable, Model]]) -> str:
    """The function that reads one evidence row, named ``table:key``, as canonical JSON; null when there is none.

    Raises in the database for a table that is not declared.
    """
    branches = sorted((str(model._meta.db_table), _branch(schema, table, model)) for table, model in tables if table.entry)
    return (
        f"CREATE OR REPLACE FUNCTION {schema}.portal_ledger_row(row_key text) RETURNS text LANGUAGE plpgsql STABLE\n"
        f"SET search_path = pg_catalog, {schema}, pg_temp AS $row$\n"
        f"DECLARE\n    named text COLLATE \"C\" := split_part(row_key, ':', 1);\nBEGIN\n{_searched(branches)}\n"
        "    RAISE EXCEPTION '% is not in an evidence table', row_key USING ERRCODE = 'invalid_parameter_value';\nEND\n$row$;"
    )


def _branch(schema: str, table: EvidenceTable, model: Model) -> str:
    name = model._meta.db_table
    found = f"SELECT {row_text(table, model, 't')} FROM {schema}.{name} t WHERE t.id = split_part(row_key, ':', 2)::bigint"  # noqa: S608 - names are Django's
    return f"IF named = '{name}' THEN\nRETURN ({found});\nEND IF;"


def _searched(branches: list[tuple[str, str]]) -> str:
    """The branches, in order of their tables' names, halved until one is left: with a hundred tables, asking about one after the
    other took longer than reading the row."""
    if len(branches) < 2:
        return "".join(branch for _, branch in branches)
    middle = len(branches) // 2
    return f"IF named < '{branches[middle][0]}' THEN\n{_searched(branches[:middle])}\nELSE\n{_searched(branches[middle:])}\nEND IF;"


def covered_columns(table: EvidenceTable, model: Model) -> "list[models.Field[Any, Any]]":
    """The columns whose values an entry keeps, sorted by name: all of an append-only table, else the declared ones."""
    kept = {_column(field) for field in model._meta.concrete_fields} if table.append_only else {*table.columns, *table.fixed}
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    return sorted((field for field in fields if _column(field) in kept - {*table.unspoken}), key=_column)


def row_text(table: EvidenceTable, model: Model, alias: str) -> str:
    """SQL for the covered columns of one row as canonical JSON text."""
    pieces = [
        f"'{',' if number else '{'}\"{_column(field)}\":' || {_value(field, f'{alias}.{_column(field)}')}"
        for number, field in enumerate(covered_columns(table, model))
    ]
    return " || ".join([*pieces, "'}'"])


def _value(field: "models.Field[Any, Any]", column: str) -> str:
    """SQL for one value as JSON text. Only scalars: whatever is nested becomes the text that PostgreSQL prints."""
    if isinstance(field, models.DateTimeField):
        return f"coalesce(to_json({column} AT TIME ZONE 'UTC')::text, 'null')"
    if isinstance(field, (models.IntegerField, models.BooleanField, models.ForeignKey)):
        return f"coalesce(to_json({column})::text, 'null')"
    text = f"{column}::text"
    if isinstance(field, models.CharField) and (field.max_length or INLINE) <= INLINE // 4:
        return f"coalesce(to_json({text})::text, 'null')"  # it never gets that long, and asking takes its time
    digest = f"'sha256:' || encode(sha256(convert_to({text}, 'UTF8')), 'hex')"
    return f"coalesce(to_json(CASE WHEN octet_length({text}) > {INLINE} THEN {digest} ELSE {text} END)::text, 'null')"


def _column(field: "models.Field[Any, Any]") -> str:
    return str(field.column)


def triggers(schema: str, table: EvidenceTable, model: Model) -> Iterator[tuple[str, str]]:
    """(name, CREATE TRIGGER statement) for one table."""
    on = f"{schema}.{model._meta.db_table}"

    def refusing(name: str, when: str, sentence: str, *, each: str = "ROW", condition: str = "") -> tuple[str, str]:
        head = f"CREATE TRIGGER {PREFIX}{name} {when} ON {on} FOR EACH {each}"
        return PREFIX + name, f"{head}{condition} EXECUTE FUNCTION {schema}.portal_evidence_refuse('{sentence}')"

    yield refusing("whole", "BEFORE TRUNCATE", "evidence is never emptied", each="STATEMENT")
    if table.released:
        yield refusing("fixed", "BEFORE UPDATE", "evidence is inserted, never changed")
        head = f"CREATE TRIGGER {PREFIX}released BEFORE DELETE ON {on} FOR EACH ROW"
        yield f"{PREFIX}released", f"{head} EXECUTE FUNCTION {schema}.portal_evidence_released()"
    elif table.append_only:
        yield refusing("fixed", "BEFORE UPDATE OR DELETE", "evidence is inserted, never changed or deleted")
    else:
        yield refusing("kept", "BEFORE DELETE", "evidence is never deleted")
        fixed = _differs(("id", *table.fixed))
        yield refusing("fixed", "AFTER UPDATE", "one of these columns never changes", condition=f" WHEN ({fixed})")
    if table.moves:
        yield refusing("moves", "AFTER UPDATE", "this is no permitted move", condition=f" WHEN ({_foreign_move(table)})")
    if table.born:
        births = ", ".join(f"'{state}'" for state in sorted(table.born))
        condition = f" WHEN (NEW.{table.state_column} NOT IN ({births}))"
        yield refusing("born", "AFTER INSERT", "no row begins in this state", condition=condition)
    if table.entry:
        yield from _entry_triggers(schema, table, on)


def _differs(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def _foreign_move(table: EvidenceTable) -> str:
    state = table.state_column
    pairs = ", ".join(f"('{source}', '{target}')" for source, target in sorted(table.moves))
    return f"OLD.{state} IS DISTINCT FROM NEW.{state} AND (OLD.{state}, NEW.{state}) NOT IN ({pairs})"


def _entry_triggers(schema: str, table: EvidenceTable, on: str) -> Iterator[tuple[str, str]]:
    sort = "fixed" if table.append_only else "moving"
    tail = f"EXECUTE FUNCTION {schema}.portal_evidence_covered('{sort}')"
    deferred = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    yield PREFIX + "entry", f"CREATE CONSTRAINT TRIGGER {PREFIX}entry AFTER INSERT ON {on} {deferred} {tail}"
    if table.columns:
        name = PREFIX + "entry_moved"
        condition = _differs(table.columns)
        yield name, f"CREATE CONSTRAINT TRIGGER {name} AFTER UPDATE ON {on} {deferred} WHEN ({condition}) {tail}"


def rule(schema: str, declared: RowRule, model: Model) -> tuple[str, str, str]:
    """(trigger name, CREATE FUNCTION statement, CREATE TRIGGER statement) of a row rule."""
    name = f"{PREFIX}rule_{declared.name}"
    function = (
        f"CREATE OR REPLACE FUNCTION {schema}.portal_{name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER\n"
        f"SET search_path = pg_catalog, {schema}, pg_temp AS $rule$\n"
        f"DECLARE\n    {declared.declare}\nBEGIN{declared.body}END\n$rule$;"
    )
    on = f"{schema}.{model._meta.db_table}"
    head = f"CREATE TRIGGER {name} BEFORE {declared.events} ON {on} FOR EACH ROW"
    return name, function, f"{head} EXECUTE FUNCTION {schema}.portal_{name}()"
