"""The audit at the demo company goes on: Uma freezes the changes, draws five, and tests two of them. Once."""

from datetime import datetime, timedelta

from audits.engagements.models import Engagement
from audits.populations.actions import Wish, freeze
from audits.samples.actions import draw, mark
from audits.samples.models import SampleItem
from audits.samples.queries import items_of
from changes.desk.demo_chapters import chapter
from portal.access.models import User

MOMENT = timedelta(seconds=1)
SEED, SIZE = "Oakline 2026 Q4", 5
LOG = "K"
"""The attribute about the message in Slack."""


@chapter
def samples(at: datetime) -> None:
    """A population of changes, a sample with a typed seed, and some marks by the auditor and by compliance."""
    uma, mia = (User.objects.get(email=f"{login}@northwind.example") for login in ("uma", "mia"))
    engagement = Engagement.objects.filter(admissions__person=uma).first()
    if engagement is None or engagement.populations.exists():
        return
    population = freeze(wish=Wish(engagement, "changes", engagement.window_from, at), by=uma, at=at)
    if population.count < SIZE:
        return
    plan = {"preset": "own", "arithmetic": f"{SIZE} rows, chosen by whoever drew."}
    sample = draw(population=population, method="random", seed=SEED, size=SIZE, by=uma, at=at + MOMENT, plan=plan)
    items = items_of(sample)
    broken = [item for item in items if failed_in(item)]
    whole = next((item for item in items if not failed_in(item)), items[0])
    mark(
        item=whole,
        letter="*",
        outcome="passed",
        note="Logged when Slack was connected.",
        workpaper="CM-4.1",
        by=uma,
        at=at + 2 * MOMENT,
    )
    mark(item=whole, letter="*", outcome="passed", note="Looked at before the audit.", by=mia, at=at + 3 * MOMENT)
    if broken:
        [letter, *_], note = failed_in(broken[0]), "The record says so itself. To be discussed."
        mark(item=broken[0], letter=letter, outcome="deviation", note=note, workpaper="CM-4.2", by=uma, at=at + 4 * MOMENT)


def failed_in(item: SampleItem) -> list[str]:
    """Letters of failed attributes, but for the log: the company's past was told to Slack at once, hence late."""
    return [one["letter"] for one in item.sheet["attributes"] if one["state"] == "failed" and one["letter"] != LOG]
