"""Numbers within an engagement, from 1 without a gap."""

from django.db import connection

from audits.engagements.models import Engagement

NUMBERING = 7_001
"""First half of the advisory lock under which numbers of an engagement are given; the second half is its id."""


def one_at_a_time(*, engagement_id: int) -> None:
    """Let nobody else freeze, draw, ask or find in an engagement until the transaction ends. Needs no right to lock a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [NUMBERING, engagement_id])


def next_number(*, engagement: Engagement, table: str) -> int:
    """The next number within an engagement. Held until the transaction ends, so that two do not get the same."""
    one_at_a_time(engagement_id=engagement.pk)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(number), 0) + 1 FROM {table} WHERE engagement_id = %s", [engagement.pk])  # noqa: S608  (a name of our own)
        [number] = cursor.fetchone()
    return int(number)
