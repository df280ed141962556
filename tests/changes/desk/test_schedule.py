"""The panel "Schedule" and the page of freezes: what is planned, what cannot be, and what two people let through."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.calendar import actions, overriding
from changes.calendar.models import Freeze, FreezeOverride, OverrideAnswer, PlannedWindow
from changes.delivery.models import Repository
from portal.access.models import User
from tests.changes.desk.calendars import HOUR, WEB, frozen, proposed, released, somebody, soon, text
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def repository(at):
    return Repository.objects.create(name=WEB, in_scope_from=at)


def page_of(client, change):
    return text(client.get(reverse("change", args=[change.number])))


def planned(client, change, at, begins=30, lasts=1, **values):
    """Post the form of a window, times in UTC."""
    starts = at + begins * HOUR
    given = {"environment": "production", "zone": "UTC", "starts": f"{starts:%Y-%m-%dT%H:%M}"}
    given |= {"ends": f"{starts + lasts * HOUR:%Y-%m-%dT%H:%M}"}
    return client.post(reverse("plan-window", args=[change.number]), given | values)


def test_a_window_is_planned_and_cancelled_on_the_page(client, ann, repository, at):
    change = proposed(ann, at)
    sign_in(client, ann)
    assert "No window is planned." in page_of(client, change)

    assert planned(client, change, at).status_code == 302
    shown = page_of(client, change)
    assert "planned by Ann" in shown
    assert "planned when it goes out" in shown
    assert client.post(reverse("cancel-window", args=[change.number, "production"])).status_code == 302

    assert "No window is planned." in page_of(client, change)
    assert [row.cancelled for row in PlannedWindow.objects.order_by("number")] == [False, True]
    assert client.post(reverse("cancel-window", args=[change.number, "production"])).status_code == 409


WRONG = {
    "ends before it begins": ({"lasts": -1}, "The window ends before it begins."),
    "in the past": ({"begins": -5}, "The window is over already."),
    "longer than a week": ({"lasts": 24 * 8}, "A window lasts at most 7 days."),
    "no time": ({"starts": "tomorrow"}, "Write a day and a time"),
    "nothing": ({"starts": "", "ends": ""}, "Write when it begins"),
    "no such place": ({"environment": "moon"}, "Select a valid choice."),
    "no such zone": ({"zone": "Mars/Olympus"}, "Select a valid choice."),
}


@pytest.mark.parametrize(("values", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_window_that_cannot_be_is_answered_in_words(client, ann, repository, at, values, words):
    change = proposed(ann, at)
    sign_in(client, ann)

    answer = planned(client, change, at, **values)

    assert answer.status_code == 422
    assert words in text(answer)
    assert "<title>Problem:" in text(answer)
    assert not PlannedWindow.objects.exists()


def next_change(zone, at, *, back):
    """A local time that the zone's clocks leave out, or show twice, when they next go forward or back."""
    step, moment = timedelta(minutes=30), at.replace(minute=0, second=0, microsecond=0)
    for _ in range(2 * 24 * 400):
        moment += step
        here, there = moment.astimezone(zone).replace(tzinfo=None), (moment + step).astimezone(zone).replace(tzinfo=None)
        jump = there - here - step
        if jump and (jump < timedelta(0)) == back:
            return there if back else here + step
    raise AssertionError("the clocks of this zone never change")


@pytest.mark.parametrize(("back", "words"), [(False, "does not exist in Europe/Berlin"), (True, "comes twice in Europe/Berlin")])
def test_a_time_at_the_change_of_the_clocks_is_answered_in_words(client, ann, repository, at, back, words):
    change = proposed(ann, at)
    User.objects.filter(pk=ann.pk).update(time_zone="Europe/Berlin")
    sign_in(client, User.objects.get(pk=ann.pk))
    local = next_change(ZoneInfo("Europe/Berlin"), at, back=back)
    given = {"starts": f"{local:%Y-%m-%dT%H:%M}", "ends": f"{local + 6 * HOUR:%Y-%m-%dT%H:%M}", "zone": "Europe/Berlin"}

    answer = planned(client, change, at, **given)

    assert answer.status_code == 422
    assert words in text(answer)
    assert f'value="{given["starts"]}"' in text(answer)
    assert planned(client, change, at, **(given | {"zone": "UTC"})).status_code == 302


def test_times_are_entered_in_the_persons_zone_and_kept_in_utc(client, ann, repository, at):
    change = proposed(ann, at)
    User.objects.filter(pk=ann.pk).update(time_zone="Asia/Tokyo")
    sign_in(client, User.objects.get(pk=ann.pk))
    day = (at + timedelta(days=3)).date()

    planned(client, change, at, starts=f"{day}T09:00", ends=f"{day}T10:00", zone="Asia/Tokyo")

    assert PlannedWindow.objects.get().starts_at == datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert "09:00 to 10:00 (Asia/Tokyo)" in page_of(client, change)


def test_a_conflict_is_shown_first_and_planned_over_on_purpose(client, ann, repository, at):
    change, other = proposed(ann, at), proposed(ann, at, "Drop the table", ("acme/site",))
    for of in (repository, Repository.objects.create(name="acme/site", in_scope_from=at)):
        released(of, at - HOUR, app="web-prod")
    actions.plan(change=other, environment="production", span=soon(at, 29, 4), by=ann, at=at)
    sign_in(client, ann)

    first = planned(client, change, at)
    second = planned(client, change, at, anyway="on")

    assert (first.status_code, second.status_code) == (422, 302)
    assert "CHG-1002 Drop the table is planned for the same time and touches web-prod." in text(first)
    assert "Plan it anyway" in text(first)


def test_the_next_free_window_is_one_click_away(client, ann, repository, at):
    change = proposed(ann, at)
    sign_in(client, ann)
    form = page_of(client, change).partition("Next free for production")[0].rpartition("<form")[2]
    names = ("environment", "zone", "starts", "ends")
    given = {name: form.partition(f'name="{name}" value="')[2].partition('"')[0] for name in names}

    assert client.post(reverse("plan-window", args=[change.number]), given).status_code == 302

    row = PlannedWindow.objects.get()
    assert (row.environment, row.ends_at - row.starts_at, row.starts_at.weekday() < 5) == ("production", HOUR, True)


@pytest.mark.parametrize("name", ["Mia", "Rex"])
def test_who_does_not_build_sees_the_plan_and_no_form(client, ann, repository, at, name):
    change = proposed(ann, at)
    actions.plan(change=change, environment="production", span=soon(at), by=ann, at=at)
    sign_in(client, person(name))

    shown = page_of(client, change)

    assert "planned by Ann" in shown
    assert "Plan a window" not in shown
    assert planned(client, change, at).status_code == 403


def test_a_freeze_is_overridden_by_two_people_on_the_page(client, ann, repository, at):
    change, freeze = proposed(ann, at), frozen(at)
    sign_in(client, person("Bob"))
    assert "holds production" in page_of(client, change)
    ask = reverse("ask-override", args=[change.number])

    assert client.post(ask, {"freeze": freeze.pk, "reason": " "}).status_code == 422
    assert client.post(ask, {"freeze": freeze.pk, "reason": "Customers cannot pay"}).status_code == 302
    row = FreezeOverride.objects.get()
    confirm = reverse("confirm-override", args=[change.number, row.pk])
    assert "Confirm the override" not in page_of(client, change)
    assert client.post(confirm, {"digest": row.digest}).status_code in (403, 422)
    sign_in(client, somebody("Cleo"))
    assert "Customers cannot pay" in page_of(client, change)
    assert "Confirm or refuse an override" in text(client.get("/"))
    assert client.post(confirm, {"digest": "nonsense"}).status_code == 409
    assert client.post(confirm, {"digest": row.digest}).status_code == 302

    assert OverrideAnswer.objects.get().verdict == "yes"
    assert "was overridden for this change by Bob and Cleo: Customers cannot pay" in page_of(client, change)
    assert "Confirm or refuse an override" not in text(client.get("/"))


def test_an_override_is_refused_on_the_page(client, ann, repository, at):
    change, cleo = proposed(ann, at), somebody("Cleo")
    row = overriding.ask_override(change=change, freeze=frozen(at), reason="x", by=person("Bob"), at=at)
    sign_in(client, cleo)

    assert client.post(reverse("refuse-override", args=[change.number, row.pk])).status_code == 302

    assert OverrideAnswer.objects.get().verdict == "no"
    assert "Ask for an override" in page_of(client, change)


def test_the_page_of_a_change_keeps_its_budget_with_a_full_schedule(client, ann, repository, at, django_assert_max_num_queries):
    change = proposed(ann, at)
    for number in range(4):
        other = proposed(ann, at, f"Other {number}")
        actions.plan(change=other, environment="production", span=soon(at), by=ann, at=at)
    actions.plan(change=change, environment="production", span=soon(at), by=ann, at=at)
    overriding.ask_override(change=change, freeze=frozen(at), reason="x", by=person("Bob"), at=at)
    sign_in(client, somebody("Cleo"))
    page_of(client, change)

    with django_assert_max_num_queries(12):
        page_of(client, change)


def freeze_form(at, **values):
    starts = at + HOUR
    given = {"name": "End of year", "level": "hard", "environments": ["production"], "reason": "Rest", "zone": "UTC"}
    given |= {"starts": f"{starts:%Y-%m-%dT%H:%M}", "ends": f"{starts + 48 * HOUR:%Y-%m-%dT%H:%M}"}
    return given | values


def test_those_who_oversee_set_and_end_freezes(client, repository, at):
    released(repository, at)
    sign_in(client, person("Mia"))

    made = client.post(reverse("set-freeze"), freeze_form(at, repositories=[WEB], apps=["web-prod"]))
    freeze = Freeze.objects.get()
    page = text(client.get(reverse("freezes")))
    empty = client.post(reverse("end-freeze", args=[freeze.pk]), {"reason": ""})
    ended = client.post(reverse("end-freeze", args=[freeze.pk]), {"reason": "Not needed"})

    assert (made.status_code, empty.status_code, ended.status_code) == (302, 422, 302)
    assert (freeze.repositories, freeze.apps) == ([WEB], ["web-prod"])
    assert "acme/web, web-prod, in production" in page
    assert "ended before it began" in text(client.get(reverse("freezes")))


UNFIT = {
    "ends before it begins": ({"ends": "2020-01-01T10:00"}, "The freeze ends before it begins."),
    "no name": ({"name": ""}, "Name the freeze, such as End of year"),
    "nothing": ({"environments": []}, "Choose what it freezes"),
    "development": ({"environments": ["development"]}, "Select a valid choice."),
    "no reason": ({"reason": " "}, "Say in a sentence why nothing goes out"),
}


@pytest.mark.parametrize(("values", "words"), UNFIT.values(), ids=UNFIT.keys())
def test_a_freeze_that_cannot_be_is_answered_in_words(client, at, values, words):
    sign_in(client, person("Mia"))

    answer = client.post(reverse("set-freeze"), freeze_form(at, **values))

    assert answer.status_code == 422
    assert words in text(answer)
    assert not Freeze.objects.exists()


def test_others_see_freezes_and_set_none(client, ann, at):
    frozen(at)
    sign_in(client, ann)

    page = text(client.get(reverse("freezes")))

    assert "End of year" in page
    assert "Set a freeze" not in page
    assert client.post(reverse("set-freeze"), freeze_form(at)).status_code == 403
