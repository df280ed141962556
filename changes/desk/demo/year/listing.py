"""The scenarios as tables for docs/demo.md, so that the page says what the year holds. Pure."""

from datetime import UTC, date, datetime, timedelta
from random import Random

from changes.desk.demo.year.ground import Ground
from changes.desk.demo.year.registry import SCENARIOS, Scenario
from changes.desk.demo.year.titles import Titles

FIRST = date(2026, 3, 2)
DAYS = 9


def tables() -> str:
    """Two tables in markdown: what must be found, and what must not be."""
    found = [row for row in _sorted() if not row.trap]
    fair = [row for row in _sorted() if row.trap]
    deviations = [f"| `{row.name}` | {', '.join(f'`{kind}`' for kind in kinds_of(row))} | {row.title} |" for row in found]
    traps = [f"| `{row.name}` | {row.title} |" for row in fair]
    return "\n".join(
        [
            *("| deviation | found as | what happens |", "|---|---|---|", *deviations, ""),
            *("| trap | what happens |", "|---|---|", *traps),
        ]
    )


def kinds_of(scenario: Scenario) -> tuple[str, ...]:
    """The kinds of exceptions that a scenario leads to; none for a trap."""
    days = tuple(FIRST + timedelta(days=place) for place in range(DAYS))
    meets_at = datetime.combine(days[1], datetime.min.time(), tzinfo=UTC)
    titles = Titles("northwind/store", Random(0))  # noqa: S311 (a story, no secret)
    ground = Ground("northwind/store", days, scenario.name, meeting=1, meets_at=meets_at, titles=titles)
    tale = scenario.tell(Random(0), ground)  # noqa: S311 (a story, no secret)
    return tuple(dict.fromkeys(expect.kind for expect in tale.expected))


def _sorted() -> list[Scenario]:
    return [SCENARIOS[name] for name in sorted(SCENARIOS)]
