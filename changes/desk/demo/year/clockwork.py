"""What the workers would have done by a moment of the year, done here with that clock: the same functions, nothing else."""

from collections.abc import Collection
from datetime import datetime, timedelta

from changes.connectors import outages
from changes.connectors.door import arrive
from changes.connectors.fly.inventory import sync_inventory
from changes.connectors.github import rights_sync
from changes.connectors.inbox import drain
from changes.connectors.models import Settling, Source
from changes.connectors.polling import POLLS, mirror_due, read_apps
from changes.connectors.readings import read_due
from changes.connectors.settling import settle_due
from changes.desk.demo.year.steps import Act
from changes.emergencies.reminding import keep_clocks
from changes.entitlements.own import take_own
from changes.entitlements.reviews.reminding import keep_reviews
from changes.exceptions import acceptance, missed
from changes.gates.tasks import judge_due
from changes.gates.waking import judge_moved
from changes.meetings import ballots, keeping
from changes.talk import inviting, news, telling
from changes.training import reminding
from portal.outbox.delivery import deliver_due
from portal.standins import company
from portal.standins.client import Remote
from portal.standins.times import moment

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
REMINDS = timedelta(days=5)
"""Training is reminded of weeks before and after it is due."""
ROUNDS = 40
"""Most turns of one look; a company comes to rest in three or four."""
ALL = ("github", "fly", "doppler", "cloudflare", "slack")
FORGE, FLY = frozenset({"github"}), frozenset({"fly"})
TOUCHES = {"open-work": FORGE, "promote": FORGE, "ship": FORGE | FLY}
"""Vendors that an act of several steps moves; any other act of somebody names its vendor, and moves that."""
TOLD = frozenset(
    {"ship", "open-work", "promote"} | {f"github/{act}" for act in ("check", "review", "merge", "commit", "open_pull_request")}
)
"""Acts that webhooks tell of to their end; for others the vendor is asked once more when the day is over."""
KEEPS = timedelta(days=3)
"""As often, and on days of which webhooks may not tell everything, the clocks of the policy are looked at."""


class Clockwork:
    """Turns the clock, and lets the portal come to know what has happened until then."""

    def __init__(self, remote: Remote, *, at: datetime) -> None:
        self.remote = remote
        self.at = at
        self._moved: set[str] = set()
        self._kept: datetime | None = None
        self._reminded: datetime | None = None
        self._today: set[str] = set()
        """Vendors that moved since the last night, in a way that webhooks alone may not tell."""
        self._repositories: set[str] = set()
        """In which something happened since the last look; only they are fetched."""
        self._of_today: set[str] = set()
        """The same since the last night of a poll; only they are polled."""
        self._apps: set[str] = set()
        """Which were released or set since the last look."""

    def now(self) -> datetime:
        """The clock."""
        return self.at

    def turn(self, at: datetime) -> None:
        """Forwards, never back."""
        self.at = max(self.at, at)

    def moved(self, act: Act) -> None:
        """Something happened at a vendor that the portal has not seen."""
        vendors = TOUCHES.get(act.act) or {act.act.partition("/")[0]}
        self._moved |= vendors
        if act.act not in TOLD:
            self._today |= vendors
        named = {str(name) for name in [act.arguments.get("repository")] if name}
        self._repositories |= named
        self._of_today |= named
        self._apps |= _apps_of(act)

    def look(self, *, released: bool = False, anyway: bool = False) -> None:
        """Everything that happened until now comes in, is read again, settles, and has its effects.

        Nothing when nothing did, unless ``anyway``. ``released``: something went to production, and its message in Slack is
        noted at once.
        """
        if self._moved or anyway:
            self._look()
        if released:
            self._poll("slack")
            self._settle()

    def _look(self) -> None:
        self._stood_still(self._repositories)
        self._bring_in()
        for kind in sorted(self._moved - FORGE):
            self._poll(kind)
        self._forget()
        self._settle()
        self._deliver()

    def _bring_in(self) -> None:
        """Webhooks arrive and are applied; Git is fetched; what was hinted at is read until nothing is left."""
        for delivery in self.remote.do("held"):
            low = {name.lower(): value for name, value in delivery["headers"].items()}
            came = min(moment(delivery["at"]) + SECOND, self.at)
            arrive(name="github", body=delivery["body"].encode(), headers=low, at=came)
        while drain(now=self.now, past=True):
            pass
        mirror_due(now=self.now)
        while read_due(now=self.now):
            pass

    def _stood_still(self, moved: Collection[str]) -> None:
        self.remote.do("clock", at=self.at)
        outages.stood_still(at=self.at - SECOND, moved=moved)

    def _poll(self, kind: str, *, everything: bool = False) -> None:
        """A forge is asked for what moved today, Fly for its apps since the last look (or ``everything``), others as a whole."""
        for source in Source.objects.filter(kind=kind, paused_at=None):
            if kind == "fly" and not everything:
                read_apps(source=source, apps=self._apps, now=self.now)
            else:
                POLLS[kind](source, self.now, at_once=everything or kind != "github")

    def _forget(self) -> None:
        for kept in (self._moved, self._repositories, self._apps):
            kept.clear()

    def _settle(self) -> None:
        for _ in range(ROUNDS):
            if not Settling.objects.exists():
                return
            self.at += 5 * SECOND
            settle_due(now=self.now)
            mirror_due(now=self.now)
            read_due(now=self.now)

    def _deliver(self) -> int:
        """Effects outside: checks on pull requests, messages in Slack, mails. Returns how many."""
        return deliver_due(now=self.now).total()

    def night(self, *, everything: bool) -> None:
        """Once a day: the poll that makes sure, of ``everything`` or of what moved that day, and the clocks of the policy.

        A day of which webhooks told everything ends with a look.
        """
        if not (everything or self._today):
            self.look()
            if self._kept is None or self.at - self._kept >= KEEPS:
                self.keep_clocks()
            return
        self._stood_still(self._of_today)
        self._bring_in()
        for kind in ALL if everything else sorted(self._today):
            self._poll(kind, everything=everything)
        if everything:
            self._take_stock()
        self._bring_in()
        self._settle()
        self._forget()
        self._today.clear()
        self._of_today.clear()
        self.keep_clocks()

    def _take_stock(self) -> None:
        """All of Fly is read into the inventory, which takes several of its small turns."""
        for source in Source.objects.filter(kind="fly", paused_at=None):
            while sync_inventory(source=source, at=self.at):
                pass

    def keep_clocks(self) -> None:
        """What happens because time has passed: reviews fall due, meetings were missed, people are told."""
        self._kept = self.at
        for clock in (judge_due, judge_moved, acceptance.open_again, missed.find, keeping.keep, ballots.close_written):
            clock(at=self.at)
        for clock in (keep_clocks, inviting.invite, telling.tell_now):
            clock(at=self.at)
        if self._reminded is None or self.at - self._reminded >= REMINDS:
            reminding.remind(at=self.at)
            self._reminded = self.at
        while news.make_notices(at=self.at) >= news.BATCH:
            pass
        self._deliver()

    def read_rights(self) -> None:
        """Once a month: who may do what, and the clocks of access reviews."""
        rights_sync.read_all(now=self.now)
        take_own(at=self.at)
        keep_reviews(at=self.at)


def _apps_of(act: Act) -> set[str]:
    """The apps at Fly that an act is about."""
    if act.act == "ship":
        return {company.app_name(str(act.arguments["repository"]), str(act.arguments["environment"]))}
    return {str(act.arguments["app"])} if "app" in act.arguments else set()
