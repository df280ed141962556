"""Which operations of a migration hold a lock for long, or break the release before it. Pure: looks at Django's own objects.

A new table holds up nobody, so what is done to tables of the same migration is never in question.
"""

from django.db import models
from django.db.migrations import operations as ops
from django.db.models.expressions import Value
from django.db.models.fields.generated import GeneratedField

GONE = (ops.RemoveField, ops.DeleteModel, ops.RenameField, ops.RenameModel, ops.AlterModelTable)
BY_HAND = (ops.RunSQL, ops.RunPython)


def doubts(*, app, migration, before):
    """(what, why) for every operation that needs a reason. ``before`` is the state that the migration starts from."""
    state, made, found = before.clone(), set(), []
    for operation in migration.operations:
        after = state.clone()
        operation.state_forwards(app, after)
        made |= {name for _, name in after.models.keys() - state.models.keys()}
        model = (getattr(operation, "model_name", None) or getattr(operation, "name", "") or "").lower()
        why = _doubt(operation, app, model, state, after) if model not in made else None
        if why:
            found.append((operation.describe(), why))
        state = after
    return found


def _doubt(operation, app, model, before, after):
    if isinstance(operation, GONE):
        return "the code of the release before still reads it: expand now, contract in a later release"
    if isinstance(operation, BY_HAND):
        return "nobody but a person can say how long it locks"
    if type(operation) is ops.AddIndex:
        return "building an index holds up every write: AddIndexConcurrently in a migration of its own"
    if isinstance(operation, ops.AddConstraint):
        return "checking every row, or building an index, holds up every write: NOT VALID first"
    if isinstance(operation, ops.AddField):
        return _added(operation.field)
    if isinstance(operation, ops.AlterField):
        return _altered(before.models[app, model].fields[operation.name], after.models[app, model].fields[operation.name])
    return None


def _added(field):
    if isinstance(field, GeneratedField):
        return "a stored generated column writes every row anew"
    if field.db_default is not models.NOT_PROVIDED and not isinstance(field.db_default, Value | str | int | bool | float):
        return "a default that is not constant writes every row anew"
    if field.unique:
        return "its index is built while nobody may write"
    if not field.null and field.db_default is models.NOT_PROVIDED and not isinstance(field, models.ManyToManyField):
        return "the code of the release before inserts rows without it: db_default, or null"
    return None


def _altered(old, new):
    if old.get_internal_type() != new.get_internal_type():
        return "another type writes every row anew"
    if old.null and not new.null:
        return "every row is read while nobody may do anything: a checked constraint first"
    shorter = old.max_length != new.max_length and new.max_length is not None
    if shorter and (old.max_length is None or new.max_length < old.max_length):
        return "a shorter type reads every row"
    if (new.unique and not old.unique) or (new.db_index and not old.db_index):
        return "its index is built while nobody may write"
    return None
