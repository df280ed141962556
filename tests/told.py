"""What was told once in this process is written back row by row, with the same numbers and times: telling it again would take fifty
times as long, and come to the same.

Only for what does not hang on the time of day: a recorded story has a clock of its own. What is about the telling itself tells.
"""

import re

from django.db import connection, transaction

from tests.database import KEPT

TABLES = """
SELECT quote_ident(c.relname), string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> ALL (%s) AND pg_relation_size(c.oid) > 0
GROUP BY c.relname ORDER BY c.relname
"""
GUARDS = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.oid IN (
    SELECT t.tgfoid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled = 'A' AND t.tgtype & 4 <> 0
)
"""
"""The functions of triggers that are always on and look at what is inserted."""
_TOLD = {}


def once(key, tell):
    """Tell it, unless this process has told it before: then its rows are written. Nothing else may be on record yet."""
    assert not rows(), "a story comes before everything else of a test"
    if key in _TOLD:
        write(_TOLD[key])
    else:
        tell()
        _TOLD[key] = rows()


def rows():
    """Every row of every table but those that Django keeps for itself: table and columns -> rows, as PostgreSQL writes them."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [sorted(KEPT)])
        for table, columns in cursor.fetchall():
            with cursor.copy(f"COPY {table} ({columns}) TO STDOUT") as written:
                if text := b"".join(written):
                    found[f"{table} ({columns})"] = text
    return found


def write(found):
    """Insert these rows. For the length of this transaction the triggers that are always on let everything pass."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(GUARDS)
        guards = [definition for (definition,) in cursor.fetchall()]
        cursor.execute("SET LOCAL session_replication_role = replica")
        for definition in guards:
            head = re.match(".*? RETURNS trigger", definition, re.DOTALL)[0]
            cursor.execute(f"{head} LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$")
        for place, text in found.items():
            with cursor.copy(f"COPY {place} FROM STDIN") as written:
                written.write(text)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for definition in guards:
            cursor.execute(definition)
        cursor.execute("SET LOCAL session_replication_role = origin")
