"""Traps around branches and merges: what looks pushed past the rules, rewritten or lost and is not (P-02, P-08, P-20)."""

from dataclasses import replace
from random import Random

from changes.desk.demo.year.crew import ADMINISTRATOR, begin, crew, elsewhere, green, opened, rewritten
from changes.desk.demo.year.ground import HOUR, MINUTE, Ground, Telling
from changes.desk.demo.year.registry import trap
from changes.desk.demo.year.steps import Given, Tale
from portal.standins import company


@trap("merge-queue", "A merge queue tests a head of its own and merges it, while a list says who may merge.")
def merge_queue(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    list_of_all = {"repository": ground.repository, "branch": "main", "without": []}
    telling.deed("agree_mergers", by="dev", at=at, confirmed_by="mia", **list_of_all)
    pull = green(telling, ground.title(), by=people.author, at=at + 10 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 40 * MINUTE)
    queued = telling.github("enqueue", at=at + 45 * MINUTE, number=pull.number, by=people.reviewer)
    head = Given(queued, "head_sha")
    telling.github("check", at=at + 55 * MINUTE, sha=head, name=company.CI)
    telling.github("run_queue", at=at + 56 * MINUTE, base="main")
    telling.ship(head, "staging", by=people.reviewer, at=at + 65 * MINUTE)
    return telling.tale


@trap("rebased-commits", "Three commits of a reviewed pull request reach main one by one: it is merged by rebasing.")
def rebased_commits(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    for number in (1, 2):
        files = {f"app/step_{number}.py": f"STEP = {random.randrange(90)}\n"}
        pull = telling.commit(pull, by=people.author, at=at + number * 5 * MINUTE, files=files, message=f"Step {number}")
    telling.check(pull, at=at + 20 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 40 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 50 * MINUTE, method="rebase")
    telling.ship(merged, "staging", by=people.reviewer, at=at + 58 * MINUTE)
    return telling.tale


@trap("revert", "A merge is taken back by a pull request that reverts it, reviewed like any other.")
def revert(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    title, path = ground.title(), f"app/tried_{ground.days[0]:%m%d}.py"
    telling.work(title, by=people.author, reviewer=people.reviewer, at=at, files={path: "TRIED = True\n"})
    body = f"Reverts {title}.\n\n## Why\nIt was slower.\n\n## How to undo\nMerge it again.\n"
    telling.work(f'Revert "{title}"', by=people.helper, reviewer=people.second, at=at + 2 * HOUR, files={path: None}, body=body)
    return telling.tale


@trap("cherry-pick", "The same change is picked onto another branch and comes to main a second time, reviewed.")
def cherry_pick(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    title, files = ground.title(), {f"app/picked_{ground.days[0]:%m%d}.py": f"PICKED = {random.randrange(90)}\n"}
    telling.work(title, by=people.author, reviewer=people.reviewer, at=at, files=files)
    more = {**files, "app/release_notes.py": f"# {title}\n"}
    picked = f"{title}, for the next release"
    telling.work(picked, by=people.helper, reviewer=people.second, at=at + 2 * HOUR, files=more)
    return telling.tale


@trap(
    "empty-commit",
    "A pull request holds nothing but an empty commit, to start CI once more, and is reviewed.",
)
def empty_commit(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    branch, title = f"{people.author}/empty-{ground.days[0]:%m%d}", ground.title()
    telling.github("commit", at=at, branch=branch, files={}, author=people.author, message="Start CI once more")
    pull = opened(telling, title, branch=branch, by=people.author, at=at + MINUTE)
    telling.check(pull, at=at + 10 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 40 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 48 * MINUTE)
    return telling.tale


@trap("rewritten-feature-branch", "The author rewrites the own branch by a force push before anybody has looked at it.")
def rewritten_feature_branch(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    files = {"app/tidied.py": f"TIDY = {random.randrange(90)}\n"}
    pull = rewritten(telling, pull, by=people.author, at=at + 15 * MINUTE, files=files, message="In one piece")
    telling.check(pull, at=at + 24 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 40 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 50 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 58 * MINUTE)
    return telling.tale


@trap(
    "stacked-branches",
    "A branch is merged into another without a review; both are reviewed on the way to main.",
)
def stacked_branches(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    title = ground.title()
    lower = telling.open(title, by=people.author, at=at)
    upper = telling.open(ground.title(), by=people.helper, at=at + 10 * MINUTE, base=lower.branch)
    joined = telling.merge(upper, by=people.helper, at=at + 15 * MINUTE)
    lower = replace(lower, head=joined)
    telling.check(lower, at=at + 25 * MINUTE)
    telling.review(lower, by=people.reviewer, at=at + 45 * MINUTE)
    merged = telling.merge(lower, by=people.reviewer, at=at + 50 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 58 * MINUTE)
    return telling.tale


@trap("deliveries-twice", "GitHub sends every webhook three times or more for a morning.")
def deliveries_twice(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    telling.github("faults", at=at, timed=False, hooks={"duplicate": random.randrange(2, 5)})
    telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at + MINUTE)
    telling.github("faults", at=at + 70 * MINUTE, timed=False, hooks={})
    return telling.tale


@trap("deliveries-lost", "No webhook arrives early one morning; what was missed is read from the API.")
def deliveries_lost(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), ground.at("04:00")
    telling.github("faults", at=at, timed=False, hooks={"drop_every": 1})
    telling.work(ground.title(), by=people.author, reviewer=people.reviewer, at=at + MINUTE)
    telling.github("faults", at=at + 70 * MINUTE, timed=False, hooks={})
    telling.look(at=at + 80 * MINUTE)
    return telling.tale


@trap("repository-renamed", "A repository has another name for a day; work goes on under it.")
def repository_renamed(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    new = f"{ground.repository}-{random.choice(('next', 'service', 'two'))}"
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.github("rename_repository", at=at + 20 * MINUTE, to=new, by=ADMINISTRATOR)
    there = elsewhere(telling, new)
    there.review(pull, by=people.reviewer, at=at + 40 * MINUTE)
    there.merge(pull, by=people.reviewer, at=at + 50 * MINUTE)
    there.look(at=at + HOUR)
    there.github("rename_repository", at=at + 5 * HOUR, to=ground.repository, by=ADMINISTRATOR)
    telling.ship("", "staging", by=people.reviewer, at=at + 6 * HOUR)
    return telling.tale


@trap("rule-tightened", "An administrator binds administrators to the rules of prod as well.")
def rule_tightened(random: Random, ground: Ground) -> Tale:
    telling, at = Telling(ground), begin(random, ground)
    telling.github("set_protection", branch="prod", by=ADMINISTRATOR, enforce_admins=True, at=at)
    return telling.tale


@trap("on-the-list-that-day", "Somebody merges to main and is taken off the list of authorised mergers afterwards.")
def on_the_list_that_day(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    lists = {"repository": ground.repository, "branch": "main", "confirmed_by": "mia"}
    telling.deed("agree_mergers", by="dev", at=at, without=[], **lists)
    pull = green(telling, ground.title(), by=people.author, at=at + 10 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 40 * MINUTE)
    merged = telling.merge(pull, by=people.third, at=at + 50 * MINUTE)
    telling.ship(merged, "staging", by=people.third, at=at + 58 * MINUTE)
    telling.deed("agree_mergers", by="dev", at=at + 2 * HOUR, without=[people.third], **lists)
    telling.deed("agree_mergers", by="dev", at=at + 6 * HOUR, without=[], **lists)
    return telling.tale
