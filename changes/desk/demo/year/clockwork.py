"""What the workers would have done by a moment of the year, done here with that clock: the same functions, nothing else."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from changes.connectors import outages
from changes.connectors.door import arrive
from changes.connectors.github import rights_sync
from changes.connectors.inbox import drain
from changes.connectors.models import Settling, Source
from changes.connectors.polling import POLLS, mirror_due
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
from portal.standins.client import Remote
from portal.standins.times import moment

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
TOGETHER_SECONDS = 900
ROUNDS = 40
"""Most turns of one look; a company comes to rest in three or four."""
ALL = ("github", "fly", "doppler", "cloudflare", "slack")
FORGE, FLY = frozenset({"github"}), frozenset({"fly"})
TOUCHES = {"open-work": FORGE, "promote": FORGE, "ship": FORGE | FLY}
"""Vendors that an act of several steps moves; any other act moves the one that it names."""


class Clockwork:
    """Turns the clock, and lets the portal come to know what has happened until then."""

    def __init__(self, remote: Remote, *, at: datetime) -> None:
        self.remote = remote
        self.at = at
        self._moved: set[str] = set()
        self._today: set[str] = set()
        """Vendors that moved since the last night, in a way that webhooks alone may not tell."""
        self._repositories: set[str] = set()

    def now(self) -> datetime:
        """The clock."""
        return self.at

    def turn(self, at: datetime) -> None:
        """Forwards, never back."""
        self.at = max(self.at, at)

    def moved(self, act: Act, *, ordinary: bool) -> None:
        """Something happened at a vendor that the portal has not seen. What is ``ordinary`` is told by webhooks to its end."""
        vendors = TOUCHES.get(act.act) or {act.act.partition("/")[0]}
        self._moved |= vendors
        if not ordinary:
            self._today |= vendors
        self._repositories |= {name for name in [act.arguments.get("repository")] if name}

    def look(self, *, released: bool = False) -> None:
        """Everything that happened until now comes in, is read again, settles, and has its effects; nothing when nothing did.

        ``released``: something went to production, and its message in Slack is noted at once.
        """
        if not self._moved:
            return
        self._stood_still()
        self._bring_in()
        for kind in sorted(self._moved - FORGE):
            self._poll(kind)
        self._moved.clear()
        self._settle()
        self._deliver()
        if released:
            self._poll("slack")
            self._settle()

    def _bring_in(self) -> None:
        """Webhooks arrive and are applied; Git is fetched; what was hinted at is read until nothing is left."""
        for _, group in groupby(self.remote.do("held"), key=_minutes):
            came = self.at
            for delivery in group:
                came = moment(delivery["at"]) + SECOND
                low = {name.lower(): value for name, value in delivery["headers"].items()}
                arrive(name="github", body=delivery["body"].encode(), headers=low, at=came)
            drain(now=partial(_same, came))
        while drain(now=self.now):
            pass
        mirror_due(now=self.now)
        while read_due(now=self.now):
            pass

    def _stood_still(self) -> None:
        self.remote.do("clock", at=self.at)
        outages.stood_still(at=self.at - SECOND, moved=self._repositories)

    def _poll(self, kind: str, *, everything: bool = False) -> None:
        """A forge is asked for the repositories that moved today, or for ``everything``; the others as a whole."""
        for source in Source.objects.filter(kind=kind, paused_at=None):
            POLLS[kind](source, self.now, at_once=everything or kind != "github")

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

        A day on which only ordinary things happened ends with a look.
        """
        if not (everything or self._today):
            self.look()
            return
        self._stood_still()
        for kind in ALL if everything else sorted(self._today):
            self._poll(kind, everything=everything)
        self._bring_in()
        self._settle()
        self._moved.clear()
        self._today.clear()
        self._repositories.clear()
        self.keep_clocks()

    def keep_clocks(self) -> None:
        """What happens because time has passed: reviews fall due, meetings were missed, people are told."""
        for clock in (judge_due, judge_moved, acceptance.open_again, missed.find, keeping.keep, ballots.close_written):
            clock(at=self.at)
        for clock in (keep_clocks, inviting.invite, reminding.remind, telling.tell_now):
            clock(at=self.at)
        while news.make_notices(at=self.at) >= news.BATCH:
            pass
        self._deliver()

    def read_rights(self) -> None:
        """Once a month: who may do what, and the clocks of access reviews."""
        rights_sync.read_all(now=self.now)
        take_own(at=self.at)
        keep_reviews(at=self.at)


def _minutes(delivery: Mapping[str, str]) -> int:
    """Deliveries of one quarter of an hour are applied together, at the moment of the last of them."""
    return int(moment(delivery["at"]).timestamp()) // TOGETHER_SECONDS


def _same(at: datetime) -> datetime:
    return at
