"""The pages about engagements."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.engagements.actions import note_reading, seal_readings
from audits.engagements.models import Engagement, ReadLog
from audits.engagements.queries import unsealed_days
from audits.engagements.tasks import seal_read_log
from changes.delivery.models import Repository
from portal.access.models import User
from portal.ledger.models import LedgerLeaf
from tests.audits.engagements.opened import admitted, prepared
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import LONG_AGO, person

pytestmark = pytest.mark.django_db


def fresh(name: str) -> Client:
    user = User.objects.filter(name=name).first() or person(name)
    return sign_in(Client(), user, minutes_ago=1)


def wish(**rest) -> dict[str, str]:
    today = timezone.now().date()
    return {
        "name": "Annual audit",
        "window_from": "2026-01-01",
        "window_to": "2026-12-31",
        "opens_on": str(today),
        "closes_on": str(today + timedelta(days=30)),
        "kind": "external",
        **rest,
    }


def note(engagement, at, path="/changes/"):
    note_reading(
        engagement=engagement,
        reader=User.objects.get(name="Uma"),
        path=path,
        objects_named=[],
        session_digest="0" * 64,
        outcome="read",
        at=at,
    )


def test_two_people_open_an_engagement_on_the_pages():
    Repository.objects.create(name="acme/web", in_scope_from=LONG_AGO)
    uma = person("Uma")
    cleo, mia = fresh("Cleo"), fresh("Mia")

    cleo.post(reverse("prepare-engagement"), wish(people=[uma.pk], repositories=["acme/web"]))
    engagement = Engagement.objects.get()
    assert "Confirm</button>" not in cleo.get(reverse("audit", args=[engagement.pk])).content.decode()
    assert "Confirm</button>" in mia.get(reverse("audit", args=[engagement.pk])).content.decode()
    answer = mia.post(reverse("confirm-engagement", args=[engagement.pk]), {"digest": engagement.digest})

    engagement.refresh_from_db()
    assert (answer.status_code, engagement.confirmed_by.name, engagement.repositories) == (302, "Mia", ["acme/web"])
    assert engagement.window_to.isoformat() == "2027-01-01T00:00:00+00:00"


def test_form_with_a_mistake_comes_back_with_it():
    answer = fresh("Cleo").post(reverse("prepare-engagement"), wish(people=[1], name=""))

    assert answer.status_code == 422
    assert "Name the audit" in answer.content.decode()


def test_too_long_an_engagement_is_refused_in_words():
    uma = person("Uma")

    answer = fresh("Cleo").post(
        reverse("prepare-engagement"), wish(people=[uma.pk], closes_on=str(timezone.now().date() + timedelta(days=91)))
    )

    assert answer.status_code == 422
    assert "at most 90 days" in answer.content.decode()


def test_confirmation_without_the_text_is_refused():
    engagement = prepared(person("Uma"), person("Cleo"))

    assert fresh("Mia").post(reverse("confirm-engagement", args=[engagement.pk]), {}).status_code == 409


def test_engagement_is_ended_on_the_page():
    _, engagement = admitted()

    fresh("Mia").post(reverse("end-engagement", args=[engagement.pk]))

    engagement.refresh_from_db()
    assert engagement.ended_by.name == "Mia"


@pytest.mark.parametrize("name", ["Ann", "Bob", "Dev", "Rex"])
def test_engagements_are_made_by_chair_and_compliance(name):
    assert fresh(name).get(reverse("prepare-engagement")).status_code == 403


def test_read_log_is_for_the_compliance_manager_page_by_page():
    _, engagement = admitted()
    now = timezone.now()
    for number in range(101):
        note(engagement, now, path=f"/changes/{number}/")
    address = reverse("read-log", args=[engagement.pk])

    first = fresh("Mia").get(address).content.decode()
    older = fresh("Mia").get(address, {"before": ReadLog.objects.order_by("pk")[1].pk}).content.decode()

    assert "/changes/100/" in first
    assert "/changes/0/" not in first
    assert "Older" in first
    assert "/changes/0/" in older
    assert "/changes/1/" not in older
    assert fresh("Mia").get(address, {"before": "x"}).status_code == 200
    assert fresh("Cleo").get(address).status_code == 403


def test_days_of_reading_are_sealed_once_when_they_are_over():
    _, engagement = admitted()
    now = timezone.now()
    for days in (0, 1, 1, 3):
        note(engagement, now - timedelta(days=days))
    over = [(now - timedelta(days=days)).date() for days in (3, 1)]

    assert unsealed_days(at=now) == over
    seal_read_log()
    seal_read_log()

    assert unsealed_days(at=now) == []
    streams = LedgerLeaf.objects.filter(kind="read_log.sealed").order_by("stream").values_list("stream", flat=True)
    assert list(streams) == [f"read_log:{day}" for day in over]


def test_seal_of_a_day_differs_when_a_row_differs():
    _, engagement = admitted()
    day = timezone.now() - timedelta(days=1)
    note(engagement, day)
    before = seal_readings(day=day.date())
    note(engagement, day)

    assert seal_readings(day=day.date()) != before
