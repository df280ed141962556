"""Calendar feeds: shown once, kept as a digest, for one person, revocable, and closed to whoever may see nothing any more."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from changes.calendar import actions, feeds
from changes.calendar.models import CalendarFeed
from changes.delivery.models import Repository
from changes.desk.calendar import feeds as pages
from portal.access.models import RoleGrant, User
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.desk.calendars import WEB, frozen, proposed, released, soon, text
from tests.changes.people import person, sign_in
from tests.database import lifted
from tests.portal.access.people import hold

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def nobody_asked_before():
    cache.clear()


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def ann():
    return person("Ann")


def made(user, at, **values):
    given = {"name": "Phone", "kinds": ["window", "freeze"], "environments": [], "repositories": [], "expires_at": at + 90 * DAY}
    return feeds.make_feed(user=user, at=at, **(given | values))


def events(answer):
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    found = Calendar.from_ical(answer.content).walk("VEVENT")
    return {str(event["uid"]).partition("@")[0]: (str(event["status"]), event["sequence"]) for event in found}


def read(client, token):
    return client.get(f"/calendar.ics?token={token}")


def test_a_feed_shows_what_is_planned_moved_and_cancelled(client, ann, at):
    change, other = proposed(ann, at), proposed(ann, at, "Elsewhere", ("acme/api",))
    _, token = made(ann, at)
    actions.plan(change=change, environment="production", span=soon(at), by=ann, at=at)
    actions.plan(change=other, environment="staging", span=soon(at), by=ann, at=at)
    freeze = frozen(at, span=soon(at, 5, 5))

    assert events(read(client, token)) == {
        "window-1001-production": ("CONFIRMED", 0),
        "window-1002-staging": ("CONFIRMED", 0),
        f"freeze-{freeze.pk}": ("CONFIRMED", 0),
    }
    actions.plan(change=change, environment="production", span=soon(at, 2), by=ann, at=at)
    actions.cancel(change=other, environment="staging", by=ann, at=at)
    actions.end_freeze(freeze=freeze, reason="Not needed", by=freeze.by, at=at)

    assert events(read(client, token)) == {
        "window-1001-production": ("CONFIRMED", 1),
        "window-1002-staging": ("CANCELLED", 1),
        f"freeze-{freeze.pk}": ("CANCELLED", 1),
    }


FILTERS = {
    "kinds": ({"kinds": ["release"]}, {"release"}),
    "environments": ({"environments": ["staging"]}, {"window-1002"}),
    "repositories": ({"repositories": [WEB]}, {"window-1001", "freeze"}),
}


@pytest.mark.parametrize(("values", "expected"), FILTERS.values(), ids=FILTERS.keys())
def test_a_feed_is_limited_to_what_was_chosen(client, ann, at, values, expected):
    actions.plan(change=proposed(ann, at), environment="production", span=soon(at), by=ann, at=at)
    actions.plan(change=proposed(ann, at, "Other", ("acme/api",)), environment="staging", span=soon(at), by=ann, at=at)
    frozen(at)
    released(Repository.objects.create(name=WEB, in_scope_from=at), at)
    _, token = made(ann, at, **values)

    found = events(read(client, token))

    assert {name.rpartition("-")[0] for name in found} == expected


def test_a_feed_is_read_by_a_header_too_and_notes_when(client, ann, at):
    feed, token = made(ann, at)

    assert client.get("/calendar.ics", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert client.head(f"/calendar.ics?token={token}").status_code == 200

    feed.refresh_from_db()
    assert feed.last_used_at >= at


def test_only_a_digest_is_kept_and_the_ledger_has_no_secret(ann, at):
    feed, token = made(ann, at)
    feeds.revoke_feed(feed=feed, at=at)

    assert len(feed.digest) == 64
    assert token not in str(list(CalendarFeed.objects.values()))
    entries = entries_about(stream=f"person:{ann.pk}")
    assert [entry.kind for entry in entries][:2] == ["feed.revoked", "feed.made"]
    assert token not in str([entry.fact for entry in entries])
    assert feed.digest not in str([entry.fact for entry in entries])
    assert str(feed) == f"Phone ({token[:11]}…)"
    with pytest.raises(Stale):
        feeds.revoke_feed(feed=feed, at=at)


def test_what_opens_no_feed_is_answered_with_401_in_words(client, ann, at):
    feed, token = made(ann, at - 100 * DAY, expires_at=at - DAY)
    revoked, gone = made(ann, at)
    feeds.revoke_feed(feed=revoked, at=at)

    answers = {name: read(client, name) for name in ("", "nonsense", "csf_nonsense", token, gone)}

    assert {answer.status_code for answer in answers.values()} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers.values()} == {"Bearer"}
    words = [text(answer).partition(".")[0] for answer in answers.values()]
    assert words == [
        "This address has no token of a calendar feed",
        "This address has no token of a calendar feed",
        "No calendar feed has this token",
        f"This calendar feed ended on {feed.expires_at:%-d %B %Y}",
        f"This calendar feed was revoked on {at:%-d %B %Y}",
    ]
    assert all(f"{settings.BASE_URL}/me/feeds/" in text(answer) for answer in answers.values())
    assert client.post(f"/calendar.ics?token={token}").status_code == 405


def test_whoever_leaves_reads_nothing_from_then_on(client, ann, at):
    _, token = made(ann, at)
    assert read(client, token).status_code == 200

    User.objects.filter(pk=ann.pk).update(is_active=False, left_at=at)

    assert (read(client, token).status_code, "Its owner may not see" in text(read(client, token))) == (401, True)


def test_whoever_loses_the_role_or_becomes_an_auditor_reads_nothing(client, at):
    carl, dana = person("Carl", "engineer"), person("Dana", "engineer")
    tokens = [made(carl, at)[1], made(dana, at)[1]]
    with transaction.atomic(), lifted(connection, "portal_rolegrant"):
        RoleGrant.objects.filter(user__in=[carl, dana]).update(valid_until=at)
    hold(dana, "auditor", since=at)

    assert [read(client, token).status_code for token in tokens] == [401, 401]


def test_a_program_that_asks_too_often_is_told_when_to_come_back(client, ann, at, monkeypatch):
    _, token = made(ann, at)
    _, other = made(ann, at)
    begin = at.timestamp() // pages.WITHIN * pages.WITHIN
    monkeypatch.setattr(pages, "time_of", lambda request: datetime.fromtimestamp(begin + 10, UTC))

    answers = [read(client, token).status_code for _ in range(31)]

    assert answers == [200] * 30 + [429]
    assert read(client, token).headers["Retry-After"] == "290"
    assert read(client, other).status_code == 200
    assert [read(client, "csf_guess").status_code for _ in range(31)][-1] == 429


def test_no_token_reaches_a_log(client, ann, at, caplog):
    _, token = made(ann, at)
    caplog.set_level(logging.DEBUG)

    read(client, token)
    read(client, f"{token}x")

    assert token not in caplog.text


REFUSED = {
    "no name": {"name": " "},
    "nothing": {"kinds": []},
    "an unknown kind": {"kinds": ["secrets"]},
    "too long": {"expires_at": "later"},
}


@pytest.mark.parametrize("values", REFUSED.values(), ids=REFUSED.keys())
def test_a_feed_that_asks_too_much_is_refused(ann, at, values):
    if values.get("expires_at"):
        values = {"expires_at": at + 366 * DAY}

    with pytest.raises(Refused):
        made(ann, at, **values)

    assert not CalendarFeed.objects.exists()


def test_auditors_and_people_without_a_role_make_no_feed(at):
    with pytest.raises(Refused, match="Auditors read in the portal only"):
        made(person("Uma"), at)
    with pytest.raises(Refused, match="may not see changes"):
        made(person("Nobody"), at)


def test_a_person_makes_sees_and_revokes_feeds_on_a_page(client, ann, at):
    sign_in(client, ann)
    given = {"name": "Phone", "kinds": ["window"], "environments": ["production"], "days": "90"}

    wrong = client.post(reverse("make-feed"), {**given, "name": ""})
    page = client.post(reverse("make-feed"), given)
    token = text(page).partition("token=")[2][:47]
    feed = CalendarFeed.objects.get()
    shown = text(client.get(reverse("feeds")))

    assert (wrong.status_code, page.status_code) == (422, 200)
    assert read(client, token).status_code == 200
    assert token not in shown
    assert "planned windows in production. Ends" in shown
    assert client.post(reverse("revoke-feed", args=[feed.pk])).status_code == 302
    assert "Revoked" in text(client.get(reverse("feeds")))
    assert read(client, token).status_code == 401


def test_making_a_feed_asks_for_a_fresh_sign_in_and_others_cannot_revoke_it(client, ann, at):
    sign_in(client, ann, fresh=False)
    assert "reauthenticate" in client.post(reverse("make-feed"), {"name": "x", "kinds": ["window"], "days": "90"}).url
    feed, _ = made(ann, at)
    sign_in(client, person("Bob"))

    assert client.post(reverse("revoke-feed", args=[feed.pk])).status_code == 404
