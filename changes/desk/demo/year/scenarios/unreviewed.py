"""Deviations of reviews and checks: what went to main without the look of somebody else, or without green CI (P-03, P-11)."""

from random import Random

from changes.desk.demo.year.crew import ADMINISTRATOR, begin, crew, green
from changes.desk.demo.year.ground import MINUTE, Ground, Telling
from changes.desk.demo.year.registry import scenario
from changes.desk.demo.year.steps import Tale


@scenario("merge-without-review", "An administrator merges a pull request that nobody has reviewed.")
def merge_without_review(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    merged = telling.merge(pull, by=ADMINISTRATOR, at=at + 25 * MINUTE)
    telling.ship(merged, "staging", by=ADMINISTRATOR, at=at + 32 * MINUTE)
    telling.expect("no_review", "#", pull.number)
    return telling.tale


@scenario("commit-after-approval", "The author pushes another commit after the approval, and it is merged on the old review.")
def commit_after_approval(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    files = {"app/one_more_thing.py": f"LIMIT = {random.randrange(2, 90)}\n"}
    pull = telling.commit(pull, by=people.author, at=at + 41 * MINUTE, files=files, message="One more thing")
    telling.check(pull, at=at + 50 * MINUTE)
    merged = telling.merge(pull, by=people.second, at=at + 55 * MINUTE)
    telling.ship(merged, "staging", by=people.second, at=at + 62 * MINUTE)
    telling.expect("stale_approval", "#", pull.number)
    return telling.tale


@scenario("approval-by-a-contributor", "Somebody adds a commit to a colleague's branch and then approves the pull request.")
def approval_by_a_contributor(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    files = {"app/digits.py": f"DIGITS = {random.randrange(2, 6)}\n"}
    pull = telling.commit(pull, by=people.helper, at=at + 20 * MINUTE, files=files, message="Say how many digits")
    telling.check(pull, at=at + 30 * MINUTE)
    telling.review(pull, by=people.helper, at=at + 45 * MINUTE)
    merged = telling.merge(pull, by=people.helper, at=at + 47 * MINUTE)
    telling.ship(merged, "staging", by=people.helper, at=at + 55 * MINUTE)
    telling.expect("self_approval", "#", pull.number)
    return telling.tale


@scenario("merge-against-a-no", "One reviewer approves and another wants changes; an administrator merges all the same.")
def merge_against_a_no(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    telling.review(pull, by=people.second, at=at + 48 * MINUTE, state="changes_requested", body="This loses the old order.")
    merged = telling.merge(pull, by=ADMINISTRATOR, at=at + 70 * MINUTE)
    telling.ship(merged, "staging", by=ADMINISTRATOR, at=at + 78 * MINUTE)
    telling.expect("changes_requested", "#", pull.number)
    return telling.tale


@scenario("merge-with-failed-ci", "An administrator merges a pull request whose CI has failed.")
def merge_with_failed_ci(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    telling.check(pull, at=at + 9 * MINUTE, conclusion=random.choice(("failure", "timed_out", "cancelled")))
    telling.review(pull, by=people.reviewer, at=at + 40 * MINUTE)
    merged = telling.merge(pull, by=ADMINISTRATOR, at=at + 52 * MINUTE)
    telling.ship(merged, "staging", by=ADMINISTRATOR, at=at + 60 * MINUTE)
    telling.expect("failed_ci_merged", "#", pull.number)
    return telling.tale


@scenario("merge-before-ci", "An administrator merges before CI has said anything; it is green ten minutes later.")
def merge_before_ci(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 12 * MINUTE)
    merged = telling.merge(pull, by=ADMINISTRATOR, at=at + 15 * MINUTE)
    telling.check(pull, at=at + 25 * MINUTE)
    telling.ship(merged, "staging", by=ADMINISTRATOR, at=at + 30 * MINUTE)
    telling.expect("ci_missing_merged", "#", pull.number)
    return telling.tale
