"""Deviations of branches, their rules, and access to them (P-02, P-08, P-19)."""

from datetime import datetime
from random import Random

from changes.desk.demo.year.crew import ADMINISTRATOR, begin, crew, cut, green
from changes.desk.demo.year.ground import HOUR, MINUTE, Ground, Telling
from changes.desk.demo.year.registry import scenario
from changes.desk.demo.year.steps import Given, Tale
from portal.standins import company

OURS = "Countersign"
"""The portal's own check, as a branch rule names it."""
COUNTERSIGN = 79929
"""The number of the portal's App at GitHub."""


@scenario("direct-push", "An administrator pushes a commit to main, past the pull requests.")
def direct_push(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    files = {"app/retries.py": f"RETRIES = {random.randrange(2, 9)}\n"}
    message = "Quick fix: try again"
    pushed = Given(telling.github("push_direct", branch="main", files=files, message=message, by=ADMINISTRATOR, at=at), "sha")
    telling.ship(pushed, "staging", by=ADMINISTRATOR, at=at + 8 * MINUTE)
    telling.expect("direct_push", "main:", cut(pushed))
    return telling.tale


@scenario("force-push", "Somebody takes the newest merge off main by a force push, and puts it back an hour later.")
def force_push(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    merged = telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at)
    where = {"branch": "main", "by": ADMINISTRATOR}
    telling.github("force_push", at=at + 2 * HOUR, **where)
    telling.github("force_push", at=at + 3 * HOUR, to=merged, **where)
    telling.expect("force_push", "main")
    return telling.tale


@scenario("restricted-branch-deleted", "An administrator tidies up branches and deletes prod; it is restored within the hour.")
def branch_deleted(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at)
    where = {"branch": "prod", "by": ADMINISTRATOR}
    telling.github("delete_branch", at=at + 2 * HOUR, **where)
    telling.github("restore_branch", at=at + 2 * HOUR + 25 * MINUTE, **where)
    telling.expect("branch_deleted", "prod")
    return telling.tale


@scenario("rule-weakened", "An administrator lets main be merged to without a review for an afternoon.")
def rule_weakened(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    telling.github("set_protection", branch="main", by=ADMINISTRATOR, reviews=0, at=at)
    telling.github("set_protection", branch="main", by=ADMINISTRATOR, at=at + random.randrange(60, 300) * MINUTE)
    telling.expect("protection_weakened", "main")
    return telling.tale


@scenario("ruleset-deleted", "An administrator deletes the ruleset that kept prod's history linear.")
def ruleset_deleted(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    name = random.choice(("Linear history", "Straight line", "One after the other"))
    telling.github("set_ruleset", name=name, by=ADMINISTRATOR, ruleset=["required_linear_history"], at=at)
    telling.github("delete_ruleset", name=name, by=ADMINISTRATOR, at=at + random.randrange(90, 400) * MINUTE)
    telling.expect("ruleset_deleted", "")
    return telling.tale


@scenario("rule-bypassed", "A commit without a signature is taken past the ruleset of main that asks for one.")
def rule_bypassed(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    telling.github("set_ruleset", name="Signed", by=ADMINISTRATOR, branches=["main"], ruleset=["required_signatures"], at=at)
    merged = telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at + 20 * MINUTE)
    telling.github("bypass", branch="main", after=merged, by=people.reviewer, at=at + 70 * MINUTE)
    telling.expect("rule_bypassed", "main:", cut(merged))
    return telling.tale


@scenario("own-check-not-required", "An administrator takes Countersign's check off the required ones of main.")
def check_not_required(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    later = at + random.randrange(2, 6) * HOUR
    _require(telling, [company.CI, OURS], at=at)
    telling.look(at=at + 10 * MINUTE)
    _require(telling, [company.CI], at=later)
    telling.look(at=later + 10 * MINUTE)
    telling.expect("check_not_required", "main")
    telling.expect("protection_weakened", "main")
    return telling.tale


def _require(telling: Telling, checks: list[str], *, at: datetime) -> None:
    telling.github("set_protection", branch="main", by=ADMINISTRATOR, checks=checks, apps={OURS: COUNTERSIGN}, at=at)


@scenario("default-branch-changed", "An administrator makes prod the default branch, and main again two hours later.")
def default_branch_changed(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    for branch, later in (("prod", at), ("main", at + 2 * HOUR)):
        telling.github("set_default_branch", branch=branch, by=ADMINISTRATOR, at=later)
        telling.look(at=later + 10 * MINUTE)
        telling.expect("default_branch_changed", ground.repository)
    return telling.tale


@scenario("collaborator-added", "An administrator gives a contractor access for some hours, and nobody had asked for it.")
def collaborator_added(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    name = random.choice(("kim", "lou", "sam", "jo"))
    who = {"login": f"{name}-contractor-{ground.days[0]:%m%d}", "by": ADMINISTRATOR}
    telling.github("add_member", at=at, **who)
    telling.github("remove_member", at=at + random.randrange(300, 500) * MINUTE, **who)
    telling.expect("access_granted_outside_process", "")
    return telling.tale


@scenario("merger-not-on-the-list", "Somebody merges to main who is not on the list of authorised mergers of that day.")
def merger_not_on_the_list(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    where = {"repository": ground.repository, "branch": "main"}
    telling.deed("agree_mergers", by="dev", at=at, confirmed_by="mia", without=[people.third], **where)
    pull = green(telling, ground.title(), by=people.author, at=at + 20 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 50 * MINUTE)
    merged = telling.merge(pull, by=people.third, at=at + 60 * MINUTE)
    telling.ship(merged, "staging", by=people.third, at=at + 68 * MINUTE)
    telling.deed("agree_mergers", by="dev", at=at + 5 * HOUR, confirmed_by="mia", without=[], **where)
    telling.expect("unauthorised_merge", "#", pull.number)
    return telling.tale
