"""What comes onto an agenda from other features: emergencies, exceptions, versions of the policy."""

from datetime import timedelta

import pytest
from django.db import transaction

from changes.exceptions import acceptance
from changes.exceptions.actions import Found, answer, open_exception
from changes.meetings.models import AgendaItem
from changes.meetings.syncing import keep_in_step
from portal.policy.models import PolicyVersion
from tests.changes.emergencies.situations import declared, hotfix, merged
from tests.changes.meetings.situations import AT, DAY, board, numbered, somebody
from tests.database import cover

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def meeting():
    board()
    return numbered(1)


def points(at=AT):
    """Kind, key and note of what is open, after a look."""
    keep_in_step(meeting=numbered(1), at=at)
    rows = AgendaItem.objects.filter(meeting__number=1, state="open").order_by("position")
    return [(row.kind, row.key, row.note) for row in rows]


def found(number=1, **values):
    given = {
        "kind": "direct_push",
        "subject": f"prod:{number}",
        "key": f"direct_push:{number}",
        "sentence": f"Somebody pushed {number}.",
        "happened_at": AT,
        "confirmed": True,
    }
    return open_exception(repository=None, found=Found(**(given | values)), at=AT)


def test_an_emergency_in_production_waits_for_its_retrospective(meeting):
    emergency = declared(somebody("Ann"), at=AT)
    assert points(AT) == []
    change = merged(emergency.change, hotfix(emergency.change, at=AT), at=AT + timedelta(minutes=5))

    (point,) = points(AT + DAY / 24)

    assert point == ("retrospective", f"retrospective:{change.number}", "In production since 2 Nov 2026")


def test_an_exception_comes_when_it_is_overdue_and_goes_when_it_is_answered(meeting):
    record = found()
    assert points(AT + DAY) == []

    late = points(AT + 2 * DAY)
    assert late == [("exception", f"exception:{record.pk}", "Unanswered since 4 Nov 2026, in the hands of Cleo")]
    answer(record=record, outcome="explained", note="A hot fix", by=somebody("Cleo"), at=AT + 2 * DAY)
    assert points(AT + 2 * DAY) == []


def test_an_acceptance_that_waits_comes_once_and_before_what_is_overdue(meeting):
    record, other = found(1), found(2)
    acceptance.propose(record=record, until=AT + 30 * DAY, reason="Until the move", by=somebody("Dev"), at=AT + DAY)

    shown = points(AT + 2 * DAY)

    assert shown == [
        ("exception", f"exception:{record.pk}", "Dev would live with it until 2 Dec 2026"),
        ("exception", f"exception:{other.pk}", "Unanswered since 4 Nov 2026, in the hands of Cleo"),
    ]


@transaction.atomic
def sent(number, **values):
    row = PolicyVersion.objects.create(number=number, text="x", digest="0" * 64, sent_at=AT, **values)
    cover(row)
    return row


def test_a_version_of_the_policy_waits_until_it_is_decided(meeting):
    sent(2, summary="Faster reviews\nand more", sent_by=somebody("Mia"))

    assert points() == [("policy", "policy:2", "Sent by Mia")]
    item = AgendaItem.objects.get()
    assert (item.title, item.href) == ("Policy 2: Faster reviews", "/policy/v/2/")


def test_a_version_that_nobody_described_has_its_number(meeting):
    sent(3)

    points()

    assert AgendaItem.objects.get().title == "Policy 3"
