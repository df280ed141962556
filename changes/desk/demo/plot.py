"""The ordinary work of the story, as data: who opens which pull request into main, when, and how it gets there."""

from dataclasses import dataclass, field
from datetime import timedelta

from changes.desk.demo.expected import API, BILLING, WEB

BODY = "## Why\n{why}\n\n## How tested\n{tested}\n\n## How to undo\n{undo}\n"
UNDO = "Revert the merge and release the version before; nothing else changes."
ROLLBACK_TAKES = timedelta(seconds=48)
"""Until the machines run the version before."""
TESTED = "Unit tests, and by hand in staging."
SNAPSHOT = "\n## Snapshot\nVolume snapshot of the database before the release; restore with `fly volumes create --snapshot-id`.\n"
DATA_LOSS = "\n## Data loss\nWhat was written between the snapshot and the way back; at night that is a few minutes of orders.\n"
DOCKERFILE = 'FROM python:3.11-slim\nRUN useradd app\nUSER app\nCOPY . /app\nCMD ["python", "-m", "app"]\n'


def text(why: str, *, tested: str = TESTED, undo: str = UNDO, more: str = "") -> str:
    """The description of a pull request under the headings that the portal lifts."""
    return BODY.format(why=why, tested=tested, undo=undo) + more


@dataclass(frozen=True)
class Work:
    """One pull request into main. ``reviewer`` "" leaves the review out; ``merger`` "" is the reviewer."""

    repository: str
    title: str
    by: str
    when: tuple[int, str]
    """Days ago, and the time of day in UTC."""
    why: str
    files: dict[str, str] = field(hash=False)
    reviewer: str = "bob"
    merger: str = ""
    ci: str = "success"
    staging: bool = True
    more: str = ""


DELIVERY = {"app/basket.py": "DELIVERY_DAYS = 2\n", "tests/test_basket.py": "def test_delivery(): ...\n"}
INDEX = {"app/search.py": "INDEXED = True\n", "db/migrations/0007_search.sql": "CREATE INDEX ON product (name);\n"}
MONDAY = (
    Work(WEB, "Show delivery dates in the basket", "ann", (6, "08:10"), "Customers ask when their order will arrive.", DELIVERY),
    Work(
        WEB, "Round prices to whole cents", "dev", (6, "09:20"), "Some totals were off by a cent.", {"app/prices.py": "CENTS = 2\n"}
    ),
    Work(
        API,
        "Limit the public endpoints to 100 calls a minute",
        "dev",
        (6, "08:30"),
        "One client slowed everybody else down.",
        {"app/limits.py": "PER_MINUTE = 100\n"},
    ),
    Work(
        API,
        "Log less on weekends",
        "dev",
        (6, "09:40"),
        "The log volume is used up by Sunday.",
        {"app/logging.py": "LEVEL = 'WARNING'\n"},
        reviewer="",
        merger="rex",
    ),
    Work(
        BILLING,
        "Send invoices as PDF",
        "ann",
        (6, "08:50"),
        "Accounting departments do not take HTML.",
        {"app/invoices.py": "FORMAT = 'pdf'\n"},
    ),
)
WEDNESDAY = (
    Work(
        WEB,
        "Suggest products that others bought",
        "ann",
        (4, "08:00"),
        "Shops like ours sell a tenth more with it.",
        {"app/suggestions.py": "LIMIT = 4\n"},
        merger="rex",
        ci="failure",
    ),
    Work(WEB, "Index the product search", "dev", (4, "09:10"), "A search takes four seconds.", INDEX, more=SNAPSHOT + DATA_LOSS),
    Work(
        BILLING,
        "Add Swiss VAT",
        "ann",
        (4, "09:30"),
        "We deliver to Switzerland from next month.",
        {"app/vat.py": "CH = 8.1\n"},
        staging=False,
    ),
)
FRIDAY = (Work(API, "Run the service without root", "dev", (2, "08:30"), "A container needs no root.", {"Dockerfile": DOCKERFILE}),)
LANGUAGE = Work(
    API,
    "Answer in the caller's language",
    "ann",
    (0, "08:00"),
    "Error texts reach customers.",
    {"app/language.py": "DEFAULT = 'en'\n"},
)
"""Its moment is set by the story: some hours ago."""
