"""What pull requests of the year are called and why they were opened: plain titles, none twice in a repository. Pure.

Beside them the other names by lot: what fails in an emergency, and what meetings talk about.
"""

import re
import zlib
from collections.abc import Iterator
from random import Random

ACTIONS = (
    "Cache {}",
    "Export {} as CSV",
    "Validate {} before saving",
    "Show {} on the dashboard",
    "Load {} page by page",
    "Sort {} by date",
    "Filter {} by country",
    "Search {} by name",
    "Add tests for {}",
    "Retry the import of {}",
    "Show an empty page kindly when there are no {}",
    "Speed up the query of {}",
    "Translate the labels of {}",
    "Show who changed {}",
    "Warn about duplicate {}",
    "Archive old {}",
    "Time out slow requests for {}",
    "Count {} in the metrics",
    "Let support edit {}",
    "Leave {} out of the logs",
    "Describe the fields of {} in the API",
    "Remove the old endpoint of {}",
    "Round the totals of {}",
    "Keep the order of {} after a reload",
    "Fix the time zone of {}",
    "Read {} from the replica",
)
THINGS = {
    "store": (
        "stock levels",
        "shelf labels",
        "deliveries",
        "suppliers",
        "purchase orders",
        "pick lists",
        "pallets",
        "delivery slots",
        "returns",
        "warehouses",
        "carriers",
        "barcodes",
        "reorder points",
        "batch numbers",
        "damage reports",
        "loading docks",
    ),
    "orders": (
        "baskets",
        "orders",
        "vouchers",
        "invoices",
        "refunds",
        "parcels",
        "shipping rates",
        "gift cards",
        "payment methods",
        "order notes",
        "cancellations",
        "tracking numbers",
        "tax rates",
        "reminders",
        "subscriptions",
        "delivery dates",
    ),
    "accounts": (
        "customers",
        "addresses",
        "sign-in attempts",
        "passkeys",
        "sessions",
        "newsletters",
        "consents",
        "phone numbers",
        "company accounts",
        "profile pictures",
        "sign-in links",
        "support notes",
        "loyalty points",
        "invitations",
        "preferences",
        "data exports",
    ),
}
REASONS = (
    "Support gets a question about it every week.",
    "The page took more than two seconds for large customers.",
    "Found while reading the logs of last week.",
    "A customer could not finish what they had begun.",
    "The finance department needs it before the end of the quarter.",
    "Two of us had worked around it by hand.",
    "It was promised to the warehouse in spring.",
    "An alert at night came from here and meant nothing.",
    "The code for it was there twice.",
    "The last review of the team asked for it.",
    "It makes the next step of the migration possible.",
    "Partners read it through the API and were told something else.",
)
TESTED = (
    "Unit tests, and by hand in staging.",
    "Unit tests; the page was looked at in staging with a copy of a large customer.",
    "The tests of the module, and one pass through the form in staging.",
    "Compared with the old numbers for a day in staging.",
)
FAILURES = ("The basket", "Sign-in", "The search", "Payment", "The parcel tracking", "The price list", "The stock page")
POINTS = (
    "How we name branches",
    "Who is called at night",
    "Fewer flaky checks",
    "What belongs in staging",
    "Dashboards that nobody reads",
    "The oldest dependencies",
    "Costs of the last month",
    "One way to read configuration",
    "Time-outs between our services",
    "How long we keep logs",
    "A second person for the database",
    "What we learned from the last emergency",
    "Feature flags that are a year old",
    "Backups: the last rehearsal",
    "Who owns the search",
    "Rate limits of the public API",
    "Retiring the old price import",
    "Reviews that wait for two days",
    "Tests that take five minutes",
    "Alerts without an owner",
    "Moving sessions out of the database",
    "Which metrics a service must have",
    "Secrets that nobody rotates",
    "The plan for the sale in November",
    "Access of contractors",
    "A budget for errors",
)
"""Of the agenda, one for each meeting in its order."""
LINES = 90


class Titles:
    """Titles for one repository, in an order by lot. When all are used up, it begins again with a number behind each."""

    def __init__(self, repository: str, random: Random) -> None:
        things = THINGS.get(repository.rpartition("/")[2], THINGS["orders"])
        every = [action.format(thing) for action in ACTIONS for thing in things]
        random.shuffle(every)
        self._titles = _without_end(every)

    def next(self) -> str:
        """One that nobody has had."""
        return next(self._titles)


def _without_end(every: list[str]) -> Iterator[str]:
    yield from every
    turn = 2
    while True:
        yield from (f"{title}, part {turn}" for title in every)
        turn += 1


def reason_for(title: str) -> str:
    """Why it was opened; the same for the same title."""
    return REASONS[zlib.crc32(title.encode()) % len(REASONS)]


def tested_for(title: str) -> str:
    """How it was tested."""
    return TESTED[zlib.crc32(title.encode()) % len(TESTED)]


def files_for(title: str) -> dict[str, str | None]:
    """One file of its own with a line or some dozens of them."""
    number = zlib.crc32(title.encode())
    path = f"app/{re.sub(r'[^a-z0-9]+', '_', title.lower()).strip('_')[:60]}.py"
    lines = (f"STEP_{place} = {(number >> place % 20) % 97}" for place in range(number % LINES))
    return {path: "\n".join([f'"""{title}."""', "", *lines]) + "\n"}
