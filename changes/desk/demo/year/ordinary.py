"""Ordinary days: pull requests into main in the morning, a promotion that people test and approve, production after lunch."""

from datetime import timedelta
from random import Random

from changes.desk.demo.year.cast import APPROVERS, ENGINEERS, TESTERS
from changes.desk.demo.year.ground import MINUTE, Ground, Telling
from changes.desk.demo.year.steps import Tale

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
