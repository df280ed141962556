"""The stand-ins while the week is told: each act turns the clock to its moment, and what the workers would do is done here.

So what happened four days ago is known, judged and logged four days ago, as in the year before it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from changes.desk.demo import expected
from changes.desk.demo.year.clockwork import TOUCHES, Clockwork
from changes.desk.demo.year.days import night_of
from changes.desk.demo.year.diligence import see_to_all
from changes.desk.demo.year.steps import Act
from changes.desk.demo.year.words import explanation_of
from portal.standins.client import Remote

LEFT_OPEN = frozenset({"direct_push", "force_push", "access_granted_outside_process"})
"""Kinds of findings that nobody has answered when the week is over."""
DAY, SECONDS = timedelta(days=1), timedelta(seconds=5)


class Turned(Remote):
    """The stand-ins at ``url`` from ``at`` on. ``beat`` is called with every act, so that the scheduler's jobs rest meanwhile."""

    def __init__(self, url: str, *, at: datetime, beat: Callable[[], None]) -> None:
        super().__init__(url)
        self._beat = beat
        self._work = Clockwork(self, at=at)

    def begin(self) -> None:
        """Everything is read for the first time, and who may do what."""
        self._beat()
        self._work.night(everything=True)
        self._work.read_rights()

    def do(self, act: str, **arguments: Any) -> Any:
        """The same; something that somebody does happens at its moment, or as late as what was done before it."""
        if act not in TOUCHES and "/" not in act:
            return super().do(act, **arguments)
        self._beat()
        if "at" in arguments:
            self._turn(arguments["at"])
        super().do("clock", at=self._work.at)
        done = super().do(act, **arguments)
        self._work.moved(Act(self._work.at, act, act, arguments))
        return done

    def look(self) -> None:
        """The portal comes to know everything until now; seconds pass."""
        self._beat()
        self._work.turn(self._work.at + SECONDS)
        self._work.look(released=True, anyway=True)

    def end(self, *, at: datetime) -> None:
        """It is ``at``: everything is read once more, and the vendors' clock goes with the real time again."""
        self._turn(at)
        self._work.night(everything=True)
        super().do("clock")

    def _turn(self, at: datetime) -> None:
        night = night_of(self._work.at.date())
        while night < at:
            if night > self._work.at:
                self._work.turn(night)
                self._work.night(everything=False)
                self._evening(night)
            night += DAY
        self._work.turn(at)

    def _evening(self, at: datetime) -> None:
        """People have seen to what waited for them, but for what is left to whoever looks at the demo."""
        found = {item for item in expected.expected(direct_push="") if item.text.partition(":")[0] not in LEFT_OPEN}
        see_to_all({item: explanation_of(item.text.partition(":")[0]) for item in found}, at=at)
