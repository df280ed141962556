"""Conflicts, and the next free window."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from changes.calendar.facts import Assets, Conflict, Freezing, Span, Window
from changes.calendar.scheduling import busy_for, conflicts_of, next_free
from portal.policy.parameters import DEFAULT

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEB = Assets("production", frozenset({"acme/web"}), frozenset({"web-prod"}))
API = Assets("production", frozenset({"acme/api"}))
SITE = Assets("production", frozenset({"acme/site"}), frozenset({"web-prod"}))
IN_STAGING = replace(WEB, environment="staging")


def at(hour, minute=0, day=0):
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def window(number=7, begins=10, ends=11, assets=WEB):
    return Window(number, f"Change {number}", Span(at(begins), at(ends)), assets)


def freeze(hard=True, begins=10, ends=11, **scope):
    return Freezing(1, "End of year", hard, Span(at(begins), at(ends)), frozenset({"production"}), **scope)


def conflicts(*windows, freezes=(), assets=WEB, own=None):
    return conflicts_of(span=Span(at(10), at(11)), assets=assets, windows=windows, freezes=freezes, own=own)


OTHERS = {
    "the same repository at the same time": (window(), ("acme/web", "web-prod")),
    "another repository of the same app": (window(assets=SITE), ("web-prod",)),
    "beginning in its last minute": (window(begins=10.98, ends=12), ("acme/web", "web-prod")),
    "beginning when it ends": (window(begins=11, ends=12), None),
    "ending when it begins": (window(begins=9, ends=10), None),
    "another repository": (window(assets=API), None),
    "another environment": (window(assets=IN_STAGING), None),
    "nothing known of what it touches": (window(assets=Assets("production")), None),
}


@pytest.mark.parametrize(("other", "shared"), OTHERS.values(), ids=OTHERS.keys())
def test_windows_over_the_same_assets_at_the_same_time_conflict(other, shared):
    expected = () if shared is None else (Conflict("window", other.title, other.span, shared, other.change),)

    assert conflicts(other) == expected


def test_a_change_is_in_no_conflict_with_itself():
    assert conflicts(window(number=7), own=7) == ()


FREEZES = {
    "of everything": (freeze(), "hard"),
    "that warns": (freeze(hard=False), "soft"),
    "of the repository": (freeze(repositories=frozenset({"acme/web"})), "hard"),
    "of its app": (freeze(apps=frozenset({"web-prod"})), "hard"),
    "of another repository": (freeze(repositories=frozenset({"acme/api"})), None),
    "of another app": (freeze(apps=frozenset({"api-prod"})), None),
    "of staging": (replace(freeze(), environments=frozenset({"staging"})), None),
    "later": (freeze(begins=11, ends=12), None),
}


@pytest.mark.parametrize(("frozen", "kind"), FREEZES.values(), ids=FREEZES.keys())
def test_a_freeze_of_the_assets_at_that_time_conflicts(frozen, kind):
    found = conflicts(freezes=[frozen])

    assert found == (() if kind is None else (Conflict(kind, "End of year", frozen.span),))


def test_conflicts_come_in_the_order_of_time():
    found = conflicts(window(9, 10.5, 12), window(8, 9, 10.5), freezes=[freeze(begins=10, ends=12)])

    assert [conflict.title for conflict in found] == ["Change 8", "End of year", "Change 9"]


def free(after, *busy, length=HOUR, **parameters):
    found = next_free(after=after, length=length, busy=busy, parameters=replace(DEFAULT, **parameters))
    return None if found is None else (found.starts_at, found.ends_at)


SUGGESTIONS = {
    "at once": (at(10), (), (at(10), at(11))),
    "at the next quarter": (at(10, 1), (), (at(10, 15), at(11, 15))),
    "from the first hour": (at(6), (), (at(9), at(10))),
    "the last that fits": (at(16), (), (at(16), at(17))),
    "tomorrow, when today is over": (at(16, 1), (), (at(9, day=1), at(10, day=1))),
    "on Monday, when it is Friday evening": (at(18, day=4), (), (at(9, day=7), at(10, day=7))),
    "on Monday, when it is Saturday": (at(10, day=5), (), (at(9, day=7), at(10, day=7))),
    "after another": (at(9), (Span(at(9), at(10)),), (at(10), at(11))),
    "after another that ends between quarters": (at(9), (Span(at(9), at(10, 5)),), (at(10, 15), at(11, 15))),
    "between two": (at(9), (Span(at(11), at(12)), Span(at(9), at(10))), (at(10), at(11))),
    "not into a gap that is too small": (at(9), (Span(at(9), at(10)), Span(at(10, 45), at(12))), (at(12), at(13))),
    "after a freeze of days": (at(9), (Span(at(0), at(12, day=2)),), (at(12, day=2), at(13, day=2))),
}


@pytest.mark.parametrize(("after", "busy", "expected"), SUGGESTIONS.values(), ids=SUGGESTIONS.keys())
def test_the_next_free_window_is_suggested(after, busy, expected):
    assert free(after, *busy) == expected


def test_hours_of_release_follow_the_clocks_of_their_zone():
    berlin = {"release_zone": "Europe/Berlin", "release_hours": (10, 12)}

    assert free(datetime(2026, 10, 23, 12, tzinfo=UTC), **berlin)[0] == datetime(2026, 10, 26, 9, tzinfo=UTC)
    assert free(datetime(2026, 10, 23, 6, tzinfo=UTC), **berlin)[0] == datetime(2026, 10, 23, 8, tzinfo=UTC)


def test_nothing_is_suggested_when_nothing_is_free_for_sixty_days():
    assert free(at(9), Span(at(0), at(0, day=70))) is None
    assert free(at(9), length=timedelta(hours=9)) is None


def test_what_is_busy_for_an_asset_is_what_touches_it():
    others = [window(7), window(8, 12, 13, API), window(9, 14, 15)]
    frozen = [freeze(begins=16, ends=17), freeze(repositories=frozenset({"acme/api"}))]

    assert busy_for(assets=WEB, windows=others, freezes=frozen, own=9) == [Span(at(10), at(11)), Span(at(16), at(17))]
