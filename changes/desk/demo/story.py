"""A week at Northwind Labs. What is planted in it stands in ``expected`` and in docs/demo.md.

Each round has the same shape: work is merged to main and released to staging, a promotion is opened, the portal comes to
know it, people test and approve there, the promotion is merged and released. Days count back from the beginning.
"""

from collections.abc import Callable

from changes.desk.demo import deciding
from changes.desk.demo.acting import MINUTE, Said, Vendors
from changes.desk.demo.deciding import Pump
from changes.desk.demo.expected import API, BILLING, WEB
from changes.desk.demo.week import Week, text

Say = Callable[[str], None]
SNAPSHOT = (
    "\n## Snapshot\nVolume snapshot of northwind-api-prod before the release; restore with `fly volumes create --snapshot-id`.\n"
)


def tell(vendors: Vendors, *, pump: Pump, say: Say) -> str:
    """The whole week. Returns the commit of the planted direct push."""
    week = Week(vendors, pump=pump)
    first = monday(week)
    say("Monday: five pull requests, one of them merged without a review; three promotions.")
    wednesday(week, before=first[WEB])
    say("Wednesday: a merge with failed CI, an approval by a contributor, a promotion past staging, a rollback, an emergency.")
    pushed = friday(week)
    say("Friday: new infrastructure, a release by hand, a direct push, a rewritten branch, a new collaborator.")
    today(week)
    say("Today: nine pull requests wait for somebody.")
    look_back(week)
    return pushed


def monday(week: Week) -> dict[str, str]:
    """Six days ago. Returns what was released to production, by repository."""
    day = week.vendors.on
    week.work(
        WEB,
        "Show delivery dates in the basket",
        by="ann",
        at=day(6, "08:10"),
        files={"app/basket.py": "DELIVERY_DAYS = 2\n", "tests/test_basket.py": "def test_delivery(): ...\n"},
        body=text("Customers ask support when their order will arrive."),
    )
    week.work(
        WEB,
        "Round prices to whole cents",
        by="dev",
        at=day(6, "09:20"),
        files={"app/prices.py": "CENTS = 2\n"},
        body=text("Some totals were off by a cent."),
    )
    week.work(
        API,
        "Limit the public endpoints to 100 calls a minute",
        by="dev",
        at=day(6, "08:30"),
        files={"app/limits.py": "PER_MINUTE = 100\n"},
        body=text("One client slowed everybody else down."),
    )
    week.work(
        API,
        "Log less on weekends",
        by="dev",
        at=day(6, "09:40"),
        files={"app/logging.py": "LEVEL = 'WARNING'\n"},
        body=text("The log volume is used up by Sunday."),
        reviewer="",
        merger="rex",
    )
    week.work(
        BILLING,
        "Send invoices as PDF",
        by="ann",
        at=day(6, "08:50"),
        files={"app/invoices.py": "FORMAT = 'pdf'\n"},
        body=text("Accounting departments do not take HTML."),
    )
    carries = {WEB: 2, API: 2, BILLING: 1}
    pulls = {name: week.propose_promotion(name, "monday", at=day(6, "12:00")) for name in carries}
    for name, pull in pulls.items():
        tester = "ann" if name == API else "dev"
        week.decide(name, pull, at=day(6, "12:40"), carries=carries[name], tester=tester)
    return {name: week.release(name, pull, at=day(6, "13:30")) for name, pull in pulls.items()}


def wednesday(week: Week, *, before: str) -> None:
    """Four days ago: ``before`` is the version of the shop that production goes back to."""
    day = week.vendors.on
    week.work(
        WEB,
        "Suggest products that others bought",
        by="ann",
        at=day(4, "08:00"),
        files={"app/suggestions.py": "LIMIT = 4\n"},
        body=text("Shops like ours sell a tenth more with it."),
        merger="rex",
        ci="failure",
    )
    week.work(
        WEB,
        "Index the product search",
        by="dev",
        at=day(4, "09:10"),
        files={"app/search.py": "INDEXED = True\n", "db/migrations/0007_search.sql": "CREATE INDEX ON product (name);\n"},
        body=text("A search takes four seconds.") + SNAPSHOT,
    )
    _self_approved(week)
    week.work(
        BILLING,
        "Add Swiss VAT",
        by="ann",
        at=day(4, "09:30"),
        files={"app/vat.py": "CH = 8.1\n"},
        body=text("We deliver to Switzerland from next month."),
        staging=False,
    )
    pulls = {
        WEB: week.propose_promotion(WEB, "wednesday", at=day(4, "12:00")),
        API: week.propose_promotion(API, "wednesday", at=day(4, "12:10"), reviewer="cleo"),
        BILLING: week.propose_promotion(BILLING, "wednesday", at=day(4, "12:20")),
    }
    week.decide(WEB, pulls[WEB], at=day(4, "12:45"), carries=2, approver="cleo", tester="bob")
    week.decide(API, pulls[API], at=day(4, "12:50"), approver="cleo")
    week.decide(BILLING, pulls[BILLING], at=day(4, "12:55"), tester="")
    for name, pull in pulls.items():
        week.release(name, pull, by="cleo" if name == API else "bob", at=day(4, "13:40"))
    week.roll_back(WEB, to=before, version=1, by="bob", at=day(4, "14:25"))
    _emergency(week)


def _self_approved(week: Week) -> None:
    """Bob adds a commit to Ann's branch and then approves the pull request that holds it."""
    vendors, day = week.vendors, week.vendors.on
    title, branch = "Return the price with its currency", "ann/return-the-price-with-its-currency"
    pull = vendors.open(
        API, title, by="ann", files={"app/money.py": "CURRENCY = 'EUR'\n"}, body=text("Clients guess it."), at=day(4, "08:20")
    )
    files = {"app/money.py": "CURRENCY = 'EUR'\nDIGITS = 2\n"}
    more = vendors.github(
        f"{API}/{pull['number']}/more",
        "commit",
        repository=API,
        branch=branch,
        files=files,
        author="bob",
        message="Say how many digits",
        at=day(4, "08:45"),
    )
    pull = {**pull, "head": more["sha"]}
    vendors.check(API, pull, at=day(4, "08:55"))
    vendors.review(API, pull, by="bob", at=day(4, "09:30"))
    vendors.ship(API, vendors.merge(API, pull, by="bob", at=day(4, "09:35")), "staging", at=day(4, "09:45"))


def _emergency(week: Week) -> None:
    """The search fails in production: a fix straight to prod, with a +1, and then back to main."""
    vendors, day = week.vendors, week.vendors.on
    pull = vendors.open(
        WEB,
        "EMERGENCY: search answers 500 in production",
        by="ann",
        files={"app/search.py": "INDEXED = True\nTIMEOUT = 2\n"},
        body=text("Customers see an error page since the rollback.", tested="Against a copy of production."),
        labels=["emergency"],
        base="prod",
        at=day(4, "15:00"),
    )
    vendors.check(WEB, pull, at=day(4, "15:06"))
    vendors.review(WEB, pull, by="bob", at=day(4, "15:10"), body="+1, looks right")
    week.decide(WEB, pull, at=day(4, "14:47"), tester="")
    week.release(WEB, pull, at=day(4, "15:15"))
    back = vendors.github(
        f"{WEB}/back-merge",
        "open_pull_request",
        repository=WEB,
        head="prod",
        base="main",
        title="Bring the emergency fix back to main",
        by="ann",
        body=text("main must not lose the fix."),
        at=day(4, "15:40"),
    )
    head = vendors.remote.do("pull-request", repository=WEB, number=back["number"])["head"]["sha"]
    back = {"number": back["number"], "head": head}
    vendors.check(WEB, back, at=day(4, "15:48"))
    vendors.review(WEB, back, by="cleo", at=day(4, "16:05"))
    vendors.ship(WEB, vendors.merge(WEB, back, by="bob", at=day(4, "16:10")), "staging", at=day(4, "16:18"))


def friday(week: Week) -> str:
    """Two days ago, with Rex alone in the evening. Returns the commit that he pushed straight to prod."""
    vendors, day = week.vendors, week.vendors.on
    dockerfile = 'FROM python:3.11-slim\nRUN useradd app\nUSER app\nCOPY . /app\nCMD ["python", "-m", "app"]\n'
    week.work(
        API,
        "Run the service without root",
        by="dev",
        at=day(2, "08:30"),
        files={"Dockerfile": dockerfile},
        body=text("A container needs no root."),
    )
    pull = week.propose_promotion(API, "friday", at=day(2, "11:00"))
    week.decide(API, pull, at=day(2, "11:30"), tester="ann")
    week.release(API, pull, at=day(2, "12:10"))
    vendors.act("by-hand", "fly/release", app="northwind-api-prod", by="rex@northwind.example", at=day(2, "17:40"))
    pushed = vendors.github(
        "direct-push",
        "push_direct",
        repository=BILLING,
        branch="prod",
        files={"app/invoices.py": "FORMAT = 'pdf'\nRETRIES = 5\n"},
        by="rex",
        message="Quick fix: retry the printer",
        at=day(2, "18:05"),
    )
    vendors.github(
        "force-push",
        "force_push",
        repository=BILLING,
        branch="prod",
        by="rex",
        files={"app/invoices.py": "FORMAT = 'pdf'\nRETRIES = 3\n"},
        message="Quick fix: retry the printer, but not so often",
        at=day(2, "18:20"),
    )
    vendors.github("contractor", "add_member", repository=BILLING, login="kim-contractor", by="rex", at=day(2, "18:30"))
    return str(pushed["sha"])


def today(week: Week) -> None:
    """Now: work in every state, and a promotion that waits for an approval in the portal."""
    vendors, ago = week.vendors, week.vendors.ago
    draft = {"repository": WEB, "branch": "dev/new-checkout", "files": {"app/checkout.py": "STEPS = 2\n"}, "author": "dev"}
    vendors.github("draft/commit", "commit", message="A shorter checkout", at=ago(300), **draft)
    opened = {"head": "dev/new-checkout", "title": "A shorter checkout", "by": "dev", "draft": True, "body": text("Fewer steps.")}
    vendors.github("draft/open", "open_pull_request", repository=WEB, at=ago(295), **opened)
    _waiting(week, WEB, "Show prices without tax to companies", "ann", "app/tax.py", ago=240)
    unhappy = _waiting(week, WEB, "Sort reviews by date", "dev", "app/reviews.py", ago=200)
    vendors.review(WEB, unhappy, by="bob", state="changes_requested", body="Please keep the old order as a choice.", at=ago(150))
    happy = _waiting(week, BILLING, "Name the customer on reminders", "ann", "app/reminders.py", ago=180)
    vendors.review(BILLING, happy, by="bob", at=ago(120))
    bump = _waiting(week, BILLING, "Update httpx to 0.28.1", "renovate[bot]", "requirements.txt", ago=170, ci="failure")
    vendors.github(
        "bump/label", "label", repository=BILLING, number=bump["number"], label="dependencies", by="renovate[bot]", at=ago(169)
    )
    week.work(
        API,
        "Answer in the caller's language",
        by="ann",
        at=ago(190),
        files={"app/language.py": "DEFAULT = 'en'\n"},
        body=text("Error texts reach customers."),
    )
    pull = week.propose_promotion(API, "today", at=ago(110))
    for change in deciding.await_changes(API, pull["number"], pull["head"], count=1, pump=week.pump):
        deciding.sign_off_in_staging(change, pull["head"], by="dev", at=ago(60))
    _waiting(week, API, "Count calls by client", "dev", "app/metrics.py", ago=45, ci="")


def _waiting(week: Week, repository: str, title: str, by: str, path: str, *, ago: int, ci: str = "success") -> Said:
    """An open pull request; ``ci`` "" leaves CI out."""
    at = week.vendors.ago(ago)
    why = "A new version is out." if by.endswith("[bot]") else f"{title}: asked for by two customers."
    pull = week.vendors.open(repository, title, by=by, files={path: f"# {title}\n"}, body=text(why), at=at)
    if ci:
        week.vendors.check(repository, pull, at=at + 7 * MINUTE, conclusion=ci)
    return pull


def look_back(week: Week) -> None:
    """Reviews after the fact: Monday's changes went well, the search did not."""
    day = week.vendors.on
    for repository in (WEB, API, BILLING):
        pull = {WEB: 3, API: 3, BILLING: 2}[repository]
        for change in deciding.changes_of(repository, pull):
            deciding.look_back(change, by="cleo", at=day(3, "10:00"))
    for change in deciding.changes_of(WEB, 5):
        deciding.look_back(
            change, by="dev", at=day(3, "11:00"), outcome="failed", note="The index was missing a column; rolled back."
        )
