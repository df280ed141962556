"""N-1: the release before this one works on this one's schema, while a deploy is under way.

Its code is not here, but its models are: Django rebuilds them from the migrations that were there before. Each is read, and
written as that release writes it, on the database as today's migrations leave it.
"""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.architecture.test_migrations import LAST_FOUNDING

pytestmark = pytest.mark.django_db
SCHEMA = """
SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS'
FROM information_schema.columns WHERE table_schema = current_schema()
"""


def models_before():
    """The models of the last founding release, of the apps that are ours."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    nodes = [key for key in loader.disk_migrations if key[0] in LAST_FOUNDING and key[1][:4] <= LAST_FOUNDING[key[0]]]
    state = loader.project_state([*nodes, *(key for key in loader.graph.leaf_nodes() if key[0] not in LAST_FOUNDING)])
    return [model for model in state.apps.get_models() if model._meta.app_label in LAST_FOUNDING]


@pytest.fixture(scope="module")
def before():
    return models_before()


def columns():
    """By table: column → whether a row may be written without it."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        for table, column, optional in cursor.fetchall():
            found.setdefault(table, {})[column] = optional
    return found


def test_everything_that_the_release_before_reads_is_there(before):
    for model in before:
        list(model._base_manager.all()[:1])
    assert len(before) > 100


def refused(models, there):
    """Columns that the database wants and these models do not write."""
    return sorted(
        f"{model._meta.db_table}.{column}"
        for model in models
        for column, optional in there[model._meta.db_table].items()
        if not optional and column not in {field.column for field in model._meta.concrete_fields}
    )


def test_what_the_release_before_writes_is_taken(before):
    there = columns()
    assert refused(before, there) == []
    # The question itself finds a column that came without a default.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE changes_savedview ADD COLUMN rank bigint NOT NULL")
    assert refused(before, columns()) == ["changes_savedview.rank"]
