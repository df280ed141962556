"""Numbers within an audit are given one at a time, also through the auditors' door."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audits.engagements.numbering import NUMBERING, next_number
from audits.engagements.wall import adding
from audits.findings.actions import Observation, open_finding
from audits.requests.actions import Question, ask
from tests.audits.engagements.opened import admitted
from tests.portal.access.people import person


def held() -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [NUMBERING])
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_who_asks_or_finds_holds_the_numbers_of_the_audit_until_it_is_kept():
    uma, engagement = admitted()
    ann, now = person("Ann"), timezone.now()
    due = now + timedelta(days=3)

    for number in (1, 2):
        with adding():
            asked = ask(engagement=engagement, question=Question("Who?", "Say who.", ann, due), by=uma, at=now)
            assert (asked.number, held()) == (number, [(NUMBERING, engagement.pk)])
        with adding():
            wish = Observation(title="Late", text="Seen.", severity="low", owner=ann, due_at=due)
            found = open_finding(engagement=engagement, observation=wish, by=uma, at=now)
            assert (found.number, held()) == (number, [(NUMBERING, engagement.pk)])
        assert held() == []
    with adding():
        assert next_number(engagement=engagement, table="audits_pack") == 1
