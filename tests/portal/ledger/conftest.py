"""A small change with its entries, the places of the sealer in a folder of the test, and connections as other roles."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from changes.proposals.models import Change, Revision
from portal.access.models import User
from portal.ledger.actions import append
from portal.ledger.places import GIT_VARIABLE, KEY_VARIABLE, places
from portal.ledger.sealer import seal
from tests.database import cover, lifted

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ORIGIN = "countersign.example/ledger"
REHASH = """
DO $$
DECLARE entry record; previous bytea;
BEGIN
    UPDATE portal_ledgerleaf l SET payload_digest = sha256(b.salt || convert_to(b.payload, 'UTF8'))
        FROM portal_ledgerbody b WHERE b.leaf_id = l.id;
    FOR entry IN SELECT * FROM portal_ledgerleaf ORDER BY stream, stream_seq LOOP
        SELECT hash INTO previous FROM portal_ledgerleaf WHERE stream = entry.stream AND stream_seq = entry.stream_seq - 1;
        UPDATE portal_ledgerleaf SET prev_hash = coalesce(previous, '') WHERE id = entry.id;
        UPDATE portal_ledgerleaf SET hash = portal_ledger_hash(
            event_id, stream, stream_seq, kind, actor, recorded_at, payload_digest, rows, prev_hash) WHERE id = entry.id;
    END LOOP;
    UPDATE portal_ledgersealed s SET hash = l.hash FROM portal_ledgerleaf l WHERE l.id = s.leaf_id;
END $$
"""
"""All hashes made to fit again, as somebody would who rules the database."""


@pytest.fixture
def where(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(GIT_VARIABLE, raising=False)
    return places()


@pytest.fixture
def sealed(where):
    """Seal now, whatever the clock says; each call is a minute later than the one before."""
    times = iter(AT + timedelta(minutes=number) for number in range(1000))
    return lambda: seal(at=next(times), where=where, origin=ORIGIN, force=True)


@pytest.fixture
def person():
    def make(name="Ann"):
        return User.objects.create_user(f"{name.lower()}@northwind.example", name)

    return make


@pytest.fixture
def opened():
    """Open a change as the product does: rows first, one entry, one transaction."""

    def make(number=1001, requester=None, **fields):
        with transaction.atomic():
            change = Change.objects.create(
                number=number, title="Rotate keys", opened_at=AT, moved_at=AT, requester=requester, **fields
            )
            revision = Revision.objects.create(change=change, number=1, title="Rotate keys", digest="d1", source="form", at=AT)
            append(
                stream=f"change:{number}",
                kind="change.opened",
                actor="portal",
                fact={"title": "Rotate keys"},
                rows=[change, revision],
            )
        return change

    return make


def note(text="noted", stream="notes", kind="note.made"):
    append(stream=stream, kind=kind, actor="portal", fact={"text": text})


@contextmanager
def refused(match, error=DatabaseError):
    """What happens inside is refused with these words, and leaves nothing."""
    with pytest.raises(error, match=match), transaction.atomic():
        yield


def settle():
    """Make the checks that wait for the commit, now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def connected(role=None, **options):
    """A connection of its own to the test's database, as this role."""
    parameters = connection.get_connection_params()
    names = ("dbname", "host", "port", "user", "password")
    with psycopg.connect(**{name: parameters[name] for name in names if parameters.get(name)}, **options) as other:
        if role:
            other.execute(f"SET SESSION AUTHORIZATION {role}")
            other.commit()
        yield other


@pytest.fixture
def ledger(where, sealed, opened):
    """Three checkpoints over seven entries, then two entries that none covers yet."""
    change = opened(1001)
    note("one", stream="change:1001")
    sealed()
    for text in ("two", "three", "four"):
        note(text)
    sealed()
    with transaction.atomic():
        Change.objects.filter(pk=change.pk).update(state="proposed")
        cover(change, stream="change:1001", kind="change.proposed")
    note("five")
    sealed()
    note("unsealed one")
    note("unsealed two")
    return change


def tamper(*statements):
    with lifted(connection), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
