"""Risk: every answer and every measured fact adds its points, and says why."""

from dataclasses import replace
from datetime import timedelta

import pytest

from changes.proposals.risk import BY_CODE, QUESTIONS, Measured, Reason, accepted, assess, level_of
from portal.policy.parameters import DEFAULT

SMALL = Measured(files=3, lines=12, repositories=("acme/web",))
NOT_ANSWERED = "The questionnaire was not answered."


def reasons(answers=(), **measured):
    """The reasons that add something, without those of a small change in one repository."""
    found = assess(dict(answers), replace(SMALL, **measured))
    return [(reason.points, reason.text) for reason in found.reasons if reason.points]


def test_a_small_change_adds_nothing_and_says_what_was_looked_at():
    found = assess({}, SMALL)

    assert (found.points, found.level) == (0, "low")
    assert found.reasons == (Reason(0, NOT_ANSWERED), Reason(0, "3 files."), Reason(0, "12 changed lines."))


def test_what_is_not_known_is_said():
    assert assess({}, Measured()).reasons == (
        Reason(0, NOT_ANSWERED),
        Reason(0, "The files have not been counted yet."),
        Reason(0, "The changed lines have not been counted yet."),
    )


ANSWERS = {
    "only the team": ("reach", "team", []),
    "some customers": ("reach", "some", [(2, "Who notices if it goes wrong? Some customers.")]),
    "all customers": ("reach", "all", [(4, "Who notices if it goes wrong? All customers.")]),
    "a release back": ("undo", "release", []),
    "steps": ("undo", "steps", [(2, "How is it undone? With steps by hand.")]),
    "no way back": ("undo", "hard", [(5, "How is it undone? Not completely.")]),
    "no data": ("data", "none", []),
    "data added": ("data", "adds", [(1, "What happens to stored data? Something is added.")]),
    "data lost": ("data", "loses", [(4, "What happens to stored data? Something is changed or deleted.")]),
    "nobody else's service": ("outside", "no", []),
    "a known service": ("outside", "known", [(1, "Does it rest on another company's service? On one that is in use already.")]),
    "a new service": ("outside", "new", [(3, "Does it rest on another company's service? On a new one.")]),
    "no access": ("access", "no", []),
    "access": ("access", "yes", [(3, "Does it change who may do what? Yes.")]),
    "tested": ("tested", "tests", []),
    "by hand": ("tested", "hand", [(1, "How can it be tested before production? By hand in staging.")]),
    "not tested": ("tested", "not", [(3, "How can it be tested before production? Only in production.")]),
    "a question that nobody asked": ("weather", "bad", []),
    "an answer that was not offered": ("reach", "everybody", []),
}


@pytest.mark.parametrize(("code", "value", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_adds_its_points(code, value, expected):
    assert reasons({code: value}) == expected


MEASURES = {
    "ten files": ({"files": 10}, []),
    "eleven files": ({"files": 11}, [(1, "11 files, more than 10.")]),
    "fifty files": ({"files": 50}, [(1, "50 files, more than 10.")]),
    "fifty-one files": ({"files": 51}, [(2, "51 files, more than 50.")]),
    "200 lines": ({"lines": 200}, []),
    "201 lines": ({"lines": 201}, [(1, "201 changed lines, more than 200.")]),
    "800 lines": ({"lines": 800}, [(1, "800 changed lines, more than 200.")]),
    "801 lines": ({"lines": 801}, [(2, "801 changed lines, more than 800.")]),
    "a migration": ({"migrations": ("a/migrations/1.py",)}, [(2, "It has 1 database migration.")]),
    "a destructive migration": (
        {"migrations": ("a/migrations/1.py", "a/migrations/2.py"), "destructive": True},
        [(3, "A migration of it may lose data."), (2, "It has 2 database migrations.")],
    ),
    "two repositories": ({"repositories": ("acme/api", "acme/web")}, [(2, "It touches acme/api and acme/web.")]),
    "three repositories": ({"repositories": ("a/a", "a/b", "a/c")}, [(2, "It touches a/a, a/b and a/c.")]),
    "one app": ({"apps": ("web-prod",)}, []),
    "two apps": ({"apps": ("web-prod", "worker-prod")}, [(1, "It reaches 2 apps in production: web-prod and worker-prod.")]),
    "shared paths": ({"shared": ("shared/money.py", "shared/time.py")}, [(2, "Other parts stand on shared/money.py.")]),
    "failures": ({"failures": ("web v7 failed.", "web v9 failed.")}, [(2, "web v7 failed."), (2, "web v9 failed.")]),
    "touched lately": ({"untouched_days": 180}, []),
    "not touched for long": ({"untouched_days": 181}, [(1, "Its paths were changed last 181 days ago.")]),
}


@pytest.mark.parametrize(("measured", "expected"), MEASURES.values(), ids=MEASURES.keys())
def test_a_measured_fact_adds_its_points(measured, expected):
    assert reasons(**measured) == expected


def test_one_app_and_a_recent_change_are_said_without_points():
    found = assess({}, replace(SMALL, apps=("web-prod",), untouched_days=1))

    assert [reason.text for reason in found.reasons][-2:] == [
        "It reaches 1 app in production: web-prod.",
        "Its paths were changed last 1 day ago.",
    ]


LEVELS = {0: "low", 4: "low", 5: "medium", 9: "medium", 10: "high", 40: "high"}


@pytest.mark.parametrize(("points", "level"), LEVELS.items())
def test_the_level_begins_at_its_points(points, level):
    assert level_of(points) == level


def test_points_levels_and_clocks_are_parameters():
    parameters = replace(DEFAULT, risk_points=(("reach:all", 7),), risk_levels=(("low", 0), ("high", 7)))

    found = assess({"reach": "all"}, replace(SMALL, untouched_days=99), replace(parameters, unfamiliar_after=timedelta(days=9)))

    assert (found.points, found.level) == (7, "high")


def test_the_weightiest_reason_comes_first_and_is_kept_in_words():
    kept = assess({"undo": "hard", "reach": "some"}, SMALL).as_json()

    assert (kept["points"], kept["level"]) == (7, "medium")
    assert kept["reasons"][0] == {"points": 5, "text": "How is it undone? Not completely."}


def test_every_answer_with_points_is_one_of_the_questionnaire_and_four_to_six_questions_are_asked():
    offered = {f"{question.code}:{value}" for question in QUESTIONS for value, _ in question.choices}
    priced = {key for key, _ in DEFAULT.risk_points if key.partition(":")[0] in BY_CODE}

    assert priced <= offered
    assert 4 <= len(QUESTIONS) <= 6


def test_only_known_answers_are_accepted():
    assert accepted({"reach": "all", "undo": "never", "size": "large", "data": None}) == {"reach": "all"}
