"""The demo company from nothing to now: set up the vendors, connect them, live through a week."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from changes.connectors.actions import connect_fly, connect_github, connect_slack
from changes.desk.demo import consoles, deciding, expected, keeping, meetings, people, story, training
from changes.desk.demo.acting import Vendors
from changes.desk.demo.expected import API, BILLING, WEB
from changes.desk.demo_chapters import tell_chapters
from portal.standins import company
from portal.standins.client import Remote

Say = Callable[[str], None]
JOINED = timedelta(days=30)
CONNECTED = timedelta(days=8)
REPOSITORIES = {WEB: "The shop that customers see", API: "The service behind the shop", BILLING: "Invoices and payments"}
FILLED = "filled"
CI_WORKFLOW = (
    "name: ci\non: [push, pull_request]\njobs:\n  tests:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ./bin/test\n"
)
FLY_TOML = """app = "{app}"
primary_region = "fra"

[http_service]
  internal_port = 8080
  force_https = true
"""
SERVICES = [
    {
        "protocol": "tcp",
        "internal_port": 8080,
        "ports": [{"port": 80, "handlers": ["http"], "force_https": True}, {"port": 443, "handlers": ["tls", "http"]}],
    }
]
"""What flyctl makes of that file."""


def load(*, address: str, now: datetime, say: Say, pump: deciding.Pump = deciding.pause) -> str:
    """Fills the company through the stand-ins at ``address``; returns the commit of the planted direct push.

    Needs the portal's web, worker and scheduler to run; in tests ``pump`` does their work instead. Raises ``NotSeen`` when
    the portal does not come to know something in time. Run again, it goes on where it stopped.
    """
    remote = Remote(address)
    vendors = Vendors(remote, now=now)
    people.admit(password=settings.DEMO_PASSWORD, at=vendors.began - JOINED)
    say("Eight people have joined; everybody's password is the demo password.")
    training.teach(began=vendors.began)
    meetings.meet(began=vendors.began)
    _set_up(vendors)
    _connect(remote, at=vendors.began - CONNECTED)
    if remote.mark("demo") == FILLED:
        say("The company was filled before; its sources are connected anew, and nothing else is done.")
        return str(json.loads(remote.mark("demo/direct-push"))["sha"])
    say("Three repositories, six Fly apps, Slack, Doppler and Cloudflare are connected; a week of work begins.")
    pushed = story.tell(vendors, pump=pump, say=say)
    meetings.prepare(at=vendors.began)
    deciding.wait_for("everything", lambda: expected.at_rest() and not expected.differences(direct_push=pushed), pump=pump)
    keeping.keep_in_order()
    tell_chapters(at=now)
    remote.do("mark", name="demo", value=FILLED)
    say(f"The company is up to date. {len(expected.expected(direct_push=pushed))} deviations were planted and found.")
    return pushed


def check(*, address: str) -> list[str]:
    """How what the portal found differs from what was planted, in sentences; empty when it is exactly that."""
    kept = json.loads(Remote(address).mark("demo/direct-push"))
    return expected.differences(direct_push=kept["sha"])


def _set_up(vendors: Vendors) -> None:
    """Accounts, repositories, access and branch rules, before anybody watches."""
    at = vendors.began - JOINED
    for person in people.PEOPLE:
        vendors.github(
            f"account/{person.login}", "add_account", login=person.login, uid=person.uid, name=person.name, email=person.email
        )
    vendors.github("account/renovate", "add_account", login="renovate[bot]", uid=29139614, kind="Bot")
    for name, description in REPOSITORIES.items():
        vendors.github(f"{name}/made", "create_repository", name=name, description=description, by="rex", files=_files(name), at=at)
        for login in ("ann", "bob", "cleo", "dev", "renovate[bot]"):
            vendors.github(f"{name}/{login}", "add_member", repository=name, login=login, by="rex", at=at)
        for branch in ("main", "prod"):
            vendors.github(f"{name}/{branch}/rules", "set_protection", repository=name, branch=branch, by="rex", at=at)
        for environment in company.ENVIRONMENTS:
            app, org = company.app_name(name, environment), company.org_of(name, environment)
            vendors.act(f"{app}/made", "fly/create_app", name=app, org=org, at=at)
            vendors.act(f"{app}/secrets", "fly/set_secrets", app=app, names=["DATABASE_URL", "SECRET_KEY"], at=at)
            vendors.act(f"{app}/runs", "fly/configure", app=app, config={"services": SERVICES})
    for person in people.PEOPLE:
        account = {"name": person.login, "real_name": person.name, "email": person.email}
        vendors.act(f"slack/{person.login}", "slack/add_user", **account)
    for channel in company.CHANNELS:
        vendors.act(f"slack/#{channel}", "slack/add_channel", name=channel, at=at)
    consoles.set_up(vendors, at=at)
    by_hand = {"env": {"PRIMARY_REGION": "fra", "DEBUG": "1"}}
    vendors.act("drift", "fly/configure", app=company.app_name(WEB, "production"), config=by_hand, machines=1)


def _files(name: str) -> dict[str, str]:
    short = name.split("/")[1]
    return {
        "README.md": f"# {short}\n\n{REPOSITORIES[name]}.\n",
        "Dockerfile": 'FROM python:3.11-slim\nCOPY . /app\nCMD ["python", "-m", "app"]\n',
        "fly.toml": FLY_TOML.format(app=company.app_name(name, "staging")),
        "fly.prod.toml": FLY_TOML.format(app=company.app_name(name, "production")),
        "app/__main__.py": f'print("{short}")\n',
        ".github/workflows/ci.yml": CI_WORKFLOW,
    }


def _connect(remote: Remote, *, at: datetime) -> None:
    """What ``manage.py connect`` does, for three repositories and one organisation; then the webhooks begin."""
    remote.do("hooks", url="", secret=remote.state()["github"]["hook_secret"] or "northwind-hook-secret")
    state = remote.state()
    github, fly = state["github"], state["fly"]
    token = remote.mark("demo-token") or remote.do("mark", name="demo-token", value=remote.do("token"))
    for name in REPOSITORIES:
        connect_github(
            repository=name,
            secret=github["hook_secret"],
            main="main",
            prod="prod",
            api_url=github["api_url"],
            token=token,
            clone_url=github["clone_urls"][name],
            approved_by="portal",
            at=at,
        )
    apps = {company.app_name(name, word): (word, name) for name in REPOSITORIES for word in company.ENVIRONMENTS}
    connect_fly(org="northwind-production", api_url=fly["api_url"], token=fly["token"], apps=apps, at=at)
    remote.do("hooks", url=f"{settings.BASE_URL}/hooks/github/", secret=github["hook_secret"])
    _connect_slack(remote, at=at)
    consoles.connect(remote, at=at)


def _connect_slack(remote: Remote, *, at: datetime) -> None:
    """The workspace with its two channels; everybody with an account at GitHub has linked the one at Slack too."""
    slack = remote.state()["slack"]
    secret = slack["signing_secret"] or "northwind-signing-secret"
    changes, emergencies = (slack["channels"][name] for name in company.CHANNELS)
    connect_slack(
        token=slack["token"], signing_secret=secret, channel=changes, emergencies=emergencies, api_url=slack["api_url"], at=at
    )
    people.link_slack(team=slack["team"], accounts=slack["users"], at=at)
    remote.do("slack/hooks", url=f"{settings.BASE_URL}/hooks/slack/", secret=secret)
