"""What may be planned, frozen and overridden, and what a time on a clock means."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.calendar import policy
from changes.calendar.facts import Span
from changes.delivery.actor import Actor
from portal.policy.refusal import Refused

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN, BOB, CLEO = (Actor(f"user:{number}", name, person=number) for number, name in enumerate(("Ann", "Bob", "Cleo"), start=1))
BOBS_ACCOUNT = Actor("github:2", "bob", person=2)


def ahead(begins=HOUR, lasts=HOUR):
    return Span(NOW + begins, NOW + begins + lasts)


def why(question, **given):
    """What the refusal says; empty when there is none."""
    try:
        question(**given)
    except Refused as refusal:
        return refusal.why
    return ""


CLOCKS = {
    "an ordinary time": ("2026-11-02 10:00", "Europe/Berlin", "2026-11-02 09:00"),
    "UTC": ("2026-03-29 02:30", "UTC", "2026-03-29 02:30"),
    "before the clocks go forward": ("2026-03-29 01:59", "Europe/Berlin", "2026-03-29 00:59"),
    "after the clocks go forward": ("2026-03-29 03:00", "Europe/Berlin", "2026-03-29 01:00"),
    "before the hour that comes twice": ("2026-10-25 01:59", "Europe/Berlin", "2026-10-24 23:59"),
    "after the hour that comes twice": ("2026-10-25 03:00", "Europe/Berlin", "2026-10-25 02:00"),
    "half an hour of summer time": ("2026-04-05 02:00", "Australia/Lord_Howe", "2026-04-04 15:30"),
}


@pytest.mark.parametrize(("local", "zone", "utc"), CLOCKS.values(), ids=CLOCKS.keys())
def test_a_time_on_a_clock_names_one_moment(local, zone, utc):
    assert policy.moment_of(local=datetime.fromisoformat(local), zone=zone) == datetime.fromisoformat(f"{utc}+00:00")


def test_a_time_that_the_clocks_leave_out_is_answered_in_words():
    with pytest.raises(policy.NoSuchTime) as found:
        policy.moment_of(local=datetime(2026, 3, 29, 2, 30), zone="Europe/Berlin")

    assert str(found.value) == (
        "02:30 on 29 March 2026 does not exist in Europe/Berlin, because clocks go forward. Choose an hour earlier or later."
    )


def test_a_time_that_comes_twice_is_answered_in_words():
    with pytest.raises(policy.NoSuchTime) as found:
        policy.moment_of(local=datetime(2026, 10, 25, 2, 30), zone="Europe/Berlin")

    assert str(found.value) == (
        "02:30 on 25 October 2026 comes twice in Europe/Berlin, because clocks go back: at 00:30 and at 01:30 UTC. "
        "Write it in UTC, or choose another time."
    )


WINDOWS = {
    "ahead": (ahead(), ""),
    "now, typed five minutes ago": (ahead(-policy.TYPING), ""),
    "a week": (ahead(lasts=timedelta(days=7)), ""),
    "the furthest": (ahead(policy.FURTHEST), ""),
    "ends before it begins": (ahead(lasts=-HOUR), "The window ends before it begins."),
    "ends when it begins": (ahead(lasts=timedelta(0)), "The window ends before it begins."),
    "in the past": (ahead(-policy.TYPING - timedelta(seconds=1)), "The window begins in the past."),
    "wholly in the past": (ahead(-3 * HOUR), "The window is over already."),
    "over before it was typed": (ahead(-policy.TYPING, policy.TYPING), "The window is over already."),
    "longer than a week": (ahead(lasts=timedelta(days=7, seconds=1)), "A window lasts at most 7 days."),
    "too far ahead": (ahead(policy.FURTHEST + timedelta(seconds=1)), "A window begins within 400 days."),
}


@pytest.mark.parametrize(("span", "refusal"), WINDOWS.values(), ids=WINDOWS.keys())
def test_window_lies_ahead_and_ends_after_it_begins(span, refusal):
    assert why(policy.check_window, state="proposed", span=span, at=NOW) == refusal


STATES = {
    "draft": "",
    "proposed": "",
    "approved": "",
    "merged": "",
    "released": "The change is in production, so there is nothing left to plan.",
    "rolled_back": "The change is rolled back, so there is nothing left to plan.",
    "closed": "The change is closed, so there is nothing left to plan.",
    "withdrawn": "The change is withdrawn, so there is nothing left to plan.",
}


@pytest.mark.parametrize(("state", "refusal"), STATES.items())
def test_window_is_for_a_change_on_its_way(state, refusal):
    assert why(policy.check_window, state=state, span=ahead(), at=NOW) == refusal


def freeze(**values):
    return {"span": ahead(), "environments": ["production"], "name": "End of year", "reason": "Nobody is here", "at": NOW} | values


FREEZES = {
    "production": (freeze(), ""),
    "both": (freeze(environments=["staging", "production"]), ""),
    "a quarter of a year": (freeze(span=ahead(lasts=timedelta(days=92))), ""),
    "no name": (freeze(name=" "), "The freeze has no name."),
    "no reason": (freeze(reason=" "), "The freeze has no reason."),
    "nothing": (freeze(environments=[]), "A freeze is for staging, for production, or for both."),
    "development": (freeze(environments=["development"]), "A freeze is for staging, for production, or for both."),
    "in the past": (freeze(span=ahead(-HOUR, 2 * HOUR)), "The freeze begins in the past."),
    "too long": (freeze(span=ahead(lasts=timedelta(days=93))), "A freeze lasts at most 92 days."),
}


@pytest.mark.parametrize(("given", "refusal"), FREEZES.values(), ids=FREEZES.keys())
def test_freeze_is_named_explained_and_lies_ahead(given, refusal):
    assert why(policy.check_freeze, **given) == refusal


ENDS = {
    "running": (ahead(-HOUR, 2 * HOUR), False, "over early", ""),
    "ahead": (ahead(), False, "not needed", ""),
    "over": (ahead(-2 * HOUR, 2 * HOUR), False, "over", "The freeze is over already."),
    "ended": (ahead(-HOUR, 2 * HOUR), True, "twice", "The freeze is over already."),
    "without a reason": (ahead(-HOUR, 2 * HOUR), False, " ", "A reason is missing."),
}


@pytest.mark.parametrize(("span", "ended", "reason", "refusal"), ENDS.values(), ids=ENDS.keys())
def test_freeze_is_ended_once_with_a_reason(span, ended, reason, refusal):
    assert why(policy.check_freeze_end, span=span, ended=ended, reason=reason, at=NOW) == refusal


def asked(**values):
    return {"state": "approved", "hard": True, "span": ahead(-HOUR, 2 * HOUR), "reason": "Customers cannot pay", "at": NOW} | values


ASKED = {
    "in a hard freeze": (asked(), ""),
    "before it begins": (asked(span=ahead()), ""),
    "merged": (asked(state="merged"), ""),
    "closed": (asked(state="closed"), "The change is closed, so no freeze holds it."),
    "a soft freeze": (asked(hard=False), "A soft freeze warns and holds nothing, so it needs no override."),
    "over": (asked(span=ahead(-2 * HOUR, 2 * HOUR)), "The freeze is over, so nothing holds the change."),
    "without a reason": (asked(reason=" "), "A reason is missing."),
}


@pytest.mark.parametrize(("given", "refusal"), ASKED.values(), ids=ASKED.keys())
def test_override_is_asked_for_what_holds(given, refusal):
    assert why(policy.check_override_asked, **given) == refusal


CONFIRMED = {
    "another person": (CLEO, ""),
    "the one who asked": (BOB, "You asked for this override yourself."),
    "the one who asked, by another account": (BOBS_ACCOUNT, "You asked for this override yourself."),
    "the requester": (ANN, "You have a hand in this change."),
}


@pytest.mark.parametrize(("confirmer", "refusal"), CONFIRMED.values(), ids=CONFIRMED.keys())
def test_override_is_confirmed_by_somebody_without_a_hand_in_the_change(confirmer, refusal):
    given = {"confirmer": confirmer, "asker": BOB, "contributors": (), "requester": ANN}

    assert why(policy.check_override_confirmed, **given) == refusal


def test_override_is_not_confirmed_by_a_contributor():
    given = {"confirmer": CLEO, "asker": BOB, "contributors": (CLEO,), "requester": ANN}

    assert why(policy.check_override_confirmed, **given) == "You have a hand in this change."


def feed(**values):
    return {"name": "Phone", "kinds": ["window"], "known": ["window", "freeze"], "auditor": False} | values


FEEDS = {
    "named": (feed(), ""),
    "of an auditor": (feed(auditor=True), "Auditors read in the portal only, so that each page stands in the read log."),
    "without a name": (feed(name=" "), "The feed has no name."),
    "of nothing": (feed(kinds=[]), "The feed shows nothing."),
    "of something unknown": (feed(kinds=["secrets"]), "The feed shows nothing."),
}


@pytest.mark.parametrize(("given", "refusal"), FEEDS.values(), ids=FEEDS.keys())
def test_feed_is_named_and_shows_something(given, refusal):
    assert why(policy.check_feed, **given) == refusal
