"""What Northwind Labs has at its vendors before anybody watches, and how the portal is connected to it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.conf import settings

from changes.connectors.actions import connect_fly, connect_github, connect_slack
from changes.delivery.models import Environment
from changes.desk.demo import consoles, people
from changes.desk.demo.acting import Vendors
from changes.desk.demo.people import Person
from portal.standins import company
from portal.standins.client import Remote

BOT = "renovate[bot]"
SIGNING_SECRET = "northwind-signing-secret"  # noqa: S105 (of the stand-in)
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


def accounts(vendors: Vendors, *, persons: Sequence[Person], at: datetime) -> None:
    """Everybody's accounts at GitHub and Slack, the bot's, and the two channels. Who has one keeps it."""
    for person in persons:
        vendors.github(
            f"account/{person.login}", "add_account", login=person.login, uid=person.uid, name=person.name, email=person.email
        )
        account = {"name": person.login, "real_name": person.name, "email": person.email}
        vendors.act(f"slack/{person.login}", "slack/add_user", **account)
    vendors.github("account/renovate", "add_account", login=BOT, uid=29139614, kind="Bot")
    for channel in company.CHANNELS:
        vendors.act(f"slack/#{channel}", "slack/add_channel", name=channel, at=at)


def repository(
    vendors: Vendors, *, name: str, description: str, members: Collection[str], at: datetime, development: bool = False
) -> None:
    """A repository with its members, its branch rules, and its Fly apps, perhaps one for development among them."""
    files = _files(name, description, development=development)
    vendors.github(f"{name}/made", "create_repository", name=name, description=description, by="rex", files=files, at=at)
    for login in (*members, BOT):
        vendors.github(f"{name}/{login}", "add_member", repository=name, login=login, by="rex", at=at)
    for branch in ("main", "prod"):
        vendors.github(f"{name}/{branch}/rules", "set_protection", repository=name, branch=branch, by="rex", at=at)
    for environment in company.ENVIRONMENTS:
        app, org = company.app_name(name, environment), company.org_of(name, environment)
        vendors.act(f"{app}/made", "fly/create_app", name=app, org=org, at=at)
        vendors.act(f"{app}/secrets", "fly/set_secrets", app=app, names=["DATABASE_URL", "SECRET_KEY"], at=at)
        vendors.act(f"{app}/runs", "fly/configure", app=app, config={"services": SERVICES})
    if development:
        app, org = company.development_app(name), company.org_of(name, Environment.DEVELOPMENT)
        vendors.act(f"{app}/made", "fly/create_app", name=app, org=org, at=at)
        vendors.act(f"{app}/runs", "fly/configure", app=app, config={"services": SERVICES})


def first_releases(vendors: Vendors, *, name: str, at: datetime, development: bool = False) -> None:
    """The first commit runs in every app of a repository: nothing runs that is not in Git."""
    for environment in company.ENVIRONMENTS:
        key = f"{company.app_name(name, environment)}/first"
        vendors.act(key, "ship", repository=name, environment=environment, by="rex", at=at)
    if development:
        app, rex = company.development_app(name), "rex@northwind.example"
        first = vendors.remote.do("tip", repository=name, branch="main")
        vendors.act(f"{app}/first", "fly/release", app=app, by=rex, sha=first, repository=name, at=at)


def _files(name: str, description: str, *, development: bool) -> dict[str, str]:
    short = name.split("/")[1]
    own = {"fly.dev.toml": FLY_TOML.format(app=company.development_app(name))} if development else {}
    return {
        **own,
        "README.md": f"# {short}\n\n{description}.\n",
        "Dockerfile": 'FROM python:3.11-slim\nCOPY . /app\nCMD ["python", "-m", "app"]\n',
        "fly.toml": FLY_TOML.format(app=company.app_name(name, "staging")),
        "fly.prod.toml": FLY_TOML.format(app=company.app_name(name, "production")),
        "app/__main__.py": f'print("{short}")\n',
        ".github/workflows/ci.yml": CI_WORKFLOW,
    }


def connect(
    remote: Remote, *, names: Collection[str], persons: Sequence[Person], at: datetime, development: Collection[str] = ()
) -> None:
    """What ``manage.py connect`` does for these repositories, their apps, and all other vendors. Webhooks of GitHub stay off."""
    remote.do("hooks", url="", secret=remote.state()["github"]["hook_secret"] or "northwind-hook-secret")
    state = remote.state()
    github, fly = state["github"], state["fly"]
    token = remote.mark("demo-token") or remote.do("mark", name="demo-token", value=remote.do("token"))
    for name in names:
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
    apps = {company.app_name(name, word): (word, name) for name in names for word in company.ENVIRONMENTS}
    apps |= {company.development_app(name): (Environment.DEVELOPMENT, name) for name in development}
    connect_fly(org="northwind-production", api_url=fly["api_url"], token=fly["token"], apps=apps, at=at)
    _connect_slack(remote, persons=persons, at=at)
    consoles.connect(remote, persons=persons, at=at)


def hold(remote: Remote) -> None:
    """GitHub's webhooks wait to be fetched, each with its moment."""
    remote.do("hooks", url="hold:", secret=remote.state()["github"]["hook_secret"])


def listen(remote: Remote) -> None:
    """Webhooks of all vendors go to the portal from now on."""
    state = remote.state()
    remote.do("hooks", url=f"{settings.BASE_URL}/hooks/github/", secret=state["github"]["hook_secret"])
    remote.do("slack/hooks", url=f"{settings.BASE_URL}/hooks/slack/", secret=state["slack"]["signing_secret"] or SIGNING_SECRET)
    consoles.listen(remote)


def _connect_slack(remote: Remote, *, persons: Sequence[Person], at: datetime) -> None:
    """The workspace with its two channels; everybody with an account at GitHub has linked the one at Slack too."""
    slack = remote.state()["slack"]
    secret = slack["signing_secret"] or SIGNING_SECRET
    changes, emergencies = (slack["channels"][name] for name in company.CHANNELS)
    connect_slack(
        token=slack["token"], signing_secret=secret, channel=changes, emergencies=emergencies, api_url=slack["api_url"], at=at
    )
    people.link_slack(team=slack["team"], accounts=slack["users"], persons=persons, at=at)
