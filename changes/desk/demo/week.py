"""The story's hands: steps that take several acts at the vendors and several decisions in the portal."""

from datetime import datetime

from changes.desk.demo import deciding
from changes.desk.demo.acting import MINUTE, Said, Vendors
from changes.desk.demo.deciding import Pump
from changes.desk.demo.people import PEOPLE
from portal.standins import company

BODY = "## Why\n{why}\n\n## How tested\n{tested}\n\n## How to undo\n{undo}\n"
UNDO = "Revert the merge and release the version before; nothing else changes."
TESTED = "Unit tests, and by hand in staging."
PROMOTION = f"## Why\nBrings what is on main to production.\n\n## How to undo\n{UNDO}\n"


def text(why: str, *, tested: str = TESTED, undo: str = UNDO, more: str = "") -> str:
    """The description of a pull request under the headings that the portal lifts."""
    return BODY.format(why=why, tested=tested, undo=undo) + more


class Week:
    """Composite steps; each may be repeated by a later run and then changes nothing."""

    def __init__(self, vendors: Vendors, *, pump: Pump) -> None:
        self.vendors = vendors
        self.pump = pump

    def work(
        self,
        repository: str,
        title: str,
        *,
        by: str,
        at: datetime,
        files: dict[str, str],
        body: str,
        reviewer: str = "bob",
        merger: str = "",
        ci: str = "success",
        staging: bool = True,
    ) -> str:
        """A pull request into main from opening to staging, an hour in all. Returns the commit on main.

        ``reviewer`` "" leaves the review out; ``merger`` defaults to the reviewer.
        """
        vendors = self.vendors
        pull = vendors.open(repository, title, by=by, files=files, body=body, at=at)
        vendors.check(repository, pull, at=at + 9 * MINUTE, conclusion=ci)
        if reviewer:
            vendors.review(repository, pull, by=reviewer, at=at + 40 * MINUTE)
        merged = vendors.merge(repository, pull, by=merger or reviewer, at=at + 50 * MINUTE)
        if staging:
            vendors.ship(repository, merged, "staging", at=at + 58 * MINUTE)
        return merged

    def propose_promotion(self, repository: str, key: str, *, at: datetime, reviewer: str = "bob") -> Said:
        """A promotion is opened, CI passes, somebody reviews it."""
        pull = self.vendors.promotion(repository, key=f"{repository}/{key}", at=at, body=PROMOTION)
        self.vendors.review(repository, pull, by=reviewer, at=at + 20 * MINUTE)
        return pull

    def decide(
        self, repository: str, pull: Said, *, at: datetime, carries: int = 1, approver: str = "bob", tester: str = "dev"
    ) -> None:
        """In the portal every change of a pull request is tested (unless ``tester`` is "") and approved."""
        if self.vendors.remote.mark(f"demo/{repository}/{pull['number']}/merge") is not None:
            return
        for change in deciding.await_changes(repository, pull["number"], pull["head"], count=carries, pump=self.pump):
            if tester:
                deciding.sign_off_in_staging(change, pull["head"], by=tester, at=at)
            deciding.approve_change(change, by=approver, at=at + 25 * MINUTE)

    def release(self, repository: str, pull: Said, *, at: datetime, by: str = "bob") -> str:
        """The pull request into prod is merged and released. Returns the commit on prod."""
        merged = self.vendors.merge(repository, pull, by=by, at=at)
        self.vendors.ship(repository, merged, "production", by=by, at=at + 6 * MINUTE)
        return merged

    def roll_back(self, repository: str, *, to: str, version: int, by: str, at: datetime) -> None:
        """Production goes back to an earlier version, at Fly and in GitHub's deployments."""
        app = company.app_name(repository, "production")
        email = next(person.email for person in PEOPLE if person.login == by)
        self.vendors.act(f"{app}/back", "fly/rollback", app=app, version=version, by=email, at=at)
        self.vendors.github(f"{app}/back-deploy", "deploy", repository=repository, environment="production", sha=to, by=by, at=at)
