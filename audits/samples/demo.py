"""The audit at the demo company goes on: Uma freezes the changes, draws five, and tests three of them. Once."""

from datetime import datetime, timedelta

from audits.engagements.models import Engagement
from audits.populations.actions import freeze
from audits.samples.actions import draw, mark
from audits.samples.queries import items_of
from changes.desk.demo_chapters import chapter
from portal.access.models import User

MOMENT = timedelta(seconds=1)
SEED, SIZE = "Oakline 2026 Q4", 5


@chapter
def samples(at: datetime) -> None:
    """A population of changes, a sample with a typed seed, and some marks by the auditor and by compliance."""
    uma, mia = (User.objects.get(email=f"{login}@northwind.example") for login in ("uma", "mia"))
    engagement = Engagement.objects.filter(admissions__person=uma).first()
    if engagement is None or engagement.populations.exists():
        return
    population = freeze(engagement=engagement, kind="changes", since=engagement.window_from, until=at, by=uma, at=at)
    if population.count < SIZE:
        return
    plan = {"preset": "own", "arithmetic": f"{SIZE} rows, chosen by whoever drew."}
    sample = draw(population=population, method="random", seed=SEED, size=SIZE, by=uma, at=at + MOMENT, plan=plan)
    first, second, third, *_ = items_of(sample)
    mark(item=first, letter="*", outcome="passed", workpaper="CM-4.1", by=uma, at=at + 2 * MOMENT)
    mark(item=second, letter="D", outcome="passed", note="Read the review at the forge.", by=uma, at=at + 3 * MOMENT)
    failed = [one["letter"] for one in third.sheet["attributes"] if one["state"] == "failed"]
    note = "The record says so itself; the explanation is to be looked at." if failed else "The screenshot of staging is missing."
    mark(item=third, letter=(failed or ["G"])[0], outcome="deviation", note=note, workpaper="CM-4.3", by=uma, at=at + 4 * MOMENT)
    mark(item=first, letter="*", outcome="passed", note="Looked at before the audit.", by=mia, at=at + 5 * MOMENT)
