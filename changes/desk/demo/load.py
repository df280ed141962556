"""The demo company from nothing to now: set up the vendors, connect them, live through a week."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from changes.desk.demo import consoles, deciding, expected, keeping, meetings, people, setting, story, training
from changes.desk.demo.acting import Vendors
from changes.desk.demo.expected import API, BILLING, WEB
from changes.desk.demo.year.load import load_year, must_be_found
from changes.desk.demo_chapters import tell_chapters
from portal.standins import company
from portal.standins.client import Remote

Say = Callable[[str], None]
JOINED = timedelta(days=30)
CONNECTED = timedelta(days=8)
REPOSITORIES = {WEB: "The shop that customers see", API: "The service behind the shop", BILLING: "Invoices and payments"}
MEMBERS = ("ann", "bob", "cleo", "dev")
FILLED = "filled"


def load(*, address: str, now: datetime, say: Say, pump: deciding.Pump = deciding.pause, year: float = 0.0, seed: int = 1) -> str:
    """Fills the company through the stand-ins at ``address``; returns the commit of the planted direct push.

    Needs the portal's web, worker and scheduler to run; in tests ``pump`` does their work instead. Raises ``NotSeen`` when
    the portal does not come to know something in time. Run again, it goes on where it stopped. ``year``: how much of a year
    is told before the week (1.0: all of it; 0: nothing), ``seed`` which one.
    """
    remote = Remote(address)
    vendors = Vendors(remote, now=now)
    if year:
        load_year(address=address, seed=seed, scale=year, now=now, say=say)
    people.admit(password=settings.DEMO_PASSWORD, at=vendors.began - JOINED)
    say("Eight people have joined; everybody's password is the demo password.")
    training.teach(began=vendors.began)
    meetings.meet(began=vendors.began)
    _set_up(vendors)
    setting.connect(remote, names=REPOSITORIES, persons=people.PEOPLE, at=vendors.began - CONNECTED)
    setting.listen(remote)
    if remote.mark("demo") == FILLED:
        say("The company was filled before; its sources are connected anew, and nothing else is done.")
        return str(json.loads(remote.mark("demo/direct-push"))["sha"])
    say("Three repositories, six Fly apps, Slack, Doppler and Cloudflare are connected; a week of work begins.")
    pushed = story.tell(vendors, pump=pump, say=say)
    meetings.prepare(at=vendors.began)
    deciding.wait_for("everything", lambda: expected.at_rest() and not check(address=address), pump=pump)
    keeping.keep_in_order()
    tell_chapters(at=now)
    remote.do("mark", name="demo", value=FILLED)
    planted = expected.expected(direct_push=pushed, year=must_be_found(remote))
    say(f"The company is up to date. {len(planted)} deviations were planted and found.")
    return pushed


def check(*, address: str) -> list[str]:
    """How what the portal found differs from what was planted, in sentences; empty when it is exactly that."""
    remote = Remote(address)
    kept = json.loads(remote.mark("demo/direct-push"))
    return expected.differences(direct_push=kept["sha"], year=must_be_found(remote))


def _set_up(vendors: Vendors) -> None:
    """Accounts, repositories, access and branch rules, before anybody watches."""
    at = vendors.began - JOINED
    setting.accounts(vendors, persons=people.PEOPLE, at=at)
    for name, description in REPOSITORIES.items():
        setting.repository(vendors, name=name, description=description, members=MEMBERS, at=at)
    consoles.set_up(vendors, persons=people.PEOPLE, at=at)
    by_hand = {"env": {"PRIMARY_REGION": "fra", "DEBUG": "1"}}
    vendors.act("drift", "fly/configure", app=company.app_name(WEB, "production"), config=by_hand, machines=1)
