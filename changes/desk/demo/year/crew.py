"""Who takes part in a scenario, and when it begins: drawn from the seed, so that another seed tells it of other people."""

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from changes.desk.demo.plot import text
from changes.desk.demo.year.cast import APPROVERS, ENGINEERS, TESTERS
from changes.desk.demo.year.ground import MINUTE, Ground, Pull, Telling
from changes.desk.demo.year.steps import Given

ADMINISTRATOR = "rex"
"""Gets past branch protection at GitHub, as administrators do."""


@dataclass(frozen=True)
class Crew:
    """Different people: three engineers, three approvers, a tester."""

    author: str
    helper: str
    third: str
    reviewer: str
    second: str
    approver: str
    tester: str


def crew(random: Random) -> Crew:
    """A crew by lot."""
    author, helper, third = random.sample(ENGINEERS, 3)
    reviewer, second, approver = random.sample(APPROVERS, 3)
    return Crew(author, helper, third, reviewer, second, approver, random.choice(TESTERS))


def begin(random: Random, ground: Ground, *, day: int = 0) -> datetime:
    """Some time in the morning of the ground's first day, or of a later one."""
    return ground.at("07:30", day=day) + random.randrange(90) * MINUTE


def green(telling: Telling, title: str, *, by: str, at: datetime, **more: Any) -> Pull:
    """A pull request that is open, with CI passed nine minutes later."""
    pull = telling.open(title, by=by, at=at, **more)
    telling.check(pull, at=at + 9 * MINUTE)
    return pull


def email(login: str) -> str:
    """The address of a person at Northwind, by which Fly, Doppler and Cloudflare know them."""
    return f"{login}@northwind.example"


def cut(commit: Given, *, to: int = 12) -> Given:
    """The first letters of a commit's name, as exceptions show it."""
    return replace(commit, length=to)


def opened(telling: Telling, title: str, *, branch: str, by: str, at: datetime) -> Pull:
    """A pull request into main from a branch that is there already."""
    body = text("CI was stopped half-way, and nothing else starts it again.")
    name = telling.github("open_pull_request", at=at, head=branch, title=title, by=by, body=body)
    return Pull(telling.ground.repository, name, Given(name, "number"), Given(name, "head"), Given(name, "branch"), by)


def rewritten(telling: Telling, pull: Pull, *, by: str, at: datetime, files: dict[str, str], message: str) -> Pull:
    """The newest commit of a pull request's branch gives way to another one, by a force push."""
    name = telling.github("force_push", at=at, branch=pull.branch, by=by, files=files, message=message)
    return replace(pull, head=Given(name, "sha"))


def elsewhere(telling: Telling, repository: str) -> Telling:
    """The same tale under another name of the repository."""
    return Telling(replace(telling.ground, repository=repository), telling.steps, telling.expected)
