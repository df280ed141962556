"""How a control's health is drawn, and where rows can be read. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString

from audits.controls.catalogue import CONTROLS, Control
from audits.controls.queries import WEEKS, Week
from portal.ui.components.charts import Tile, tiles

BAD = ("deviations", "unknown")
MOST = 12
"""Failures that stand beside the tiles, the newest first."""
PAGES = {
    "audit": "audit",
    "change": "change",
    "exception": "exception",
    "meeting": "meeting",
    "policy": "policy-version",
    "drift": "drift-case",
    "person": "person",
    "release": "release",
    "asset": "asset",
    "access-review": "access-review",
}


@dataclass(frozen=True)
class Health:
    """The weeks of one control, what they come to in a sentence, and their picture."""

    control: Control
    weeks: Sequence[Week]
    sentence: str
    drawing: SafeString


@dataclass(frozen=True)
class Failure:
    """One week in which a control did not hold."""

    control: Control
    week: Week

    @property
    def words(self) -> str:
        """What was found."""
        return WORDS[self.week.outcome].format(population=self.week.population, deviations=self.week.deviations)


def health_of(control: Control, weeks: Sequence[Week]) -> Health:
    """What the weeks say."""
    looked = [week for week in weeks if week.outcome]
    bad = sum(week.outcome in BAD for week in looked)
    idle = sum(week.outcome == "never_operated" for week in looked)
    passed = len(looked) - bad - idle
    sentence = f"{control.id}: {passed} of {len(weeks)} weeks passed, {bad} did not, nothing to look at in {idle}"
    return Health(control, weeks, sentence, tiles([_tile(week) for week in weeks], slots=WEEKS, label=sentence))


LOOKS = {"passed": "ok", "deviations": "bad", "unknown": "bad", "never_operated": "idle", "": "none"}
WORDS = {
    "passed": "all {population} passed",
    "deviations": "{deviations} of {population} deviate",
    "unknown": "unknown, something could not be read or judged",
    "never_operated": "nothing to look at",
    "": "nobody looked",
}


def _tile(week: Week) -> Tile:
    words = WORDS[week.outcome].format(population=week.population, deviations=week.deviations)
    return Tile(LOOKS[week.outcome], f"Week of {week.monday:%-d %b %Y}: {words}")


def failures(weeks: Mapping[str, Sequence[Week]]) -> list[Failure]:
    """Weeks that did not pass, newest first."""
    by_id = {control.id: control for control in CONTROLS.values()}
    found = [Failure(by_id[key], week) for key, line in weeks.items() if key in by_id for week in line if week.outcome in BAD]
    return sorted(found, key=lambda item: (-item.week.monday.timestamp(), item.control.id))[:MOST]


def address_of(ref: str) -> str:
    """Where a row can be read; empty when it has no page of its own."""
    kind, _, number = ref.partition(":")
    return reverse(PAGES[kind], args=[number]) if kind in PAGES and number.isdecimal() else ""
