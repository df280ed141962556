"""Items are put off by choice of time, come back by themselves, at the latest when they are due."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.home import inbox, snoozing
from portal.home.inbox import Item
from portal.home.models import Snooze
from portal.policy.refusal import Stale
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def items(monkeypatch):
    """The inbox holds exactly these."""
    found = [Item("Approve", "Raise memory", "You may.", None, "/changes/1/", "Review", key="CHG-1")]
    monkeypatch.setattr(inbox, "_providers", [lambda user, at: list(found)])
    return found


@pytest.mark.parametrize(
    ("choice", "zone", "until"),
    [
        ("hour", "UTC", MONDAY + timedelta(hours=1)),
        ("tomorrow", "UTC", datetime(2026, 11, 3, 9, tzinfo=UTC)),
        ("tomorrow", "Europe/Berlin", datetime(2026, 11, 3, 8, tzinfo=UTC)),
        ("week", "UTC", datetime(2026, 11, 9, 9, tzinfo=UTC)),
    ],
)
def test_a_choice_is_a_moment_on_the_clock_of_the_person(choice, zone, until):
    assert snoozing.until_for(choice=choice, at=MONDAY, zone=zone) == until


def test_a_choice_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="not a time"):
        snoozing.until_for(choice="never", at=MONDAY, zone="UTC")


def test_an_item_sleeps_until_its_time_and_at_most_until_it_is_due(items):
    ann, at = person("Ann"), timezone.now()
    due = at + timedelta(minutes=20)
    items.append(Item("Answer", "A push", "You did.", due, "/exceptions/1/", "Answer"))
    first, second = items

    snoozing.snooze(user=ann, digest=first.digest, choice="tomorrow", at=at)
    assert snoozing.snooze(user=ann, digest=second.digest, choice="hour", at=at) == due

    awake, asleep = snoozing.split(user=ann, items=items, at=at)
    assert (awake, [item for item, _ in asleep]) == ([], [first, second])
    awake, asleep = snoozing.split(user=ann, items=items, at=due)
    assert (awake, len(asleep)) == ([second], 1)


def test_what_is_overdue_can_still_be_put_off_for_an_hour(items):
    ann, at = person("Ann"), timezone.now()
    items[0] = Item("Answer", "A push", "You did.", at - timedelta(days=1), "/exceptions/1/", "Answer")

    assert snoozing.snooze(user=ann, digest=items[0].digest, choice="hour", at=at) == at + timedelta(hours=1)


def test_what_is_no_longer_there_cannot_be_put_off(items):
    with pytest.raises(Stale):
        snoozing.snooze(user=person("Ann"), digest="0" * 64, choice="hour", at=timezone.now())


def test_the_page_puts_off_and_shows_again(client, items):
    ann = person("Ann")
    sign_in(client, ann)
    url = reverse("snooze")

    client.post(url, {"item": items[0].digest, "for": "week"})
    page = client.get("/").content.decode()
    assert "Nothing is waiting for you." in page
    assert "Comes back" in page
    client.post(url, {"item": items[0].digest, "for": "now"})
    client.post(url, {"item": items[0].digest, "for": "ever"}, follow=True)

    assert not Snooze.objects.exists()
    assert "Raise memory" in client.get("/").content.decode()
