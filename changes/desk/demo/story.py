"""A week at Northwind Labs. What is planted in it stands in ``expected`` and in docs/demo.md.

Each round has the same shape: work is merged to main and released to staging, a promotion is opened, the portal comes to
know it, people test and approve there, the promotion is merged and released. Days count back from the beginning.
"""

from collections.abc import Callable

from changes.desk.demo import consoles, deciding, teams
from changes.desk.demo.acting import MINUTE, Said, Vendors
from changes.desk.demo.deciding import Pump
from changes.desk.demo.expected import API, BILLING, WEB
from changes.desk.demo.plot import FRIDAY, LANGUAGE, MONDAY, WEDNESDAY, text
from changes.desk.demo.week import Week

Say = Callable[[str], None]
BOT = "renovate[bot]"


def tell(vendors: Vendors, *, pump: Pump, say: Say) -> str:
    """The whole week. Returns the commit of the planted direct push."""
    week = Week(vendors, pump=pump)
    first = monday(week)
    say("Monday: five pull requests, one of them merged without a review; three promotions.")
    wednesday(week, before=first[WEB])
    say("Wednesday: a merge with failed CI, an approval by a contributor, a promotion past staging, a rollback, an emergency.")
    pushed = friday(week)
    say("Friday: infrastructure, one more in a team, a release by hand, a direct and a forced push, a stranger, an edit of DNS.")
    today(week)
    say("Today: seven pull requests wait for somebody.")
    return pushed


def monday(week: Week) -> dict[str, str]:
    """Six days ago. Returns what was released to production, by repository."""
    day = week.vendors.on
    for work in MONDAY:
        week.work(work)
    carries = {WEB: 2, API: 2, BILLING: 1}
    pulls = {name: week.propose_promotion(name, "monday", at=day(6, "12:00")) for name in carries}
    for name, pull in pulls.items():
        tester = "ann" if name == API else "dev"
        week.decide(name, pull, at=day(6, "12:40"), carries=carries[name], tester=tester)
    return {name: week.release(name, pull, at=day(6, "13:30")) for name, pull in pulls.items()}


def wednesday(week: Week, *, before: str) -> None:
    """Four days ago: ``before`` is the version of the shop that production goes back to."""
    day = week.vendors.on
    for work in WEDNESDAY:
        week.work(work)
    _self_approved(week)
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
    week.roll_back(WEB, to=before, version=2, by="bob", at=day(4, "14:25"))
    _emergency(week)
    _back_merge(week)
    consoles.rotate(week.vendors)


def _self_approved(week: Week) -> None:
    """Bob adds a commit to Ann's branch and then approves the pull request that holds it."""
    vendors, day = week.vendors, week.vendors.on
    title, branch = "Return the price with its currency", "ann/return-the-price-with-its-currency"
    files, more = {"app/money.py": "CURRENCY = 'EUR'\n"}, {"app/money.py": "CURRENCY = 'EUR'\nDIGITS = 2\n"}
    pull = vendors.open(API, title, by="ann", files=files, body=text("Clients guess it."), at=day(4, "08:20"))
    commit = {"repository": API, "branch": branch, "files": more, "author": "bob", "message": "Say how many digits"}
    pushed = vendors.github(f"{API}/{pull['number']}/more", "commit", at=day(4, "08:45"), **commit)
    pull = {**pull, "head": pushed["sha"]}
    vendors.check(API, pull, at=day(4, "08:55"))
    vendors.review(API, pull, by="bob", at=day(4, "09:30"))
    vendors.ship(API, vendors.merge(API, pull, by="bob", at=day(4, "09:35")), "staging", at=day(4, "09:45"))


def _emergency(week: Week) -> None:
    """The search fails in production: a fix straight to prod, with a +1."""
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


def _back_merge(week: Week) -> None:
    """The emergency's fix comes back to main."""
    vendors, day = week.vendors, week.vendors.on
    opened = {"head": "prod", "base": "main", "title": "Bring the emergency fix back to main", "by": "ann"}
    body = text("main must not lose the fix.")
    pull = vendors.github(f"{WEB}/back", "open_pull_request", repository=WEB, body=body, at=day(4, "15:40"), **opened)
    head = vendors.remote.do("pull-request", repository=WEB, number=pull["number"])["head"]["sha"]
    pull = {"number": pull["number"], "head": head}
    vendors.check(WEB, pull, at=day(4, "15:48"))
    vendors.review(WEB, pull, by="cleo", at=day(4, "16:05"))
    vendors.ship(WEB, vendors.merge(WEB, pull, by="bob", at=day(4, "16:10")), "staging", at=day(4, "16:18"))


def friday(week: Week) -> str:
    """Two days ago, with Rex alone in the evening. Returns the commit that he pushed straight to prod."""
    day = week.vendors.on
    for work in FRIDAY:
        week.work(work)
    teams.let_in(week.vendors)
    pull = week.propose_promotion(API, "friday", at=day(2, "11:00"))
    week.decide(API, pull, at=day(2, "11:30"), tester="ann")
    week.release(API, pull, at=day(2, "12:10"))
    return _evening(week)


def _evening(week: Week) -> str:
    """A release by hand, a push straight to prod, another commit in its place, and a new collaborator."""
    vendors, day, printer = week.vendors, week.vendors.on, "Quick fix: retry the printer"
    where = {"repository": BILLING, "branch": "prod", "by": "rex"}
    once, again = ({"app/invoices.py": f"FORMAT = 'pdf'\nRETRIES = {number}\n"} for number in (5, 3))
    vendors.act("by-hand", "fly/release", app="northwind-api-prod", by="rex@northwind.example", at=day(2, "17:40"))
    week.pump()
    pushed = vendors.github("direct-push", "push_direct", files=once, message=printer, at=day(2, "18:05"), **where)
    rewritten = f"{printer}, but not so often"
    vendors.github("force-push", "force_push", files=again, message=rewritten, at=day(2, "18:20"), **where)
    vendors.github("contractor", "add_member", repository=BILLING, login="kim-contractor", by="rex", at=day(2, "18:30"))
    consoles.edit_dns(vendors)
    return str(pushed["sha"])


def today(week: Week) -> None:
    """Now: work in every state, and a promotion that waits for an approval in the portal."""
    vendors, ago = week.vendors, week.vendors.ago
    _draft(vendors)
    _waiting(week, WEB, "Show prices without tax to companies", "ann", "app/tax.py", ago=240)
    unhappy = _waiting(week, WEB, "Sort reviews by date", "dev", "app/reviews.py", ago=200)
    vendors.review(WEB, unhappy, by="bob", state="changes_requested", body="Please keep the old order as a choice.", at=ago(150))
    happy = _waiting(week, BILLING, "Name the customer on reminders", "ann", "app/reminders.py", ago=180)
    vendors.review(BILLING, happy, by="bob", at=ago(120))
    bump = _waiting(week, BILLING, "Update httpx to 0.28.1", BOT, "requirements.txt", ago=170, ci="failure")
    vendors.github("bump/label", "label", repository=BILLING, number=bump["number"], label="dependencies", by=BOT, at=ago(169))
    week.work(LANGUAGE, at=ago(190))
    pull = week.propose_promotion(API, "today", at=ago(110))
    for change in deciding.await_changes(API, pull["number"], pull["head"], count=1, pump=week.pump):
        deciding.sign_off_in_staging(change, pull["head"], by="dev", at=ago(60))
    _waiting(week, API, "Count calls by client", "dev", "app/metrics.py", ago=45, ci="")


def _draft(vendors: Vendors) -> None:
    """Something that Dev has only begun."""
    branch, files = "dev/new-checkout", {"app/checkout.py": "STEPS = 2\n"}
    commit = {"branch": branch, "files": files, "author": "dev", "message": "A shorter checkout"}
    vendors.github("draft/commit", "commit", repository=WEB, at=vendors.ago(300), **commit)
    opened = {"head": branch, "title": "A shorter checkout", "by": "dev", "draft": True, "body": text("Fewer steps.")}
    vendors.github("draft/open", "open_pull_request", repository=WEB, at=vendors.ago(295), **opened)


def _waiting(week: Week, repository: str, title: str, by: str, path: str, *, ago: int, ci: str = "success") -> Said:
    """An open pull request; ``ci`` "" leaves CI out."""
    at = week.vendors.ago(ago)
    why = "A new version is out." if by == BOT else f"{title}: asked for by two customers."
    pull = week.vendors.open(repository, title, by=by, files={path: f"# {title}\n"}, body=text(why), at=at)
    if ci:
        week.vendors.check(repository, pull, at=at + 7 * MINUTE, conclusion=ci)
    return pull
