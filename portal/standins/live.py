"""Keeps the demo company alive: every few minutes somebody does the next thing, one thing at a time.

A promotion is merged only when the portal's own check ``Countersign`` allows it, so production waits for a person there.
"""

import logging
import threading
from dataclasses import dataclass
from itertools import count

from portal.standins import company
from portal.standins.github import GitHubError
from portal.standins.github.acts.checking import passed, runs_of
from portal.standins.store import Row
from portal.standins.vendors import Vendors

GATE = "Countersign"
OPEN_AT_MOST = 2
IDEAS = (
    ("Show the total before checkout", "ann", "app/checkout.py"),
    ("Retry a failed payment once", "dev", "app/payments.py"),
    ("Shorten the welcome mail", "ann", "app/mail.py"),
    ("Cache the price list", "dev", "app/prices.py"),
    ("Log who changed an address", "ann", "app/addresses.py"),
    ("Make search ignore accents", "dev", "app/search.py"),
)
BODY = "## Why\n{title}: customers asked for it.\n\n## How tested\nUnit tests, and a look in staging.\n\n## How to undo\nRevert.\n"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """What comes next in one repository: ``act`` and the pull request it is about."""

    act: str
    repository: str
    number: int = 0
    by: str = ""
    sha: str = ""


def next_step(vendors: Vendors, repository: str) -> Step | None:
    """What a person would do next; None when everything waits for the portal. A promotion that waits keeps main still."""
    rows = [row for row in vendors.github.pulls(repository) if row["state"] == "open"]
    promotion = next((row for row in rows if row["base_ref"] == "prod" and row["head_ref"] == "main"), None)
    if promotion is not None:
        return _promotion_step(vendors, repository, promotion) or _new_work(repository, rows, at_most=OPEN_AT_MOST + 1)
    work = next((row for row in rows if row["base_ref"] == "main" and not row["draft"] and row["user"] != "renovate[bot]"), None)
    if work is not None:
        return _work_step(vendors, repository, work)
    if _ahead(vendors, repository):
        return Step("promote", repository, by="ann")
    return _new_work(repository, rows, at_most=OPEN_AT_MOST)


def _ahead(vendors: Vendors, repository: str) -> bool:
    """Whether main has something that prod has not."""
    git = vendors.github.git(repository)
    return bool(git.files(git.merge_base("prod", "main"), "main"))


def _new_work(repository: str, rows: list[Row], *, at_most: int) -> Step | None:
    return Step("open", repository) if len(rows) < at_most else None


def _work_step(vendors: Vendors, repository: str, row: Row) -> Step | None:
    """CI, then a review, then the merge. Whoever wants changes gets them from a person, not from here."""
    github, number, sha = vendors.github, row["number"], row["head_sha"]
    if not any(run["name"] == company.CI for run in runs_of(github, repository, sha)):
        return Step("check", repository, number, sha=sha)
    reviews = github.store.all("review", place=repository, subject=str(number))
    if not any(one["state"] == "approved" and one["commit"] == sha for one in reviews):
        wants_changes = any(one["state"] == "changes_requested" for one in reviews)
        return None if wants_changes else Step("review", repository, number, by="bob")
    return Step("merge", repository, number, by="bob") if passed(github, repository, sha, company.CI) else None


def _promotion_step(vendors: Vendors, repository: str, row: Row) -> Step | None:
    github, number, sha = vendors.github, row["number"], row["head_sha"]
    if not any(run["name"] == company.CI for run in runs_of(github, repository, sha)):
        return Step("check", repository, number, sha=sha)
    reviews = github.store.all("review", place=repository, subject=str(number))
    if not any(one["state"] == "approved" and one["commit"] == sha for one in reviews):
        return Step("review", repository, number, by="bob")
    return Step("merge", repository, number, by="bob") if passed(github, repository, sha, GATE) else None


def take(vendors: Vendors, step: Step, *, turn: int) -> None:
    """Does one step; a merge releases what it merged."""
    github = vendors.github
    if step.act == "open":
        title, by, path = IDEAS[turn % len(IDEAS)]
        files: dict[str, str | None] = {path: f'"""{title}."""\n\nTURN = {turn}\n'}
        company.open_work(github, repository=step.repository, title=title, by=by, files=files, body=BODY.format(title=title))
    elif step.act == "check":
        github.check(repository=step.repository, sha=step.sha, name=company.CI)
    elif step.act == "review":
        github.review(repository=step.repository, number=step.number, by=step.by)
    elif step.act == "promote":
        company.promote(github, repository=step.repository, by=step.by)
    else:
        base = github.pull(step.repository, step.number)["base_ref"]
        github.merge(repository=step.repository, number=step.number, by=step.by)
        environment = "production" if base == "prod" else "staging"
        company.ship(github, vendors.fly, repository=step.repository, environment=environment, by=step.by)


class Living:
    """Takes one step every ``seconds`` in a thread, repository by repository, once the demo has been filled (mark ``demo``)."""

    def __init__(self, vendors: Vendors, *, seconds: float) -> None:
        self._vendors = vendors
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standin-live", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the step it is in."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        for turn in count():
            if self._ended.wait(self._seconds):
                return
            mark = self._vendors.github.store.one("mark", subject="demo")
            if mark and mark["value"] == "filled":
                step_once(self._vendors, turn=turn)


def step_once(vendors: Vendors, *, turn: int) -> Step | None:
    """One step somewhere, beginning with another repository each turn. Returns it; None when everything waits."""
    if vendors.clock.turned:
        return None
    names = [row["full_name"] for row in vendors.github.repositories()]
    for place in range(len(names)):
        name = names[(turn + place) % len(names)]
        with vendors.github.lock:
            try:
                step = next_step(vendors, name)
                if step is not None:
                    take(vendors, step, turn=turn)
                    return step
            except GitHubError as problem:
                log.warning("the living demo stopped at %s: %s", name, problem)
    return None
