"""Traps on the way to production: what looks released past the rules and is not (P-04, P-08, P-12, P-17, P-19, P-22)."""

from datetime import datetime
from random import Random
from typing import Any

from changes.desk.demo.plot import ROLLBACK_TAKES, text
from changes.desk.demo.year.crew import Crew, begin, crew, cut, email
from changes.desk.demo.year.ground import DAY, HOUR, MINUTE, Ground, Telling
from changes.desk.demo.year.registry import trap
from changes.desk.demo.year.steps import Given, Tale
from changes.desk.demo.year.titles import FAILURES
from portal.standins import company


@trap("rollback", "Production goes back to the version before, in a freeze that nothing else may pass.")
def rollback(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), ground.at("06:10")
    back_at = at + 8 * HOUR
    span = {"starts": back_at - HOUR, "ends": back_at + 5 * HOUR}
    name = f"Evening trade {ground.days[0]:%-d %b}"
    telling.deed("freeze", by="cleo", at=at - DAY, name=name, hard=True, repository=ground.repository, **span)
    before = _shipped(telling, ground.title(), people, at=at)
    _shipped(telling, ground.title(), people, at=at + 3 * HOUR)
    app = company.app_name(ground.repository, "production")
    back = telling.act("fly/rollback", at=back_at, app=app, version=before, by=email(people.second), status="running")
    telling.act("fly/finish", at=back_at + ROLLBACK_TAKES, app=app, version=Given(back, "version"), status="complete")
    return telling.tale


def _shipped(telling: Telling, title: str, people: Crew, *, at: datetime) -> Given:
    """Work that goes all the way to production within two and a half hours. Returns the version at Fly."""
    telling.work(title, by=people.author, reviewer=people.reviewer, at=at)
    way = telling.promotion(by=people.helper, reviewer=people.second, at=at + 65 * MINUTE)
    telling.decide(way, tester=people.tester, approver=people.approver, at=at + 95 * MINUTE)
    merged = telling.merge(way, by=people.second, at=at + 130 * MINUTE)
    return telling.ship(merged, "production", by=people.second, at=at + 140 * MINUTE)


@trap("same-commit-again", "A release is done a second time with the same commit, since a machine hung.")
def same_commit_again(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    merged = telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at)
    telling.ship(merged, "staging", by=people.second, at=at + 2 * HOUR)
    return telling.tale


@trap("release-tried-again", "A release to staging fails, and the next one of the same commit succeeds.")
def release_tried_again(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    telling.check(pull, at=at + 9 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 40 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 50 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 58 * MINUTE, failed=True)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 75 * MINUTE)
    return telling.tale


@trap(
    "short-commit-in-the-tag",
    "A release to staging names its commit only by its first letters, in the image's tag.",
)
def short_commit(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    merged = telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at)
    app = company.app_name(ground.repository, "staging")
    telling.act("fly/release", at=at + 2 * HOUR, app=app, image=cut(merged, to=8), by=email(people.author))
    return telling.tale


@trap("own-image-in-development", "An engineer releases an image by hand, to development, where everybody may.")
def own_image(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    merged = telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at)
    there: dict[str, Any] = {"app": company.development_app(ground.repository), "by": email(people.author)}
    telling.act("fly/release", at=at + 2 * HOUR, **there)
    telling.act("fly/release", at=at + 5 * HOUR, sha=merged, repository=ground.repository, **there)
    return telling.tale


@trap("soft-freeze", "Somebody releases in a freeze that only warns.")
def soft_freeze(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    span = {"starts": at - HOUR, "ends": at + 10 * HOUR}
    telling.deed("freeze", by="cleo", at=at - DAY, name=f"Quiet days {ground.days[0]:%-d %b}", repository=ground.repository, **span)
    telling.ship("", "production", by=people.approver, at=at)
    return telling.tale


@trap("freeze-overridden", "A change goes out in a hard freeze which two people had overridden for it.")
def freeze_overridden(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    name, span = f"Sale {ground.days[0]:%-d %b}", {"starts": at - HOUR, "ends": at + 12 * HOUR}
    telling.deed("freeze", by="cleo", at=at - DAY, name=name, hard=True, repository=ground.repository, **span)
    telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at)
    way = telling.promotion(by=people.helper, reviewer=people.second, at=at + 70 * MINUTE)
    telling.decide(way, tester=people.tester, approver=people.approver, at=at + 2 * HOUR)
    override = {"name": name, "repository": ground.repository, "number": way.number, "confirmed_by": "cleo"}
    telling.deed("override", by=people.approver, at=at + 3 * HOUR, reason="The tax rate changes tonight.", **override)
    telling.release(way, by=people.second, at=at + 4 * HOUR)
    return telling.tale


@trap(
    "emergency",
    "An emergency goes straight to prod with a +1 and is reviewed in full the next day.",
    days=2,
)
def emergency(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    title = f"EMERGENCY: {random.choice(FAILURES)} answers 500"
    body = text("Customers see an error page.", tested="Against a copy of production.")
    pull = telling.open(title, by=people.author, at=at, base="prod", labels=["emergency"], body=body)
    telling.check(pull, at=at + 6 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 9 * MINUTE, body="+1, looks right")
    where = {"repository": ground.repository, "number": pull.number}
    telling.deed("approve", by=people.approver, at=at + 11 * MINUTE, **where)
    telling.release(pull, by=people.reviewer, at=at + 14 * MINUTE)
    back_to_main = f"Bring the emergency fix of {ground.days[0]:%-d %b} back to main"
    back = telling.github("open_pull_request", at=at + HOUR, head="prod", title=back_to_main, by=people.author, body=body)
    number = Given(back, "number")
    telling.github("check", at=at + 70 * MINUTE, sha=Given(back, "head"), name=company.CI)
    telling.github("review", at=at + 80 * MINUTE, number=number, by=people.second)
    merged = Given(telling.github("merge", at=at + 85 * MINUTE, number=number, by=people.second), "sha")
    telling.ship(merged, "staging", by=people.second, at=at + 90 * MINUTE)
    telling.deed("look_back", by=people.author, at=ground.at("09:00", day=1), **where)
    telling.deed("retrospective", by="dev", at=ground.at("10:00", day=1), **where)
    return telling.tale


@trap(
    "approved-for-somebody-away",
    "An approver is away and has handed approvals over; the delegate approves.",
)
def approved_for_somebody(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    away = {"to": people.approver, "until": at + 20 * HOUR, "reason": random.choice(("A day off.", "At the dentist.", "Moving."))}
    telling.deed("delegate", by=people.second, at=at, **away)
    telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at + 5 * MINUTE)
    way = telling.promotion(by=people.helper, reviewer=people.reviewer, at=at + 80 * MINUTE)
    telling.decide(way, tester=people.tester, approver="", at=at + 2 * HOUR)
    where = {"repository": ground.repository, "number": way.number, "on_behalf_of": people.second}
    telling.deed("approve_for", by=people.approver, at=at + 2 * HOUR + 9 * MINUTE, **where)
    telling.release(way, by=people.reviewer, at=at + 3 * HOUR)
    return telling.tale
