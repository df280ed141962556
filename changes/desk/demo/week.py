"""The story's hands: steps that take several acts at the vendors and several decisions in the portal."""

from datetime import datetime

from changes.desk.demo import deciding
from changes.desk.demo.acting import MINUTE, Said, Vendors
from changes.desk.demo.deciding import Pump
from changes.desk.demo.people import PEOPLE
from changes.desk.demo.plot import ROLLBACK_TAKES, UNDO, Work, text
from portal.standins import company

PROMOTION = f"## Why\nBrings what is on main to production.\n\n## How to undo\n{UNDO}\n"


class Week:
    """Composite steps; each may be repeated by a later run and then changes nothing."""

    def __init__(self, vendors: Vendors, *, pump: Pump) -> None:
        self.vendors = vendors
        self.pump = pump

    def work(self, work: Work, *, at: datetime | None = None) -> str:
        """A pull request into main from opening to staging, an hour in all. Returns the commit on main.

        ``at`` overrides the moment in ``work``.
        """
        vendors, repository = self.vendors, work.repository
        begun = at or vendors.on(*work.when)
        body = text(work.why, more=work.more)
        pull = vendors.open(repository, work.title, by=work.by, files=work.files, body=body, at=begun)
        vendors.check(repository, pull, at=begun + 9 * MINUTE, conclusion=work.ci)
        if work.reviewer:
            vendors.review(repository, pull, by=work.reviewer, at=begun + 40 * MINUTE)
        merged = vendors.merge(repository, pull, by=work.merger or work.reviewer, at=begun + 50 * MINUTE)
        if work.staging:
            vendors.ship(repository, merged, "staging", at=begun + 58 * MINUTE)
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
        if self.vendors.remote.do("pull-request", repository=repository, number=pull["number"])["merged"]:
            return
        for change in deciding.await_changes(repository, pull["number"], pull["head"], count=carries, pump=self.pump):
            if tester:
                deciding.sign_off_in_staging(change, pull["head"], by=tester, at=at)
            deciding.approve_change(change, by=approver, at=at + 25 * MINUTE)

    def release(self, repository: str, pull: Said, *, at: datetime, by: str = "bob") -> str:
        """The pull request into prod is merged and released. Returns the commit on prod."""
        merged = self.vendors.merge(repository, pull, by=by, at=at)
        self.vendors.ship(repository, merged, "production", by=by, at=at + 6 * MINUTE)
        self.pump()
        return merged

    def roll_back(self, repository: str, *, to: str, version: int, by: str, at: datetime) -> None:
        """Production goes back to an earlier version, at Fly and in GitHub's deployments."""
        app = company.app_name(repository, "production")
        email = next(person.email for person in PEOPLE if person.login == by)
        back = {"app": app, "version": version, "by": email, "status": "running"}
        begun = self.vendors.act(f"{app}/back", "fly/rollback", at=at, **back)
        done = {"app": app, "version": begun["version"], "status": "complete"}
        self.vendors.act(f"{app}/back-done", "fly/finish", at=at + ROLLBACK_TAKES, **done)
        deployed = {"environment": "production", "sha": to, "by": by, "at": at + ROLLBACK_TAKES}
        self.vendors.github(f"{app}/back-deploy", "deploy", repository=repository, **deployed)
        self.pump()
