"""The demo year from nothing to nine days ago: people join, the vendors are connected, and the plan is played."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings

from changes.desk.demo import consoles, people, setting
from changes.desk.demo.acting import Vendors
from changes.desk.demo.expected import Finding
from changes.desk.demo.year.cast import EVERYBODY, REPOSITORIES
from changes.desk.demo.year.plan import WEEKS, Plan, plan
from changes.desk.demo.year.player import FOUND, Player, Say
from portal.standins.client import Remote

MARK, PLAYED = "year", "year/whole"
BEFORE_THE_WEEK = timedelta(days=9)
"""The year ends this long before the story of the week is told."""
HOLD = "hold:"


@dataclass(frozen=True)
class Wanted:
    """Which year: kept at the stand-ins, so that one that broke off is played on as it began."""

    seed: int
    scale: float
    last: str
    weeks: int

    def plan(self) -> Plan:
        """The same plan every time."""
        return plan(seed=self.seed, scale=self.scale, last=date.fromisoformat(self.last), weeks=self.weeks)


def load_year(*, address: str, seed: int, scale: float, now: datetime, say: Say, weeks: int = WEEKS) -> Plan:
    """Plays the year at the stand-ins at ``address``, or goes on with the one that was begun. Returns its plan.

    Nothing else may work on the portal's inbox and clocks meanwhile.
    """
    remote = Remote(address)
    vendors = Vendors(remote, now=now)
    wanted = _wanted(remote, Wanted(seed, scale, str((vendors.began - BEFORE_THE_WEEK).date()), weeks))
    made = wanted.plan()
    if remote.mark(PLAYED):
        return made
    _open(vendors, made)
    Player(remote, made, say).play()
    remote.do("hooks", url="", secret=remote.state()["github"]["hook_secret"])
    remote.do("mark", name=PLAYED, value="yes")
    return made


def _wanted(remote: Remote, given: Wanted) -> Wanted:
    kept = remote.mark(MARK)
    if kept:
        return Wanted(**json.loads(kept))
    remote.do("mark", name=MARK, value=json.dumps(asdict(given)))
    return given


def _open(vendors: Vendors, made: Plan) -> None:
    """Everything that is there before the first day; done again, it changes nothing."""
    at = datetime.combine(made.first, time(6), tzinfo=UTC) - timedelta(days=7)
    vendors.remote.do("clock", at=at)
    people.admit(password=settings.DEMO_PASSWORD, at=at, persons=EVERYBODY)
    setting.accounts(vendors, persons=EVERYBODY, at=at)
    members = [person.login for person in EVERYBODY if person.permission and person.login != "rex"]
    for name in made.repositories:
        description = REPOSITORIES.get(name, "Something of its own")
        setting.repository(vendors, name=name, description=description, members=members, at=at)
    consoles.set_up(vendors, persons=EVERYBODY, at=at)
    setting.connect(vendors.remote, names=made.repositories, persons=EVERYBODY, at=at + timedelta(days=4))
    vendors.remote.do("hooks", url=HOLD, secret=vendors.remote.state()["github"]["hook_secret"])


def must_be_found(remote: Remote) -> frozenset[Finding]:
    """What the year left to be found; nothing when none was played."""
    kept = remote.mark(FOUND)
    return frozenset(Finding(repository, text) for repository, text in json.loads(kept)) if kept else frozenset()
