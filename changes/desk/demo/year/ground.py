"""Where a scenario takes place, and the short words to tell it with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from changes.desk.demo.plot import text
from changes.desk.demo.year.steps import Act, Deed, Expect, Given, Look, Part, Step, Tale
from changes.desk.demo.year.titles import Titles, files_for, reason_for, tested_for
from changes.desk.demo.year.words import explanation_of
from portal.standins import company

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PROMOTION = "## Why\nBrings what is on main to production.\n\n## How to undo\nRelease the version before.\n"
TITLE = "Promote main to production"


@dataclass(frozen=True)
class Ground:
    """A repository in which, on ``days`` (working days, in order), nobody does anything but this scenario.

    When it begins, main and prod hold the same and nothing is open; when it ends, it must be so again unless the scenario
    asked for a repository of its own (``own=True``). ``name`` is the scenario's, and begins everything that it names.
    """

    repository: str
    days: tuple[date, ...]
    name: str
    holidays: tuple[date, ...] = ()
    """All of the year, for scenarios about dates."""
    meeting: int = 0
    """For ``meeting=True``: the number of the architecture meeting that is the scenario's alone to hold, move or miss."""
    meets_at: datetime | None = None
    """Its planned beginning. The scenario's first day is the working day before it."""
    titles: Titles | None = field(default=None, compare=False)
    """What pull requests of the repository are called."""
    before: date | None = None
    """The working day before, where nothing but ordinary work happens in this repository then."""
    releases_at: datetime | None = None
    """When the company releases on that day; whoever is not ready by then is a little later."""

    def title(self) -> str:
        """A title that no pull request of the repository has."""
        assert self.titles is not None  # whoever plans gives them
        return self.titles.next()

    def at(self, clock: str, *, day: int = 0) -> datetime:
        """That time of day ("09:30", UTC) on the scenario's first day, or a later one of its days."""
        hour, minute = clock.split(":")
        return datetime.combine(self.days[day], time(int(hour), int(minute)), tzinfo=UTC)


@dataclass(frozen=True)
class Pull:
    """A pull request of the plan."""

    repository: str
    name: str
    number: Given
    head: Given
    branch: Given
    by: str


@dataclass
class Telling:
    """Collects a tale. Every word takes its moment; names are made from the ground's name and the word."""

    ground: Ground
    steps: list[Step] = field(default_factory=list)
    expected: list[Expect] = field(default_factory=list)

    @property
    def tale(self) -> Tale:
        """What was told."""
        return Tale(tuple(self.steps), tuple(self.expected))

    def _name(self, word: str) -> str:
        return f"{self.ground.name}/{len(self.steps)}-{word}"

    # The three kinds of steps, and what must be found

    def act(self, act: str, *, at: datetime, timed: bool = True, **arguments: Any) -> str:
        """Something at a vendor. Returns its name, for ``Given(name, "sha")``."""
        made = Act(at, self._name(act.replace("/", ".")), act, arguments, timed)
        self.steps.append(made)
        return made.name

    def github(self, act: str, *, at: datetime, **arguments: Any) -> str:
        """Something at GitHub in the ground's repository (unless ``repository`` is given)."""
        return self.act(f"github/{act}", at=at, **{"repository": self.ground.repository, **arguments})

    def deed(self, deed: str, *, by: str, at: datetime, **arguments: Any) -> str:
        """Something in the portal."""
        made = Deed(at, self._name(deed), deed, by, arguments)
        self.steps.append(made)
        return made.name

    def look(self, *, at: datetime) -> None:
        """The portal looks, without anybody doing anything."""
        self.steps.append(Look(at, self._name("look")))

    def expect(self, kind: str, *subject: Part, repository: str | None = None, explained: str | None = None) -> None:
        """Must be found. ``repository`` "" for an exception of no repository; the ground's by default. ``explained`` "" leaves
        it without an answer.
        """
        where = self.ground.repository if repository is None else repository
        self.expected.append(Expect(where, kind, subject, explanation_of(kind) if explained is None else explained))

    # A pull request

    def open(self, title: str, *, by: str, at: datetime, files: Mapping[str, str | None] | None = None, **more: Any) -> Pull:
        """A new branch with one commit, and its pull request into main (``base``). ``more``: ``body``, ``labels``, ``co_authors``.

        Titles must be unique in a repository.
        """
        more = {"body": text(reason_for(title), tested=tested_for(title)), **more}
        files = dict(files or files_for(title))
        repository = self.ground.repository
        name = self.act("open-work", at=at, repository=repository, title=title, by=by, files=files, **more)
        return Pull(repository, name, Given(name, "number"), Given(name, "head"), Given(name, "branch"), by)

    def commit(self, pull: Pull, *, by: str, at: datetime, files: Mapping[str, str], message: str, **more: Any) -> Pull:
        """Another commit on the branch of a pull request. Returns the pull request with its new head."""
        name = self.github("commit", at=at, branch=pull.branch, files=dict(files), author=by, message=message, **more)
        return replace(pull, head=Given(name, "sha"))

    def check(self, pull: Pull, *, at: datetime, conclusion: str = "success", name: str = company.CI) -> None:
        """CI ends on a pull request's head."""
        self.github("check", at=at, sha=pull.head, name=name, conclusion=conclusion)

    def review(self, pull: Pull, *, by: str, at: datetime, state: str = "approved", body: str = "") -> str:
        """Somebody reviews. Returns the act's name (``Given(name, "id")`` is the review)."""
        return self.github("review", at=at, number=pull.number, by=by, state=state, body=body)

    def merge(self, pull: Pull, *, by: str, at: datetime, method: str = "merge") -> Given:
        """Somebody merges. Returns the commit that it becomes."""
        return Given(self.github("merge", at=at, number=pull.number, by=by, method=method), "sha")

    def ship(self, sha: str | Given, environment: str, *, by: str, at: datetime, failed: bool = False) -> Given:
        """A commit is released: at Fly, and as a deployment at GitHub. Returns the version."""
        where: dict[str, Any] = {"repository": self.ground.repository, "environment": environment}
        return Given(self.act("ship", at=at, sha=sha, by=by, failed=failed, **where), "version")

    # Whole ways

    def work(
        self, title: str, *, by: str, reviewer: str, at: datetime, files: Mapping[str, str | None] | None = None, **more: Any
    ) -> Given:
        """A pull request into main as it should be, an hour from opening to staging. Returns the commit on main."""
        pull = self.open(title, by=by, at=at, files=files, **more)
        self.check(pull, at=at + 9 * MINUTE)
        self.review(pull, by=reviewer, at=at + 40 * MINUTE)
        merged = self.merge(pull, by=reviewer, at=at + 50 * MINUTE)
        self.ship(merged, "staging", by=reviewer, at=at + 58 * MINUTE)
        return merged

    def promotion(self, *, by: str, reviewer: str, at: datetime, body: str = PROMOTION) -> Pull:
        """The pull request from main to prod is opened, CI passes on it, somebody reviews it; 20 minutes in all."""
        repository = self.ground.repository
        name = self.act("promote", at=at, repository=repository, by=by, body=body)
        pull = Pull(repository, name, Given(name, "number"), Given(name, "head"), Given(name, "branch"), by)
        self.check(pull, at=at + 8 * MINUTE)
        self.review(pull, by=reviewer, at=at + 20 * MINUTE)
        return pull

    def decide(self, pull: Pull, *, tester: str, approver: str, at: datetime) -> None:
        """In the portal every change of a promotion is signed off in staging ("" leaves it out) and approved 20 minutes later."""
        if tester:
            self.deed("sign_off", by=tester, at=at, repository=pull.repository, number=pull.number, sha=pull.head)
        if approver:
            self.deed("approve", by=approver, at=at + 20 * MINUTE, repository=pull.repository, number=pull.number)

    def release(self, pull: Pull, *, by: str, at: datetime) -> Given:
        """The promotion is merged and released. Returns the commit."""
        merged = self.merge(pull, by=by, at=at)
        self.ship(merged, "production", by=by, at=at + 6 * MINUTE)
        return merged

    def to_production(
        self, *, by: str, reviewer: str, approver: str, tester: str, merger: str, at: datetime, random: Random
    ) -> Given:
        """What is on main goes to production as it should, within some hours. Returns the commit."""
        pull = self.promotion(by=by, reviewer=reviewer, at=at)
        decided = at + random.randint(24, 36) * MINUTE
        self.decide(pull, tester=tester, approver=approver, at=decided)
        merged = max(decided + 25 * MINUTE, (self.ground.releases_at or decided) + random.randint(0, 6) * MINUTE)
        return self.release(pull, by=merger, at=merged)
