"""The plan of a year is pure: its seed says everything, and every step refers only to what has happened before it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from changes.desk.demo.year import player
from changes.desk.demo.year.days import easter, holidays, is_working_day, working_days
from changes.desk.demo.year.plan import plan
from changes.desk.demo.year.playbook import DEEDS
from changes.desk.demo.year.program import meetings
from changes.desk.demo.year.scenarios import SCENARIOS
from changes.desk.demo.year.steps import Act, ChangeOf, Deed, Given

LAST = date(2026, 11, 19)


def given_in(value: Any) -> Iterator[Given]:
    """Every ``Given`` in the arguments of a step."""
    if isinstance(value, Given):
        yield value
    elif isinstance(value, ChangeOf):
        yield value.number
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from given_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from given_in(inner)


def words_in(value: Any) -> Iterator[str]:
    """Every text in the arguments of a step, names of files among them."""
    if isinstance(value, str):
        yield value.lower()
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from words_in(name)
            yield from words_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from words_in(inner)


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_seed_gives_a_year_of_its_own_in_the_order_of_time(seed):
    made = plan(seed=seed, scale=0.05, last=LAST)

    assert made == plan(seed=seed, scale=0.05, last=LAST)
    assert made.steps != plan(seed=seed + 100, scale=0.05, last=LAST).steps
    names = Counter(step.name for step in made.steps)
    assert names.most_common(1)[0][1] == 1
    assert [step.at for step in made.steps] == sorted(step.at for step in made.steps)
    seen: set[str] = set()
    for step in made.steps:
        if isinstance(step, Act | Deed):
            assert {given.of for given in given_in(step.arguments)} <= seen, step
        seen.add(step.name)
    assert {step.deed for step in made.steps if isinstance(step, Deed)} <= DEEDS.keys()
    assert {given.of for expect in made.expected for given in given_in(expect.subject)} <= seen


def test_a_whole_year_is_as_large_as_it_is_said_to_be():
    made = plan(seed=1, scale=1.0, last=LAST)

    acts = Counter(step.act for step in made.steps if isinstance(step, Act))
    deeds = Counter(step.deed for step in made.steps if isinstance(step, Deed))
    assert 1100 <= acts["open-work"] + acts["promote"] <= 1400
    assert 380 <= acts["promote"] <= 430
    assert sum(step.arguments.get("base") == "prod" for step in made.steps if isinstance(step, Act)) >= 14
    assert (deeds["hold_meeting"], deeds["send_version"], deeds["publish_course"], deeds["practise"]) == (25, 2, 3, 6)
    sent = {step.arguments["number"]: step for step in made.steps if isinstance(step, Deed) and step.deed == "send_version"}
    for number, step in sent.items():
        taken = [other.at for other in made.steps if other.name.startswith(f"course-{number}/")]
        assert step.arguments["holds_from"] < min(taken) < max(taken) < step.arguments["holds_from"] + timedelta(days=3)
    assert sum(not scenario.trap for scenario in SCENARIOS.values()) >= 20
    assert sum(scenario.trap for scenario in SCENARIOS.values()) >= 20
    assert len({expect.kind for expect in made.expected}) >= 20


def test_titles_are_plain_and_nothing_that_people_see_names_a_scenario():
    made = plan(seed=4, scale=1.0, last=LAST)
    keys = [form for key in SCENARIOS if "-" in key for form in (key, key.replace("-", " "), key.replace("-", "_"))]
    seen = Counter()
    for step in made.steps:
        if isinstance(step, Act | Deed):
            words = " ".join(words_in(list(step.arguments.values())))
            assert not [key for key in keys if key in words], step
        if isinstance(step, Act) and step.act == "open-work" and not step.arguments["title"].startswith("EMERGENCY"):
            seen[step.arguments["repository"], step.arguments["title"]] += 1

    assert len(seen) > 800
    assert set(seen.values()) == {1}
    assert not [title for _, title in seen if "(" in title]


def test_people_work_by_day_and_nothing_takes_the_same_time_everywhere():
    made = plan(seed=5, scale=1.0, last=LAST)
    taken = [step for step in made.steps if isinstance(step, Deed) and step.deed in ("train", "sign_month", "review_access")]
    ordinary = [step for step in made.steps if step.name.startswith("day-")]
    opened = {step.name: step.at for step in ordinary if isinstance(step, Act) and step.act == "open-work"}
    waits = Counter()
    for step in ordinary:
        if isinstance(step, Act) and step.act == "github/merge" and step.arguments["number"].of in opened:
            waits[step.at - opened[step.arguments["number"].of]] += 1

    assert {step.at.weekday() < 5 and 6 <= step.at.hour <= 16 for step in taken} == {True}
    assert len(waits) > 200
    assert max(waits) > timedelta(hours=20)


def test_too_short_a_year_has_no_room_for_the_scenarios():
    with pytest.raises(ValueError, match="plan more weeks"):
        plan(seed=1, scale=0.0, last=LAST, weeks=3)


def test_nobody_works_on_weekends_and_holidays():
    days = working_days(date(2026, 3, 30), date(2026, 4, 10))

    assert easter(2026) == date(2026, 4, 5)
    assert [day.day for day in days] == [30, 31, 1, 2, 7, 8, 9, 10]
    assert date(2026, 12, 25) in holidays(2026)


@pytest.mark.parametrize(("day", "works"), [((2026, 5, 1), False), ((2026, 5, 2), False), ((2026, 5, 4), True)])
def test_nobody_answers_on_a_holiday_evening(monkeypatch, day, works):
    answered, playing = [], object.__new__(player.Player)
    playing._work = SimpleNamespace(turn=lambda at: None, at=None)
    playing.plan = SimpleNamespace(expected=())
    monkeypatch.setattr(player, "see_to_all", lambda explained, at: answered.append(at))

    playing._evening(datetime(*day, 23, tzinfo=UTC))

    assert (bool(answered), is_working_day(date(*day))) == (works, works)


def test_a_meeting_on_a_holiday_is_held_on_the_next_working_day():
    off = frozenset({date(2026, 10, 20)})

    made = meetings(last=LAST, weeks=10, holidays=off, told=False)

    assert made.missed is not None
    assert made.missed.at.date() == date(2026, 10, 21)
    assert [f"{one.at:%d %b}" for one in made.held] == ["22 Sep", "06 Oct", "03 Nov", "17 Nov"]
