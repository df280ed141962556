"""Ordinary days: pull requests into main in the morning, a promotion that people test and approve, production after lunch."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from random import Random

from changes.desk.demo.plot import text
from changes.desk.demo.year.cast import APPROVERS, ENGINEERS, TESTERS
from changes.desk.demo.year.ground import MINUTE, Ground, Pull, Telling
from changes.desk.demo.year.steps import Given, Tale
from changes.desk.demo.year.titles import FAILURES

MOST = 3
"""Pull requests before one promotion."""
EARLIER = 0.4
"""Share of pull requests that are opened on the day before, where nothing else happens then."""
LATEST_MORNING = 100
"""Minutes after the beginning of a day by which its last pull request is opened."""


@dataclass(frozen=True)
class Pace:
    """How long a pull request takes: minutes from its opening to CI, and from there on to review, merge and staging."""

    check: int
    review: int
    merge: int
    ship: int


def pace(random: Random) -> Pace:
    """By lot: most are looked at within the hour, some wait for two."""
    return Pace(random.randint(5, 14), round(random.triangular(8, 130, 25)), random.randint(2, 35), random.randint(4, 12))


def a_day(random: Random, ground: Ground) -> Tale:
    """One to three pull requests into main in the morning, some opened on the day before, and the promotion (all UTC)."""
    telling = Telling(ground)
    approver, reviewer, merger = random.sample(APPROVERS, 3)
    ends = [_merged(telling, random, reviewer) for _ in range(random.randint(1, MOST))]
    telling.to_production(
        by=random.choice(ENGINEERS),
        reviewer=merger,
        approver=approver,
        tester=random.choice(TESTERS),
        merger=reviewer,
        at=max(max(ends) + 5 * MINUTE, (ground.releases_at or max(ends)) - random.randint(130, 145) * MINUTE),
        random=random,
    )
    return telling.tale


def _merged(telling: Telling, random: Random, reviewer: str) -> datetime:
    """One pull request from its opening to staging. Returns when it stood there."""
    ground, takes, by = telling.ground, pace(random), random.choice(ENGINEERS)
    begins = ground.at("06:10") + random.randrange(LATEST_MORNING) * MINUTE
    opened = begins
    if ground.before is not None and random.random() < EARLIER:
        opened = datetime.combine(ground.before, time(9), tzinfo=UTC) + random.randrange(400) * MINUTE
    pull = telling.open(ground.title(), by=by, at=opened)
    telling.check(pull, at=opened + takes.check * MINUTE)
    reviewed = begins + (takes.check + takes.review) * MINUTE
    telling.review(pull, by=reviewer, at=reviewed)
    merged = telling.merge(pull, by=reviewer, at=reviewed + takes.merge * MINUTE)
    shipped = reviewed + (takes.merge + takes.ship) * MINUTE
    telling.ship(merged, "staging", by=reviewer, at=shipped)
    return shipped


def an_emergency(random: Random, ground: Ground) -> Tale:
    """A fix straight to prod with a +1, reviewed in full on the next day, brought back to main, and with the rest to production."""
    telling = Telling(ground)
    what = random.choice(FAILURES)
    author, helper = random.sample(ENGINEERS, 2)
    reviewer, approver, merger = random.sample(APPROVERS, 3)
    at = ground.at("07:00") + random.randrange(60) * MINUTE
    pull = telling.open(
        f"EMERGENCY: {what} answers 500",
        by=author,
        at=at,
        body=text("Customers see an error page.", tested="Against a copy of production."),
        labels=["emergency"],
        base="prod",
    )
    telling.check(pull, at=at + 6 * MINUTE)
    telling.review(pull, by=reviewer, at=at + 8 * MINUTE, body="+1, looks right")
    telling.decide(pull, tester="", approver=approver, at=at - 8 * MINUTE)
    telling.release(pull, by=merger, at=at + 18 * MINUTE)
    _back_to_main(telling, by=author, reviewer=reviewer, at=at + 40 * MINUTE)
    ways = {"reviewer": merger, "approver": approver, "tester": random.choice(TESTERS), "merger": reviewer}
    telling.to_production(by=helper, at=at + 120 * MINUTE, random=random, **ways)
    return telling.tale


def _back_to_main(telling: Telling, *, by: str, reviewer: str, at: datetime) -> None:
    title = f"Bring the emergency fix of {telling.ground.days[0]:%-d %b} back to main"
    opened = {"head": "prod", "base": "main", "title": title, "by": by, "body": text("main must not lose the fix.")}
    name = telling.github("open_pull_request", at=at, **opened)
    given = (Given(name, "number"), Given(name, "head"), Given(name, "branch"))
    pull = Pull(telling.ground.repository, name, *given, by)
    telling.check(pull, at=at + 8 * MINUTE)
    telling.review(pull, by=reviewer, at=at + 20 * MINUTE)
    telling.ship(telling.merge(pull, by=reviewer, at=at + 25 * MINUTE), "staging", by=reviewer, at=at + 33 * MINUTE)
