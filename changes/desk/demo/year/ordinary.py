"""Ordinary days: pull requests into main in the morning, a promotion that people test and approve, production after lunch."""

from datetime import datetime, timedelta
from random import Random

from changes.desk.demo.plot import text
from changes.desk.demo.year.cast import APPROVERS, ENGINEERS, TESTERS
from changes.desk.demo.year.ground import HOUR, MINUTE, Ground, Pull, Telling
from changes.desk.demo.year.steps import Given, Tale

VERBS = ("Show", "Remember", "Shorten", "Sort", "Explain", "Round", "Retry", "Cache", "Group", "Validate", "Translate", "Log")
THINGS = (
    "addresses",
    "delivery times",
    "returns",
    "vouchers",
    "product names",
    "stock levels",
    "search results",
    "order numbers",
    "opening hours",
    "sizes",
    "sign-in attempts",
    "newsletters",
    "parcels",
    "ratings",
    "gift cards",
    "currencies",
)
WHERES = (
    "in the basket",
    "on the start page",
    "in mails",
    "for guests",
    "on small screens",
    "in the back office",
    "after a failure",
)
BETWEEN = timedelta(minutes=37)
MOST = 3
"""Pull requests before one promotion."""


def a_day(random: Random, ground: Ground) -> Tale:
    """One to three pull requests into main from 06:30 on, and the promotion at 10:30 (all UTC)."""
    telling = Telling(ground)
    approver, reviewer, merger = random.sample(APPROVERS, 3)
    for place in range(random.randint(1, MOST)):
        title = f"{random.choice(VERBS)} {random.choice(THINGS)} {random.choice(WHERES)}"
        at = ground.at("06:30") + place * BETWEEN + random.randrange(20) * MINUTE
        telling.work(f"{title} ({ground.days[0]:%d %b}, {place + 1})", by=random.choice(ENGINEERS), reviewer=reviewer, at=at)
    telling.to_production(
        by=random.choice(ENGINEERS),
        reviewer=merger,
        approver=approver,
        tester=random.choice(TESTERS),
        merger=reviewer,
        at=ground.at("10:30"),
    )
    return telling.tale


FAILURES = ("The basket", "Sign-in", "The search", "Payment", "The parcel tracking", "The price list")


def an_emergency(random: Random, ground: Ground) -> Tale:
    """A fix straight to prod with a +1, reviewed in full on the next day, brought back to main, and with the rest to production."""
    telling = Telling(ground)
    what = random.choice(FAILURES)
    author, helper = random.sample(ENGINEERS, 2)
    reviewer, approver, merger = random.sample(APPROVERS, 3)
    at = ground.at("07:00") + random.randrange(60) * MINUTE
    pull = telling.open(
        f"EMERGENCY: {what} answers 500 ({ground.days[0]:%d %b})",
        by=author,
        at=at,
        body=text("Customers see an error page.", tested="Against a copy of production."),
        labels=["emergency"],
        base="prod",
    )
    telling.check(pull, at=at + 6 * MINUTE)
    telling.review(pull, by=reviewer, at=at + 8 * MINUTE, body="+1, looks right")
    telling.decide(pull, tester="", approver=approver, at=at - 8 * MINUTE)
    telling.release(pull, by=merger, at=at + 18 * MINUTE, reviewer="dev")
    looks_back = {"repository": ground.repository, "number": pull.number}
    telling.deed("retrospective", by="noa", at=at + 25 * HOUR, **looks_back)
    _back_to_main(telling, by=author, reviewer=reviewer, at=at + 40 * MINUTE)
    ways = {"reviewer": merger, "approver": approver, "tester": random.choice(TESTERS), "merger": reviewer}
    telling.to_production(by=helper, at=at + 120 * MINUTE, **ways)
    return telling.tale


def _back_to_main(telling: Telling, *, by: str, reviewer: str, at: datetime) -> None:
    title = f"Bring the emergency fix of {telling.ground.days[0]:%d %b} back to main"
    opened = {"head": "prod", "base": "main", "title": title, "by": by, "body": text("main must not lose the fix.")}
    name = telling.github("open_pull_request", at=at, **opened)
    given = (Given(name, "number"), Given(name, "head"), Given(name, "branch"))
    pull = Pull(telling.ground.repository, name, *given, by)
    telling.check(pull, at=at + 8 * MINUTE)
    telling.review(pull, by=reviewer, at=at + 20 * MINUTE)
    telling.ship(telling.merge(pull, by=reviewer, at=at + 25 * MINUTE), "staging", by=reviewer, at=at + 33 * MINUTE)
