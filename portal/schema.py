"""A migration that creates many tables at once.

Django renders every related model anew after each of its operations. With a hundred models that all point at a person the
first migration took half a minute for that alone; this one renders them once.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

LATER = (AddField, AddIndex, AddConstraint)
"""What ``makemigrations`` writes apart from the table itself, because of models that point at each other."""


class CreateTogether(Operation):
    """The operations of an app's first migration, as ``makemigrations`` wrote them.

    Tables are created in their final form, so fields, indexes and constraints that stand apart need no step of their own.
    Raises ``ValueError`` for an operation that does anything else, or to a table that is not created here.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, operations: Sequence[Operation]) -> None:
        created = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}
        for operation in operations:
            if isinstance(operation, CreateModel):
                continue
            if not isinstance(operation, LATER) or operation.model_name_lower not in created:
                raise ValueError(f"{operation.describe()}: only for models that are created here")
        self.operations = list(operations)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state after all of them. What was rendered before is dropped, and rendered once when it is asked for."""
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create every table as it is in the end; foreign keys follow when all are there."""
        for model in self._models(app_label, to_state):
            if self.allow_migrate_model(schema_editor.connection.alias, model):
                schema_editor.create_model(model)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop every table, the last one first."""
        for model in reversed(self._models(app_label, from_state)):
            if self.allow_migrate_model(schema_editor.connection.alias, model):
                schema_editor.delete_model(model)

    def describe(self) -> str:
        """What Django prints about it."""
        return f"Create {sum(isinstance(operation, CreateModel) for operation in self.operations)} tables"

    def _models(self, app_label: str, state: ProjectState) -> list[Any]:
        apps = state.apps
        return [apps.get_model(app_label, operation.name) for operation in self.operations if isinstance(operation, CreateModel)]
