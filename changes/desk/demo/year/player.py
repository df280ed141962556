"""Plays a plan: step by step at its own times, through the vendors' stand-ins and the portal's own actions.

It may break off at any moment: what was done at the vendors is remembered there by name, and so is how far it had come.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Protocol

from changes.desk.demo import deciding
from changes.desk.demo.expected import Finding
from changes.desk.demo.year.clockwork import Clockwork
from changes.desk.demo.year.days import is_working_day, night_of
from changes.desk.demo.year.diligence import see_to_all
from changes.desk.demo.year.haste import durable
from changes.desk.demo.year.plan import Plan
from changes.desk.demo.year.playbook import DEEDS
from changes.desk.demo.year.steps import Act, ChangeOf, Deed, Expect, Given, Part, Step
from portal.standins.client import Remote

DAYS_AFTER = 4
"""After the last day on which something happened people still see to what it left for them."""
RELEASES = ("fly/release", "fly/rollback")
SEEN_AFTER = timedelta(minutes=8)
DAY = timedelta(days=1)
PLAYED, FOUND = "year/played", "year/found"


class Listener(Protocol):
    """Whoever hears how far it is."""

    def beat(self) -> None:
        """Called often."""

    def day(self, done: int, steps: int, at: datetime) -> None:
        """A day is over: steps taken, of how many, the clock."""


class StepFailed(Exception):
    """A step of the plan could not be taken; the message names it and says why."""


@dataclass
class Player:
    """Plays ``plan`` at ``remote``."""

    remote: Remote
    plan: Plan
    listener: Listener

    def __post_init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._place = {step.name: place for place, step in enumerate(self.plan.steps)}
        self._done = 0
        self._soon: datetime | None = None
        self._last = self.plan.steps[0].at
        """When the last step was."""
        self._work = Clockwork(self.remote, at=self.plan.steps[0].at)

    def play(self) -> None:
        """From where it stopped to the end; then the vendors' clock goes with the real time again."""
        steps = self.plan.steps
        done = self._done = int(self.remote.mark(PLAYED) or 0)
        if done:
            self._last = steps[done - 1].at
            self._work.turn(self._last)
        else:
            self._work.night(everything=True)  # whoever connects a source reads it: what moves later is held against that
        for place in range(done, len(steps)):
            self._look_soon(steps[place].at)
            self._nights_until(steps[place].at)
            self._take(steps[place])
            self._last, self._done = steps[place].at, place + 1
        self._nights_until(datetime.combine(self.plan.last + 2 * DAY, time(6), tzinfo=UTC))
        found = [[item.repository, item.text] for item in sorted(self.expected())]
        self.remote.do("mark", name=FOUND, value=json.dumps(found))
        self.remote.do("clock")

    def expected(self) -> frozenset[Finding]:
        """What must be in the register, of all that has been planned and whose acts have been taken."""
        return frozenset(self._finding(expect) for expect in self.plan.expected if self._is_known(expect))

    def _look_soon(self, at: datetime) -> None:
        """A release to production is seen within minutes, as by a worker that polls: its message in the log is due soon."""
        if self._soon is not None and self._soon < at:
            self._work.turn(self._soon)
            self._work.look(released=True)
            self._soon = None

    def _nights_until(self, at: datetime) -> None:
        """The nights of days on which something happened, and the last one of each month; some evenings after them."""
        last = max(self._work.at, self._last)
        night, days = night_of(last.date()), 0
        while night < at:
            # One before the last act is not visited: what stands at the vendors by now had not happened by then.
            if night >= last:
                self._visit(night, days)
                days += 1
            night += DAY

    def _visit(self, night: datetime, days: int) -> None:
        """A night, so many after the first one since something happened."""
        if not days or _is_last_of_month(night):
            self._night(night)
        elif days <= DAYS_AFTER:
            self._evening(night)

    def _night(self, at: datetime) -> None:
        self.listener.beat()
        self._work.turn(at)
        whole = _is_last_of_month(at)
        self._work.night(everything=whole)
        if whole:
            self._work.read_rights()
        self._evening(at)
        with durable():
            self.listener.day(self._done, len(self.plan.steps), at)
        self.remote.do("mark", name=PLAYED, value=str(self._done))

    def _evening(self, at: datetime) -> None:
        """On working days people have done by then what waited for them."""
        self._work.turn(at)
        if is_working_day(at.date()):
            explained = {self._finding(expect): expect.explained for expect in self.plan.expected if self._is_known(expect)}
            see_to_all(explained, at=self._work.at)

    def _take(self, step: Step) -> None:
        self.listener.beat()
        if isinstance(step, Act):
            self._act(step)
            return
        self._work.turn(step.at)
        self._work.look()
        if isinstance(step, Deed):
            self._do(step)
        else:
            self._work.keep_clocks()

    def _act(self, act: Act) -> None:
        arguments = {name: self._plain(value) for name, value in act.arguments.items()}
        if act.timed:
            arguments["at"] = act.at.isoformat()
        self._given[act.name] = self.remote.do("once", name=act.name, word=act.act, arguments=arguments, at=act.at)
        self._work.moved(act)
        if _is_release(act) and self._soon is None:
            self._soon = act.at + SEEN_AFTER

    def _do(self, step: Deed) -> None:
        arguments: Mapping[str, Any] = {name: self._plain(value) for name, value in step.arguments.items()}
        try:
            DEEDS[step.deed](by=step.by, at=self._work.at, **arguments)
        except Exception as problem:
            raise StepFailed(f"{step.name} at {step.at}: {type(problem).__name__}: {problem}") from problem

    def _plain(self, value: Any) -> Any:
        """A value with every ``Given`` in it filled in."""
        if isinstance(value, Given):
            return self._answer(value)
        if isinstance(value, Mapping):
            return {name: self._plain(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(inner) for inner in value]
        return value

    def _answer(self, given: Given) -> Any:
        if given.of not in self._given:
            self._given[given.of] = self.remote.mark(f"once/{given.of}")
        try:
            found = self._given[given.of][given.what]
        except (KeyError, TypeError) as problem:
            raise StepFailed(f"{given.of} has given no {given.what}: {self._given[given.of]}") from problem
        return found[: given.length] if given.length else found

    def _is_known(self, expect: Expect) -> bool:
        """Whether every act that it refers to has been taken."""
        return all(self._place[part.of] < self._done for part in map(_given, expect.subject) if part is not None)

    def _finding(self, expect: Expect) -> Finding:
        subject = "".join(self._word(part) for part in expect.subject)
        return Finding(expect.repository, f"{expect.kind}:{subject}")

    def _word(self, part: Part) -> str:
        if isinstance(part, ChangeOf):
            return str(next(iter(deciding.changes_of(part.repository, self._plain(part.number))), "no change"))
        return str(self._plain(part))


def _is_release(act: Act) -> bool:
    return act.act in RELEASES or (act.act == "ship" and act.arguments["environment"] == "production")


def _is_last_of_month(at: datetime) -> bool:
    return (at + DAY).day == 1


def _given(part: Part) -> Given | None:
    """The act that a part of a subject refers to; None for a plain text."""
    if isinstance(part, ChangeOf):
        return part.number
    return part if isinstance(part, Given) else None
