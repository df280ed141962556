"""The doorbell: tells open pages that something about a topic has moved. A name goes down the stream, never a fact."""

from django.db import connection

CHANNEL = "live"


def ring(topic: str) -> None:
    """Ring once the present transaction is committed; PostgreSQL folds equal rings of one transaction into one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, topic])
