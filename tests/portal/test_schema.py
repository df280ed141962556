"""Tables created together: only what belongs to their creation, in the final form, and dropped again."""

import pytest
from django.db import connection, models
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, RemoveField
from django.db.migrations.state import ProjectState

from portal.schema import CreateTogether

KEY = [("id", models.BigAutoField(primary_key=True))]
POINTS = AddField("one", "other", models.ForeignKey("ledger_trial.two", on_delete=models.PROTECT, null=True))
BOTH = [
    CreateModel("One", [*KEY, ("size", models.IntegerField())]),
    CreateModel("Two", [*KEY, ("one", models.ForeignKey("ledger_trial.one", on_delete=models.PROTECT))]),
    POINTS,
    AddIndex("one", models.Index(fields=["size"], name="trial_size")),
    AddConstraint("one", models.CheckConstraint(condition=models.Q(size__gt=0), name="trial_positive")),
]


@pytest.mark.parametrize(
    "wrong",
    [RemoveField("one", "size"), AddField("three", "x", models.IntegerField()), AddIndex("x", models.Index("id", name="i"))],
)
def test_anything_but_the_creation_of_its_own_tables_is_refused(wrong):
    with pytest.raises(ValueError, match="created here"):
        CreateTogether([*BOTH, wrong])


@pytest.mark.django_db(transaction=True)
def test_tables_that_point_at_each_other_come_with_everything_and_go_again():
    together, before = CreateTogether(BOTH), ProjectState()
    after = before.clone()
    together.state_forwards("ledger_trial", after)

    with connection.schema_editor() as editor:
        together.database_forwards("ledger_trial", editor, before, after)
    with connection.cursor() as cursor:
        found = {name: set(connection.introspection.get_constraints(cursor, name)) for name in ("ledger_trial_one",)}
        columns = [column.name for column in connection.introspection.get_table_description(cursor, "ledger_trial_one")]
    with connection.schema_editor() as editor:
        together.database_backwards("ledger_trial", editor, after, before)

    assert {"trial_size", "trial_positive"} <= found["ledger_trial_one"]
    assert any("fk" in name for name in found["ledger_trial_one"])
    assert columns == ["id", "size", "other_id"]
    assert not {"ledger_trial_one", "ledger_trial_two"} & set(connection.introspection.table_names())
    assert together.describe() == "Create 2 tables"
