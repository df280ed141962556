"""The demo company from nothing to now: set up the vendors, connect them, live through a week."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from changes.connectors import outages
from changes.desk.demo import consoles, deciding, expected, keeping, meetings, people, setting, story, teams, training
from changes.desk.demo.acting import Vendors
from changes.desk.demo.expected import API, BILLING, WEB
from changes.desk.demo.turning import Turned
from changes.desk.demo.year.haste import hurried
from changes.desk.demo.year.load import Herald, load_year, must_be_found
from changes.desk.demo_chapters import tell_chapters
from portal.home import loading
from portal.standins import company
from portal.standins.client import Remote

Say = Callable[[str], None]
JOINED = timedelta(days=30)
AT_WORK = timedelta(days=400)
CONNECTED = timedelta(days=8)
BEGINS = timedelta(days=6, hours=18)
"""The week, before its present: when the year is over."""
REPOSITORIES = {WEB: "The shop that customers see", API: "The service behind the shop", BILLING: "Invoices and payments"}
MEMBERS = ("ann", "bob", "cleo", "dev")
FILLED = "filled"


def load(*, address: str, now: datetime, say: Say, year: float = 0.0, seed: int = 1) -> str:
    """Fills the company through the stand-ins at ``address``; returns the commit of the planted direct push.

    Meanwhile the scheduler's jobs that follow a clock rest. Raises ``NotSeen`` when the portal does not come to know
    something that the story needs. Run again, it goes on where it stopped. ``year``: how much of a year is told before the
    week (1.0: all of it; 0: nothing), ``seed`` which one.
    """
    remote = Remote(address)
    vendors = Vendors(remote, now=now)
    if year:
        load_year(address=address, seed=seed, scale=year, now=now, say=say, held=True)
    if remote.mark("demo") == FILLED:
        _open(vendors, say)
        setting.listen(remote)
        say("The company was filled before; its sources are connected anew, and nothing else is done.")
        remote.do("waiting")
        return str(json.loads(remote.mark("demo/direct-push"))["sha"])
    herald = Herald(say)
    try:
        # From here on, not from the week's first act: what a worker begins now it would end as of now, days after the week.
        herald.beat()
        _open(vendors, say)
        say("Three repositories, six Fly apps, Slack, Doppler and Cloudflare are connected; a week of work begins.")
        with hurried():
            pushed = _week(remote, vendors, herald, say)
    finally:
        herald.end(remote)
    setting.listen(remote)
    keeping.keep_in_order()
    tell_chapters(at=now)
    remote.do("mark", name="demo", value=FILLED)
    remote.do("waiting")
    planted = expected.expected(direct_push=pushed, year=must_be_found(remote))
    say(f"The company is up to date. {len(planted)} deviations were planted and found.")
    return pushed


def _open(vendors: Vendors, say: Say) -> None:
    """Everything that is there before the week; done again, it changes nothing."""
    people.admit(password=settings.DEMO_PASSWORD, at=vendors.began - JOINED)
    say("Eight people have joined; everybody's password is the demo password.")
    training.teach(began=vendors.began)
    meetings.meet(began=vendors.began)
    _set_up(vendors)
    setting.connect(vendors.remote, names=REPOSITORIES, persons=people.PEOPLE, at=vendors.began - CONNECTED)


def _week(remote: Remote, vendors: Vendors, herald: Herald, say: Say) -> str:
    """The week, with the clock turned to each of its moments. Returns the commit of the direct push."""
    setting.hold(remote)
    turned = Turned(remote.url, at=vendors.began - BEGINS, beat=herald.beat)
    turned.begin()
    loading.say("The last week of Northwind Labs is being told. Until it is over, workers rest.")
    pushed = story.tell(Vendors(turned, now=vendors.began), pump=turned.look, say=say)
    meetings.prepare(at=vendors.began)
    turned.end(at=timezone.now())
    try:
        deciding.wait_for("everything", lambda: expected.at_rest() and not check(address=remote.url), pump=turned.look)
    except deciding.NotSeen:
        say("\n".join(check(address=remote.url)))  # `demo check` says it again; the company goes on all the same
    outages.stood_still(at=timezone.now(), moved=())
    return pushed


def check(*, address: str) -> list[str]:
    """How what the portal found differs from what was planted, in sentences; empty when it is exactly that."""
    remote = Remote(address)
    kept = json.loads(remote.mark("demo/direct-push"))
    return expected.differences(direct_push=kept["sha"], year=must_be_found(remote))


def _set_up(vendors: Vendors) -> None:
    """Accounts, repositories, access and branch rules, before anybody watches: they are older than the portal."""
    at = vendors.began - AT_WORK
    setting.accounts(vendors, persons=people.PEOPLE, at=at)
    for name, description in REPOSITORIES.items():
        setting.repository(vendors, name=name, description=description, members=MEMBERS, at=at)
        setting.first_releases(vendors, name=name, at=at + timedelta(hours=3))
    teams.set_up(vendors, at=at)
    consoles.set_up(vendors, persons=people.PEOPLE, at=at)
    by_hand = {"env": {"PRIMARY_REGION": "fra", "DEBUG": "1"}}
    vendors.act("drift", "fly/configure", app=company.app_name(WEB, "production"), config=by_hand, machines=1)
