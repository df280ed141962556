"""The database of each process of a run is a copy of one that was migrated once, by whichever process needed it first.

Only on the server that the run started itself (tests/server.py); on another one pytest-django makes and migrates each, as ever.
"""

import os
from functools import partial

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.server import OWN

MIGRATED, HALF = "countersign_migrated", "countersign_half_migrated"
MAKING = 7_263_002
"""Key of the advisory lock under which one process migrates, and the others wait for it."""


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """What pytest-django asks for before it makes the database."""
    if os.environ.get(OWN):
        connection.creation.create_test_db = partial(copy, connection.creation.create_test_db)


def copy(make, **options):
    """In the place of Django's ``create_test_db``, which is ``make``; returns the name of the database, like it."""
    here, name = connection.settings_dict, connection.creation._get_test_db_name()
    maintenance = make_conninfo(dbname="postgres", user=here["USER"], host=here["HOST"], port=here["PORT"] or None)
    with psycopg.connect(maintenance, autocommit=True) as line:
        line.execute("SELECT pg_advisory_lock(%s)", [MAKING])
        if not line.execute("SELECT 1 FROM pg_database WHERE datname = %s", [MIGRATED]).fetchone():
            here["TEST"]["NAME"] = HALF
            make(**options)
            connection.close()
            here["TEST"]["NAME"] = name
            # Under its name only when it is whole: of one that was cut short nobody takes a copy.
            line.execute(f"ALTER DATABASE {HALF} RENAME TO {MIGRATED}")
        line.execute(f"CREATE DATABASE {name} TEMPLATE {MIGRATED} STRATEGY FILE_COPY")
    settings.DATABASES[connection.alias]["NAME"] = here["NAME"] = name
    connection.ensure_connection()
    return name
