"""The demo year from nothing to nine days ago: people join, the vendors are connected, and the plan is played."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from django.conf import settings
from django.utils import timezone

from changes.connectors import outages
from changes.desk.demo import consoles, people, setting
from changes.desk.demo.acting import Vendors
from changes.desk.demo.expected import Finding
from changes.desk.demo.year.cast import EVERYBODY, REPOSITORIES
from changes.desk.demo.year.diligence import read_notices
from changes.desk.demo.year.haste import hurried
from changes.desk.demo.year.plan import WEEKS, Plan, plan
from changes.desk.demo.year.player import FOUND, Player, StepFailed
from changes.desk.demo.year.where import where
from portal.home import loading
from portal.runtime import standstill
from portal.standins.client import Remote
from portal.ui.doorbell import ring

MARK, PLAYED = "year", "year/whole"
BEFORE_THE_WEEK = timedelta(days=9)
"""The year ends this long before the story of the week is told."""
EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Wanted:
    """Which year: kept at the stand-ins, so that one that broke off is played on as it began."""

    seed: int
    scale: float
    last: str
    weeks: int
    names: Sequence[str] | None = None
    """Scenarios to leave in; all of them by default."""

    def plan(self) -> Plan:
        """The same plan every time."""
        return plan(seed=self.seed, scale=self.scale, last=date.fromisoformat(self.last), weeks=self.weeks, names=self.names)


def load_year(
    *,
    address: str,
    seed: int,
    scale: float,
    now: datetime,
    say: Callable[[str], None],
    weeks: int = WEEKS,
    names: Sequence[str] | None = None,
    held: bool = False,
) -> Plan:
    """Plays the year at the stand-ins at ``address``, or goes on with the one that was begun. Returns its plan.

    Nothing else may work on the portal's inbox and clocks meanwhile: the jobs of the scheduler rest until it has been told,
    also while it is broken off, and with ``held`` after it too. Raises ``StepFailed`` when a step cannot be taken; then they go on.
    """
    remote = Remote(address)
    vendors = Vendors(remote, now=now)
    wanted = _wanted(remote, Wanted(seed, scale, str((vendors.began - BEFORE_THE_WEEK).date()), weeks, names))
    made = wanted.plan()
    if remote.mark(PLAYED):
        return made
    herald = Herald(say)
    herald.beat()
    try:
        vendors.once("year/open", lambda: _open(vendors, made))
        with hurried():
            Player(remote, made, herald).play()
        outages.stood_still(at=timezone.now(), moved=())  # until this moment nobody did anything
        read_notices(at=timezone.now())
    except StepFailed:
        herald.end(remote)  # it would fail again; the portal is not to stand still for that
        raise
    if not held:
        herald.end(remote)
    remote.do("hooks", url="", secret=remote.state()["github"]["hook_secret"])
    remote.do("mark", name=PLAYED, value="yes")
    return made


class Herald:
    """Says how far it is: in the log once a month, on the start page after each day; and holds the scheduler's jobs meanwhile."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._month = 0
        self._held = -math.inf

    def beat(self) -> None:
        """Some seconds have passed perhaps."""
        if time.monotonic() - self._held > EVERY_SECONDS:
            standstill.hold()
            self._held = time.monotonic()

    def day(self, done: int, steps: int, at: datetime) -> None:
        """A day is over."""
        percent = 100 * done // max(1, steps)
        loading.say(f"A year of Northwind Labs is being told: {at:%-d %B %Y}, {percent} %. Until it is over, workers rest.")
        ring("inbox")
        if at.month != self._month:
            self._month = at.month
            self._say(f"The year has come to {at:%B %Y}: {percent} %.")

    def end(self, remote: Remote) -> None:
        """It is over: the vendors' clock and the scheduler's jobs go on."""
        remote.do("clock")
        standstill.let_go()
        self._held = -math.inf
        loading.say("")
        ring("inbox")


def _wanted(remote: Remote, given: Wanted) -> Wanted:
    kept = remote.mark(MARK)
    if kept:
        return Wanted(**json.loads(kept))
    remote.do("mark", name=MARK, value=json.dumps(asdict(given)))
    return given


def _open(vendors: Vendors, made: Plan) -> None:
    """Everything that is there before the first day; done again, it changes nothing."""
    at = datetime.combine(made.first, clock(6), tzinfo=UTC) - timedelta(days=7)
    vendors.remote.do("clock", at=at)
    people.admit(password=settings.DEMO_PASSWORD, at=at, persons=EVERYBODY)
    setting.accounts(vendors, persons=EVERYBODY, at=at)
    members = [person.login for person in EVERYBODY if person.permission and person.login != "rex"]
    for name in made.repositories:
        description = REPOSITORIES.get(name, "Something of its own")
        development = name in REPOSITORIES
        setting.repository(vendors, name=name, description=description, members=members, at=at, development=development)
        setting.first_releases(vendors, name=name, at=at + timedelta(hours=3), development=development)
    consoles.set_up(vendors, persons=EVERYBODY, at=at)
    connected_at = at + timedelta(days=4)
    setting.connect(vendors.remote, names=made.repositories, persons=EVERYBODY, at=connected_at, development=REPOSITORIES)
    setting.hold(vendors.remote)


def places(*, address: str) -> list[str]:
    """Where each scenario of the year that was told took place, in lines; empty when none was told."""
    remote = Remote(address)
    kept = remote.mark(MARK)
    return list(where(plan=Wanted(**json.loads(kept)).plan(), remote=remote)) if kept else []


def must_be_found(remote: Remote) -> frozenset[Finding]:
    """What the year left to be found; nothing when none was played."""
    kept = remote.mark(FOUND)
    return frozenset(Finding(repository, text) for repository, text in json.loads(kept)) if kept else frozenset()
