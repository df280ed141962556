"""Planning, freezing and overriding: evidence for each step, and what is refused."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from changes.calendar import actions, overriding
from changes.calendar.facts import Span
from changes.calendar.models import Freeze, FreezeOverride, OverrideAnswer, PlannedWindow
from changes.calendar.queries import confirmed_overrides, freezes_over, freezes_within, newest_windows, standing_windows
from changes.proposals import actions as proposals
from changes.proposals import submitting
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def change(ann, at):
    return submitting.submit(given=GIVEN, by=ann, ready=True, at=at)


def ahead(at, begins=1, lasts=1):
    return Span(at + begins * HOUR, at + (begins + lasts) * HOUR)


def frozen(by, at, **values):
    given = {
        "name": "End of year",
        "level": "hard",
        "span": ahead(at, 0, 48),
        "environments": ["production"],
        "repositories": [],
        "apps": [],
        "reason": "Nobody is here",
    }
    return actions.set_freeze(**(given | values), by=by, at=at)


def kinds(change):
    return [entry.kind for entry in entries_about(stream=f"change:{change.number}")]


def test_the_newest_plan_counts_and_every_one_stays(change, ann, at):
    first = actions.plan(change=change, environment="production", span=ahead(at), by=ann, at=at)
    second = actions.plan(change=change, environment="production", span=ahead(at, 3), by=ann, at=at)
    staging = actions.plan(change=change, environment="staging", span=ahead(at), by=ann, at=at)

    assert (first.number, second.number, staging.number) == (0, 1, 0)
    assert list(standing_windows(span=ahead(at, 0, 9))) == [staging, second]
    assert PlannedWindow.objects.count() == 3
    assert kinds(change).count("window.planned") == 3


def test_a_cancelled_window_is_a_row_and_stands_no_more(change, ann, at):
    actions.plan(change=change, environment="production", span=ahead(at), by=ann, at=at)

    row = actions.cancel(change=change, environment="production", by=ann, at=at)

    assert (row.number, row.cancelled) == (1, True)
    assert list(standing_windows(span=ahead(at, 0, 9))) == []
    assert list(newest_windows()) == [row]
    with pytest.raises(Stale):
        actions.cancel(change=change, environment="production", by=ann, at=at)
    with pytest.raises(Stale):
        actions.cancel(change=change, environment="staging", by=ann, at=at)


def test_a_plan_that_ends_before_it_begins_changes_nothing(change, ann, at):
    with pytest.raises(Refused, match="ends before it begins"):
        actions.plan(change=change, environment="production", span=ahead(at, 2, -1), by=ann, at=at)

    assert not PlannedWindow.objects.exists()


def test_the_database_takes_no_window_that_ends_before_it_begins(change, ann, at):
    with pytest.raises(IntegrityError, match="planned_window_ends_later"), transaction.atomic():
        PlannedWindow.objects.create(
            change=change, environment="production", starts_at=at, ends_at=at - HOUR, number=0, by=ann, at=at
        )


@pytest.mark.parametrize("name", ["Mia", "Uma", "Rex"])
def test_who_does_not_build_does_not_plan(change, at, name):
    with pytest.raises(Refused, match="may not plan"):
        actions.plan(change=change, environment="production", span=ahead(at), by=person(name), at=at)


def test_a_freeze_holds_from_its_beginning_until_it_is_ended(at):
    mia = person("Mia")
    freeze = frozen(mia, at, environments=["production", "staging"], repositories=["acme/web"], apps=["web-prod"])

    end = actions.end_freeze(freeze=freeze, reason="Done early", by=mia, at=at + HOUR)

    assert end.ends_at == at + HOUR
    assert list(freezes_within(span=Span(at + HOUR, at + 2 * HOUR))) == []
    assert list(freezes_within(span=Span(at, at + HOUR))) == [freeze]
    entries = entries_about(stream=f"freeze:{freeze.pk}")
    assert [entry.kind for entry in entries] == ["freeze.ended_early", "freeze.set"]
    assert entries[1].fact["repositories"] == ["acme/web"]
    with pytest.raises(Refused, match="over already"):
        actions.end_freeze(freeze=freeze, reason="Again", by=mia, at=at + HOUR)


def test_a_freeze_that_is_ended_before_it_begins_never_begins(at):
    mia = person("Mia")
    freeze = frozen(mia, at, span=ahead(at, 5, 5))

    actions.end_freeze(freeze=freeze, reason="Not needed", by=mia, at=at)

    assert list(freezes_within(span=ahead(at, 0, 48))) == []


@pytest.mark.parametrize("name", ["Ann", "Bob", "Uma", "Rex"])
def test_only_those_who_oversee_set_and_end_freezes(at, name):
    freeze = frozen(person("Cleo"), at)
    somebody = person(name)

    with pytest.raises(Refused, match="may not set and end freezes"):
        frozen(somebody, at)
    with pytest.raises(Refused, match="may not set and end freezes"):
        actions.end_freeze(freeze=freeze, reason="I want to", by=somebody, at=at)
    assert Freeze.objects.count() == 1


def test_freezes_are_found_for_the_repositories_that_they_cover(at):
    dev = person("Dev")
    frozen(dev, at, name="All")
    frozen(dev, at, name="Web", repositories=["acme/web"])
    frozen(dev, at, name="App", apps=["no-such-app"])

    found = freezes_over(repositories=["acme/web", "acme/api"], span=Span(at, at + HOUR))

    assert {freeze.name: covered for freeze, covered in found} == {"All": {"acme/web", "acme/api"}, "Web": {"acme/web"}}


def asked(change, freeze, by, at):
    return overriding.ask_override(change=change, freeze=freeze, reason="Customers cannot pay", by=by, at=at)


def confirmed(row, by, at, **values):
    given = {"digest": row.digest, "authenticated_at": at} | values
    return overriding.confirm_override(override=row, by=by, at=at, **given)


def test_two_people_override_a_freeze_for_one_change(change, at):
    bob, cleo = person("Bob"), person("Cleo")
    freeze = frozen(cleo, at)

    row = asked(change, freeze, bob, at)
    answer = confirmed(row, cleo, at + HOUR)

    assert (answer.verdict, answer.by, len(row.digest)) == ("yes", cleo, 64)
    assert list(confirmed_overrides(change)) == [row]
    assert [kind for kind in kinds(change) if kind.startswith("freeze")] == ["freeze.override_confirmed", "freeze.override_asked"]
    with pytest.raises(Stale, match="decided on this override already"):
        confirmed(row, person("Dev"), at + HOUR)
    with pytest.raises(Stale, match="has an override"):
        asked(change, freeze, bob, at + HOUR)


def test_nobody_overrides_a_freeze_alone(change, at):
    bob = person("Bob")
    row = asked(change, frozen(person("Cleo"), at), bob, at)

    with pytest.raises(Refused, match="asked for this override yourself"):
        confirmed(row, bob, at)
    with pytest.raises(IntegrityError, match="another person"), transaction.atomic():
        OverrideAnswer.objects.create(override=row, verdict="yes", by=bob, at=at)


def test_the_requester_cannot_be_the_second_person(at):
    bob, cleo = person("Bob"), person("Cleo")
    change = submitting.submit(given=GIVEN, by=cleo, ready=True, at=at)
    row = asked(change, frozen(cleo, at), bob, at)

    with pytest.raises(Refused, match="a hand in this change"):
        confirmed(row, cleo, at)


@pytest.mark.parametrize("name", ["Ann", "Mia", "Rex"])
def test_only_those_who_decide_override(change, at, name):
    row = asked(change, frozen(person("Cleo"), at), person("Bob"), at)
    somebody = person("Somebody") if name == "Ann" else person(name)

    for act in (
        lambda: asked(change, row.freeze, somebody, at),
        lambda: confirmed(row, somebody, at),
        lambda: overriding.refuse_override(override=row, by=somebody, at=at),
    ):
        with pytest.raises(Refused, match="may not override a freeze"):
            act()


def test_a_confirmation_repeats_what_was_read_with_a_fresh_sign_in(change, at):
    cleo = person("Cleo")
    row = asked(change, frozen(cleo, at), person("Bob"), at)

    with pytest.raises(Stale, match="not the one that you read"):
        confirmed(row, cleo, at, digest="0" * 64)
    with pytest.raises(Refused, match="not older than 5 minutes"):
        confirmed(row, cleo, at, authenticated_at=at - HOUR)
    assert not OverrideAnswer.objects.exists()


def test_an_override_is_for_the_text_that_was_read(change, ann, at):
    cleo = person("Cleo")
    row = asked(change, frozen(cleo, at), person("Bob"), at)
    submitting.resubmit(change=change, given={**GIVEN, "why": "very slow"}, by=ann, at=at)

    with pytest.raises(Stale, match="edited"):
        confirmed(row, cleo, at)


def test_an_override_that_nobody_confirms_lapses_and_can_be_asked_for_anew(change, at):
    bob, cleo = person("Bob"), person("Cleo")
    freeze = frozen(cleo, at, span=ahead(at, 0, 24 * 10))
    row = asked(change, freeze, bob, at)
    with pytest.raises(Stale, match="waits for"):
        asked(change, freeze, bob, at)
    later = at + overriding.OVERRIDE_LIVES

    with pytest.raises(Stale, match="lapsed"):
        confirmed(row, cleo, later)

    asked(change, freeze, bob, later)
    assert FreezeOverride.objects.count() == 2


def test_an_override_is_refused_or_taken_back(change, at):
    bob, cleo = person("Bob"), person("Cleo")
    freeze = frozen(cleo, at)

    refused = overriding.refuse_override(override=asked(change, freeze, bob, at), by=cleo, at=at)
    back = overriding.refuse_override(override=asked(change, freeze, bob, at), by=bob, at=at)

    assert (refused.verdict, back.verdict) == ("no", "no")
    assert not confirmed_overrides(change).exists()
    assert kinds(change).count("freeze.override_refused") == 2


def test_a_freeze_that_was_ended_needs_no_override(change, at):
    mia = person("Mia")
    freeze = frozen(mia, at)
    actions.end_freeze(freeze=freeze, reason="Done", by=mia, at=at)

    with pytest.raises(Refused, match="freeze is over"):
        asked(change, freeze, person("Bob"), at + HOUR)


def test_a_withdrawn_change_plans_and_overrides_nothing(change, ann, at):
    proposals.press(change=change, verb="withdraw", by=ann, at=at)

    with pytest.raises(Refused, match="withdrawn"):
        actions.plan(change=change, environment="production", span=ahead(at), by=ann, at=at)
    with pytest.raises(Refused, match="withdrawn"):
        asked(change, frozen(person("Cleo"), at), person("Bob"), at)


def test_a_window_and_a_freeze_and_an_override_have_names(change, ann, at):
    window = actions.plan(change=change, environment="production", span=ahead(at), by=ann, at=at)
    cleo = person("Cleo")
    freeze = frozen(cleo, at)
    row = asked(change, freeze, person("Bob"), at)
    answer = confirmed(row, cleo, at)
    end = actions.end_freeze(freeze=freeze, reason="Done", by=cleo, at=at)

    assert [str(item) for item in (freeze, row, answer)] == [
        "End of year",
        "CHG-1001 in End of year",
        "CHG-1001 in End of year: yes",
    ]
    assert str(window).startswith("CHG-1001 production 20")
    assert str(end).startswith("End of year ended 20")
