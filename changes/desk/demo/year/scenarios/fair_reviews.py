"""Traps around reviews, checks and accounts: what looks unreviewed, untested or self-approved and is not (P-03, P-11)."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from changes.desk.demo.year.cast import BOT
from changes.desk.demo.year.crew import begin, crew, green, rewritten
from changes.desk.demo.year.ground import HOUR, MINUTE, Ground, Telling
from changes.desk.demo.year.registry import trap
from changes.desk.demo.year.steps import Given, Tale

LOCK = {"requirements.lock": "httpx==0.28.1\n"}
SECOND = timedelta(seconds=1)


@trap("bot-rebases", "A bot rebases its branch after the approval; a person looks again before the merge.")
def bot_rebases(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    title = f"Update httpx to 0.28.{random.randrange(1, 9)}"
    pull = green(telling, title, by=BOT, at=at, files=LOCK)
    telling.review(pull, by=people.reviewer, at=at + 20 * MINUTE)
    again: dict[str, Any] = {"files": {**LOCK, "setup.cfg": f"# {random.random()}\n"}, "message": title}
    pull = rewritten(telling, pull, by=BOT, at=at + 40 * MINUTE, **again)
    telling.check(pull, at=at + 49 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 60 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 62 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 70 * MINUTE)
    return telling.tale


@trap("bot-reviewed-by-a-person", "A bot's update of a dependency is approved and merged by a person.")
def bot_reviewed(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    title = f"Update orjson to 3.10.{random.randrange(1, 15)}"
    telling.work(title, by=BOT, reviewer=people.reviewer, at=at, files={"requirements.lock": f"# {random.random()}\n"})
    return telling.tale


@trap("changed-mind", "A reviewer asks for changes, gets them, and then approves.")
def changed_mind(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE, state="changes_requested", body="Please add a test.")
    files = {"tests/test_that.py": "def test_that(): ...\n"}
    pull = telling.commit(pull, by=people.author, at=at + 50 * MINUTE, files=files, message="Add a test")
    telling.check(pull, at=at + 59 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 65 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 66 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 75 * MINUTE)
    return telling.tale


@trap("approval-dismissed", "An approval is dismissed, and given again by somebody else.")
def approval_dismissed(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    first = telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    dismissed = {"number": pull.number, "review_id": Given(first, "id")}
    telling.github("dismiss_review", at=at + 40 * MINUTE, by=people.reviewer, **dismissed)
    telling.review(pull, by=people.second, at=at + 55 * MINUTE)
    merged = telling.merge(pull, by=people.second, at=at + 60 * MINUTE)
    telling.ship(merged, "staging", by=people.second, at=at + 66 * MINUTE)
    return telling.tale


@trap("brought-up-to-date", "After the approval main is merged into the branch; the new head is approved too.")
def brought_up_to_date(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 5 * MINUTE)
    telling.work(ground.title(), by=people.helper, reviewer=people.second, at=at + 10 * MINUTE)
    updated = telling.github("update_branch", at=at + 80 * MINUTE, number=pull.number, by=people.author)
    pull = replace(pull, head=Given(updated, "sha"))
    telling.check(pull, at=at + 90 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 95 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 100 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 108 * MINUTE)
    return telling.tale


@trap("co-author", "A commit names a co-author; somebody who wrote none of it approves before it is squashed.")
def co_author(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at, co_authors=[people.helper])
    telling.review(pull, by=people.helper, at=at + 20 * MINUTE, state="commented", body="I wrote the second half of it.")
    telling.review(pull, by=people.reviewer, at=at + 35 * MINUTE)
    merged = telling.merge(pull, by=people.author, at=at + 50 * MINUTE, method="squash")
    telling.ship(merged, "staging", by=people.author, at=at + 58 * MINUTE)
    return telling.tale


@trap("two-accounts", "The author has a second account, linked to the same person, and pushes a commit with it.")
def two_accounts(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    login, uid = f"{people.author}-at-home", 82000 + random.randrange(900)
    telling.act("github/add_account", at=at, timed=False, login=login, uid=uid, name=f"{people.author} at home")
    telling.deed("link_account", by=people.author, at=at + MINUTE, uid=uid, login=login)
    pull = telling.open(ground.title(), by=people.author, at=at + 10 * MINUTE)
    files = {"app/from_home.py": f"AGAIN = {random.randrange(9)}\n"}
    pull = telling.commit(pull, by=login, at=at + 30 * MINUTE, files=files, message="From home")
    telling.check(pull, at=at + 40 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 50 * MINUTE)
    merged = telling.merge(pull, by=people.author, at=at + 55 * MINUTE)
    telling.ship(merged, "staging", by=people.author, at=at + 62 * MINUTE)
    return telling.tale


@trap("renamed-account", "A reviewer takes another login between the approval and the merge.")
def renamed_account(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    new = f"{people.reviewer}-{random.choice(('dev', 'codes', 'works'))}"
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    telling.act("github/rename_account", at=at + 35 * MINUTE, timed=False, login=people.reviewer, to=new)
    merged = telling.merge(pull, by=new, at=at + 50 * MINUTE)
    telling.ship(merged, "staging", by=new, at=at + 58 * MINUTE)
    telling.look(at=at + HOUR)
    telling.act("github/rename_account", at=at + 2 * HOUR, timed=False, login=new, to=people.reviewer)
    return telling.tale


@trap("around-midnight", "Approved a minute before midnight and merged after it; both on the same commit.")
def around_midnight(random: Random, ground: Ground) -> Tale:
    telling, people, midnight = Telling(ground), crew(random), ground.at("00:00") + timedelta(days=1)
    pull = telling.open(ground.title(), by=people.author, at=midnight - 50 * MINUTE)
    telling.check(pull, at=midnight - 20 * SECOND)
    telling.review(pull, by=people.reviewer, at=midnight - random.randrange(1, 20) * SECOND)
    merged = telling.merge(pull, by=people.second, at=midnight + random.randrange(20) * SECOND)
    telling.ship(merged, "staging", by=people.second, at=midnight + 5 * MINUTE)
    return telling.tale


@trap("same-second", "CI, review and merge all carry the same second.")
def same_second(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    telling.check(pull, at=at + 9 * MINUTE)
    telling.review(pull, by=people.reviewer, at=at + 9 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 9 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 15 * MINUTE)
    return telling.tale


@trap("ci-run-again", "CI fails, is run again on the same commit, and passes before the merge.")
def ci_run_again(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = telling.open(ground.title(), by=people.author, at=at)
    telling.check(pull, at=at + 9 * MINUTE, conclusion=random.choice(("failure", "cancelled", "timed_out")))
    telling.review(pull, by=people.reviewer, at=at + 15 * MINUTE)
    telling.check(pull, at=at + 24 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 25 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 32 * MINUTE)
    return telling.tale


@trap("ci-fails-afterwards", "CI was green at the merge; somebody runs it again afterwards, and it fails.")
def ci_fails_afterwards(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 40 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 48 * MINUTE)
    telling.check(pull, at=at + 2 * HOUR, conclusion="failure")
    return telling.tale


@trap("optional-check-failed", "A check that main does not require fails, and the required one passes.")
def optional_check_failed(random: Random, ground: Ground) -> Tale:
    telling, people, at = Telling(ground), crew(random), begin(random, ground)
    pull = green(telling, ground.title(), by=people.author, at=at)
    telling.check(pull, at=at + 12 * MINUTE, conclusion="failure", name=random.choice(("spelling", "coverage", "image size")))
    telling.review(pull, by=people.reviewer, at=at + 30 * MINUTE)
    merged = telling.merge(pull, by=people.reviewer, at=at + 40 * MINUTE)
    telling.ship(merged, "staging", by=people.reviewer, at=at + 48 * MINUTE)
    return telling.tale
