"""Deviations on the way to production: releases, freezes, approvals, and the deploy gate (P-04, P-08, P-12, P-19, P-28, P-29)."""

from random import Random

from changes.desk.demo.year.cast import APPROVERS
from changes.desk.demo.year.crew import begin, crew, email, green
from changes.desk.demo.year.ground import DAY, HOUR, MINUTE, Ground, Telling
from changes.desk.demo.year.registry import scenario
from changes.desk.demo.year.steps import ChangeOf, Given, Tale
from portal.standins import company

MAY_APPROVE = (*APPROVERS, "dev", "eli", "noa", "cleo")
"""Everybody whose role lets them approve for production."""


@scenario("release-by-hand", "An engineer releases an image from the own machine to production; it names no commit.", days=2)
def release_by_hand(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    app = company.app_name(ground.repository, "production")
    released = telling.act("fly/release", app=app, by=email(people.author), at=at)
    telling.ship("", "production", by=people.approver, at=ground.at("07:40", day=1))
    telling.expect("unknown_release", f"{app} v", Given(released, "version"))
    return telling.tale


@scenario("production-without-staging", "What goes to production has never been in staging.")
def production_without_staging(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    telling.merge(pull, by=people.reviewer, at=at + 40 * MINUTE)
    way = telling.promotion(by=people.helper, reviewer=people.second, at=at + HOUR)
    telling.decide(way, tester="", approver=people.approver, at=at + 2 * HOUR)
    telling.release(way, by=people.second, at=at + 3 * HOUR)
    telling.expect("no_staging", "#", way.number)
    return telling.tale


@scenario("production-without-approval", "A promotion is merged and released with a change that nobody has approved in the portal.")
def production_without_approval(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    telling.ship(telling.merge(pull, by=people.reviewer, at=at + 40 * MINUTE), "staging", by=people.reviewer, at=at + 48 * MINUTE)
    way = telling.promotion(by=people.helper, reviewer=people.second, at=at + HOUR)
    where = {"repository": ground.repository, "number": way.number}
    telling.deed("sign_off", by=people.tester, at=at + 2 * HOUR, sha=way.head, **where)
    telling.deed("approve_others", by=people.approver, at=at + 2 * HOUR + 5 * MINUTE, but=pull.number, **where)
    telling.release(way, by=people.second, at=at + 3 * HOUR)
    telling.expect("unapproved_production", ChangeOf(ground.repository, pull.number))
    return telling.tale


@scenario("approval-waived", "All who may approve wrote the change together, so chair and compliance waive the approval.")
def approval_waived(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at, co_authors=list(MAY_APPROVE))
    telling.review(pull, by=people.helper, at=at + 30 * MINUTE)
    telling.ship(telling.merge(pull, by=people.helper, at=at + 40 * MINUTE), "staging", by=people.helper, at=at + 48 * MINUTE)
    way = telling.promotion(by=people.helper, reviewer=people.third, at=at + HOUR)
    where = {"repository": ground.repository, "number": way.number}
    telling.deed("sign_off", by=people.third, at=at + 2 * HOUR, sha=way.head, **where)
    telling.deed("approve_others", by=people.approver, at=at + 2 * HOUR + 5 * MINUTE, but=pull.number, **where)
    reason = "The whole team sat together for it; nobody is left who did not write it."
    waived = {"repository": ground.repository, "number": pull.number, "reason": reason}
    telling.deed("waive", by="mia", at=at + 2 * HOUR + 20 * MINUTE, signed_by="cleo", **waived)
    telling.release(way, by=people.third, at=at + 3 * HOUR)
    telling.deed("review_waiver", by="mia", at=at + DAY + HOUR, repository=ground.repository, number=pull.number)
    # Everybody who may judge an answer took part: it is answered, and waits for somebody who did not.
    telling.expect("waived_approval", ChangeOf(ground.repository, pull.number), repository="")
    return telling.tale


@scenario("released-in-a-freeze", "Somebody releases in the middle of a hard freeze, and nobody had overridden it.", days=2)
def released_in_a_freeze(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground, day=1)
    before, name = ground.at("06:20"), f"Stocktaking {ground.days[1]:%-d %b}"
    telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=before)
    ways = {"reviewer": people.second, "approver": people.approver, "tester": people.tester, "merger": people.reviewer}
    telling.to_production(by=people.helper, at=before + 2 * HOUR, random=random, **ways)
    span = {"starts": at - HOUR, "ends": at + 10 * HOUR}
    telling.deed("freeze", by="cleo", at=ground.at("14:30"), name=name, hard=True, repository=ground.repository, **span)
    released = telling.ship("", "production", by=people.approver, at=at)
    app = company.app_name(ground.repository, "production")
    telling.expect("released_in_freeze", f"{app} v", released, f" in {name}")
    return telling.tale


@scenario("gate-open-for-doubts", "The deploy gate stands open for doubts and lets a commit pass that no change is known for.")
def gate_open_for_doubts(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    commit = f"{random.getrandbits(160):040x}"
    gate = {"repository": ground.repository, "environment": "production"}
    reason = "GitHub is slow today, and the fix for the tax rates cannot wait."
    telling.deed("open_gate", by="mia", at=at, confirmed_by="cleo", until=at + 6 * HOUR, reason=reason, **gate)
    telling.deed("ask_gate", by=people.author, at=at + HOUR, commit=commit, **gate)
    telling.deed("close_gate", by="cleo", at=at + 2 * HOUR, reason="GitHub is well again.", **gate)
    telling.expect("gate_failed_open", f"production:{commit[:12]}")
    return telling.tale
