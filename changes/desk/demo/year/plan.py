"""The year as a plan, from a seed: who does what when, at the vendors and in the portal. Pure.

Each repository's working days are dealt out: some to scenarios, which have their days for themselves; some to ordinary work,
as much as ``scale`` says; the others are quiet.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from changes.desk.demo.year.cast import REPOSITORIES
from changes.desk.demo.year.days import SATURDAY, holidays, working_days
from changes.desk.demo.year.ground import Ground
from changes.desk.demo.year.ordinary import a_day, an_emergency
from changes.desk.demo.year.program import Gathering, meetings, program
from changes.desk.demo.year.registry import Scenario
from changes.desk.demo.year.scenarios import SCENARIOS
from changes.desk.demo.year.steps import Deed, Expect, Look, Step, Tale
from changes.desk.demo.year.titles import Titles

WEEKS = 52
MINUTE = timedelta(minutes=1)
RELEASES_FROM = time(11, 30)
PROMOTIONS = 400
"""Days with a promotion at scale 1.0, over all repositories; each brings about two pull requests."""

LOOKING_BACK = timedelta(days=3)
"""Before the last day nothing new begins: what went to production is still looked back at, perhaps after a weekend."""
EMERGENCIES = 14
"""Days with an emergency at scale 1.0."""


@dataclass(frozen=True)
class Plan:
    """All of it. ``steps`` are in the order of time; ``own`` are the repositories that scenarios have for themselves."""

    seed: int
    scale: float
    first: date
    last: date
    steps: tuple[Step, ...]
    expected: tuple[Expect, ...]
    own: tuple[str, ...]

    @property
    def repositories(self) -> tuple[str, ...]:
        """Every repository of the year."""
        return (*REPOSITORIES, *self.own)


def plan(*, seed: int, scale: float, last: date, weeks: int = WEEKS, names: Iterable[str] | None = None) -> Plan:
    """The year that ends on ``last``. ``names``: scenarios to leave in (default: all). The same arguments give the same plan.

    Raises ValueError when ``weeks`` have too few working days for the scenarios.
    """
    random = Random(f"northwind {seed}")  # noqa: S311 (a story, no secret)
    first = last - timedelta(weeks=weeks)
    chosen = [SCENARIOS[name] for name in sorted(SCENARIOS if names is None else names)]
    off = tuple(sorted(day for year in range(first.year, last.year + 1) for day in holidays(year)))
    gathered = meetings(last=last, weeks=weeks, holidays=off, told=any(scenario.meeting for scenario in chosen))
    field = _Field(
        free={name: list(working_days(first + timedelta(weeks=1), last - LOOKING_BACK)) for name in REPOSITORIES},
        holidays=off,
        meetings=list(gathered.held),
        titles={name: Titles(name, random) for name in REPOSITORIES},
    )
    random.shuffle(field.meetings)
    grounds = [(scenario, field.ground(scenario, random)) for scenario in _dealt(chosen, random)]
    tales = [scenario.tell(random, ground) for scenario, ground in grounds]
    tales += _ordinary(random, field, round(PROMOTIONS * scale))
    left, involved = [ground.meeting for _, ground in grounds], {login for tale in tales for login in _people(tale)}
    tales.append(program(first=first, meetings=gathered, weeks=weeks, left=left, involved=involved))
    return Plan(
        seed=seed,
        scale=scale,
        first=first,
        last=last,
        steps=tuple(sorted((step for tale in tales for step in tale.steps), key=lambda step: step.at)),
        expected=tuple(expect for tale in tales for expect in tale.expected),
        own=tuple(sorted(ground.repository for scenario, ground in grounds if scenario.own)),
    )


def _people(tale: Tale) -> Iterator[str]:
    """Everything in the arguments of a tale that may be somebody's login."""
    for step in tale.steps:
        if not isinstance(step, Look):
            yield from (value for value in step.arguments.values() if isinstance(value, str))
        if isinstance(step, Deed):
            yield step.by


def _dealt(chosen: list[Scenario], random: Random) -> list[Scenario]:
    """Long ones first, since they need days that follow each other; otherwise as the seed has it."""
    random.shuffle(chosen)
    return sorted(chosen, key=lambda scenario: -scenario.days)


@dataclass
class _Field:
    """What is left to deal out: working days by repository, and meetings."""

    free: dict[str, list[date]]
    holidays: tuple[date, ...]
    meetings: list[Gathering]
    titles: dict[str, Titles]

    def ground(self, scenario: Scenario, random: Random) -> Ground:
        """Working days that follow each other in one repository, which are then no longer free."""
        if scenario.meeting:
            return self._with_meeting(scenario)
        if scenario.own:
            days = next(iter(self.free.values()))
            start = random.randrange(len(days) - scenario.days + 1)
            taken = tuple(days[start : start + scenario.days])
            own = f"northwind/{scenario.name}"
            return Ground(own, taken, scenario.name, self.holidays, titles=Titles(own, random))
        choices = [(name, start) for name, days in self.free.items() for start in _starts(days, scenario.days)]
        if not choices:
            raise ValueError(f"There are no {scenario.days} days left for {scenario.name}: plan more weeks.")
        name, start = random.choice(choices)
        return self._taken(scenario, name, self.free[name][start : start + scenario.days])

    def _with_meeting(self, scenario: Scenario) -> Ground:
        """The same on the working day before a meeting."""
        for one in sorted(self.meetings, key=lambda meeting: meeting.number in (1, len(self.meetings))):
            for name, days in self.free.items():
                before = [day for day in days if day < one.at.date()]
                if len(before) >= scenario.days and one.at.date() - before[-1] <= timedelta(days=4):
                    self.meetings.remove(one)
                    made = self._taken(scenario, name, before[-1:])
                    return replace(made, meeting=one.number, meets_at=one.at)
        raise ValueError(f"There is no meeting left for {scenario.name}: plan more weeks.")

    def _taken(self, scenario: Scenario, name: str, days: list[date]) -> Ground:
        self.free[name] = [day for day in self.free[name] if day not in days]
        return Ground(name, tuple(days), scenario.name, self.holidays, titles=self.titles[name])


def _starts(days: list[date], count: int) -> list[int]:
    """Where ``count`` working days begin that nothing else lies between: weekends may."""
    longest = timedelta(days=count + 2 * (count // 5 + 1))
    return [place for place in range(len(days) - count + 1) if days[place + count - 1] - days[place] <= longest]


def _ordinary(random: Random, field: _Field, wanted: int) -> list[Tale]:
    """Days on which work is merged to main and brought to production; on some of them it burns."""
    choices = [(day, name) for name, days in field.free.items() for day in days]
    chosen = sorted(random.sample(choices, min(wanted, len(choices))))
    burning = set(random.sample(chosen, round(EMERGENCIES * wanted / PROMOTIONS)))
    tales = []
    releases_after = {day: random.randrange(120) for day in sorted({day for day, _ in chosen})}
    for day, name in chosen:
        title = f"day-{day:%Y%m%d}-{name.partition('/')[2]}"
        at = datetime.combine(day, RELEASES_FROM, tzinfo=UTC) + releases_after[day] * MINUTE
        ground = Ground(name, (day,), title, titles=field.titles[name], before=_before(day, field, name), releases_at=at)
        tales.append((an_emergency if (day, name) in burning else a_day)(random, ground))
    return tales


def _before(day: date, field: _Field, name: str) -> date | None:
    """The working day before, if no scenario has it."""
    before = day - timedelta(days=1)
    while before.weekday() >= SATURDAY or before in field.holidays:
        before -= timedelta(days=1)
    return before if before in field.free[name] else None
