"""The risk of a change: points with their reasons, from a short questionnaire and from what was measured. Pure.

What each answer and each measured fact adds stands in the parameters of the policy version (``risk_points``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.policy.parameters import DEFAULT, Parameters


@dataclass(frozen=True)
class Question:
    """One question of the proposal form. ``choices`` are (value, words), the harmless one first."""

    code: str
    words: str
    choices: tuple[tuple[str, str], ...]


QUESTIONS: tuple[Question, ...] = (
    Question(
        "reach",
        "Who notices if it goes wrong?",
        (("team", "Only the team"), ("some", "Some customers"), ("all", "All customers")),
    ),
    Question(
        "undo",
        "How is it undone?",
        (
            ("release", "By releasing the version before"),
            ("steps", "With steps by hand"),
            ("hard", "Not completely"),
        ),
    ),
    Question(
        "data",
        "What happens to stored data?",
        (("none", "Nothing"), ("adds", "Something is added"), ("loses", "Something is changed or deleted")),
    ),
    Question(
        "outside",
        "Does it rest on another company's service?",
        (("no", "No"), ("known", "On one that is in use already"), ("new", "On a new one")),
    ),
    Question(
        "access",
        "Does it change who may do what?",
        (("no", "No"), ("yes", "Yes")),
    ),
    Question(
        "tested",
        "How can it be tested before production?",
        (("tests", "By automatic tests and in staging"), ("hand", "By hand in staging"), ("not", "Only in production")),
    ),
)
BY_CODE = {question.code: question for question in QUESTIONS}


@dataclass(frozen=True)
class Measured:
    """What the portal measured; None is "not known yet". ``failures`` are sentences, each about one release."""

    files: int | None = None
    lines: int | None = None
    migrations: tuple[str, ...] = ()
    destructive: bool = False
    repositories: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    """Apps in production that run these repositories."""
    shared: tuple[str, ...] = ()
    """Paths that many parts stand on."""
    failures: tuple[str, ...] = ()
    untouched_days: int | None = None
    """Days since the same paths were changed last; None when that is not known, or they are new."""


@dataclass(frozen=True)
class Reason:
    """What one answer or fact adds."""

    points: int
    text: str


@dataclass(frozen=True)
class Risk:
    """The sum, its level in words, and every reason; those that add nothing say what was looked at."""

    points: int
    level: str
    reasons: tuple[Reason, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """As kept on the change."""
        return {
            "points": self.points,
            "level": self.level,
            "reasons": [{"points": one.points, "text": one.text} for one in self.reasons],
        }


def assess(answers: Mapping[str, Any], measured: Measured, parameters: Parameters = DEFAULT) -> Risk:
    """The risk by ``answers`` (question: value; unknown ones are left aside) and by what was measured."""
    points = dict(parameters.risk_points)
    reasons = (*_answered(answers, points), *_measured(measured, points, parameters))
    total = sum(reason.points for reason in reasons)
    return Risk(total, level_of(total, parameters), tuple(sorted(reasons, key=lambda reason: -reason.points)))


def level_of(points: int, parameters: Parameters = DEFAULT) -> str:
    """The level of so many points."""
    return [level for level, least in parameters.risk_levels if points >= least][-1]


def accepted(given: Mapping[str, Any]) -> dict[str, str]:
    """The answers among ``given`` that the questionnaire knows."""
    known = {code: str(given.get(code) or "") for code in BY_CODE}
    return {code: value for code, value in known.items() if value in dict(BY_CODE[code].choices)}


def _answered(answers: Mapping[str, Any], points: Mapping[str, int]) -> list[Reason]:
    said = accepted(answers)
    if not said:
        return [Reason(0, "The questionnaire was not answered.")]
    return [
        Reason(points.get(f"{code}:{value}", 0), f"{BY_CODE[code].words} {dict(BY_CODE[code].choices)[value]}.")
        for code, value in said.items()
    ]


def _measured(measured: Measured, points: Mapping[str, int], parameters: Parameters) -> list[Reason]:
    found = [
        _step("files", measured.files, "file", points, parameters),
        _step("lines", measured.lines, "changed line", points, parameters),
        *_migrations(measured, points),
        *_reach(measured, points),
        *[Reason(points.get("failure", 0), sentence) for sentence in measured.failures],
    ]
    days, limit = measured.untouched_days, parameters.unfamiliar_after.days
    if days is not None:
        unfamiliar = points.get("unfamiliar", 0) if days > limit else 0
        found.append(Reason(unfamiliar, f"Its paths were changed last {_number(days, 'day')} ago."))
    return found


def _step(name: str, value: int | None, noun: str, points: Mapping[str, int], parameters: Parameters) -> Reason:
    """Small, some or many, by the two numbers of the parameters."""
    if value is None:
        return Reason(0, f"The {noun}s have not been counted yet.")
    some, many = dict(parameters.risk_steps)[name]
    step = "many" if value > many else "some" if value > some else ""
    words = f", more than {many if step == 'many' else some}" if step else ""
    return Reason(points.get(f"{name}:{step}", 0), f"{_number(value, noun)}{words}.")


def _migrations(measured: Measured, points: Mapping[str, int]) -> list[Reason]:
    if not measured.migrations:
        return []
    found = [Reason(points.get("migration", 0), f"It has {_number(len(measured.migrations), 'database migration')}.")]
    if measured.destructive:
        found.append(Reason(points.get("destructive", 0), "A migration of it may lose data."))
    return found


def _reach(measured: Measured, points: Mapping[str, int]) -> list[Reason]:
    """The blast radius: repositories, apps, and paths that many parts stand on."""
    found = []
    if len(measured.repositories) > 1:
        found.append(Reason(points.get("repositories", 0), f"It touches {_listed(measured.repositories)}."))
    if measured.apps:
        several = points.get("apps", 0) if len(measured.apps) > 1 else 0
        found.append(Reason(several, f"It reaches {_number(len(measured.apps), 'app')} in production: {_listed(measured.apps)}."))
    if measured.shared:
        found.append(Reason(points.get("shared", 0), f"Other parts stand on {measured.shared[0]}."))
    return found


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
