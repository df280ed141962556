"""A pretend Doppler for people: set a secret anew, set another, take one away, and see what the log says. Values are never shown.

No script. Each button is one of the stand-in's acts, so the log, the webhook and the API tell of it as Doppler would.
"""

import re
import secrets
from collections.abc import Callable
from html import escape

from portal.standins.doppler import DopplerStandIn
from portal.standins.doppler.people import DopplerError
from portal.standins.doppler.world import ENVIRONMENTS
from portal.standins.page_parts import button, chooser, document, table, tag
from portal.standins.store import Row

Fields = dict[str, str]
ADDRESS = "/doppler"
SHOWN = 10
NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,60}", re.ASCII)


def page(doppler: DopplerStandIn, note: str) -> str:
    """Every project with its secrets by name, and the newest entries of the logs. ``note`` is HTML."""
    people = _people(doppler)
    sections = "".join(_project(doppler, row, people) for row in doppler.store.all("project"))
    body = (
        '<p><a href="/">GitHub and Fly</a></p><h1>Doppler, played by a stand-in</h1>'
        '<p class="quiet">Set a secret as somebody: the portal is told by a webhook and reads the log within seconds. An edit of '
        "<code>prd</code> that no change covers becomes an exception there. Values stay here.</p>"
        f"{note}{sections or '<p>No project yet.</p>'}"
    )
    return document("Stand-in of Doppler", body)


def _people(doppler: DopplerStandIn) -> list[str]:
    return [row["email"] for row in doppler.store.all("user")]


def _project(doppler: DopplerStandIn, project: Row, people: list[str]) -> str:
    name = project["name"]
    configs = doppler.store.all("config", place=name)
    rows = [_secret(config, secret, people) for config in configs for secret in sorted(config["secrets"])]
    log = [(one, config["name"]) for config in configs for one in doppler.store.all("log", place=f"{name}/{config['name']}")]
    newest = sorted(log, key=lambda pair: pair[0]["id"], reverse=True)[:SHOWN]
    entries = [_entry(one, config) for one, config in newest]
    return (
        f"<section>{tag('h2', name, id=name)}{_setting(name, people)}"
        f"{table(f'Secrets of {name}', ('Config', 'Secret', 'What next'), rows)}"
        f"{table(f'What was done in {name}', ('When', 'Config', 'By', 'Which'), entries)}</section>"
    )


def _setting(project: str, people: list[str]) -> str:
    return (
        f'<form class="wide" method="post" action="{ADDRESS}"><input type="hidden" name="act" value="set">'
        f'<input type="hidden" name="project" value="{escape(project)}">'
        f"{chooser('config', 'Config', list(ENVIRONMENTS), 'prd')}"
        '<label>Secret <input name="name" required value="API_KEY" autocomplete="off"></label>'
        '<label>New value <input name="value" type="password" required value="a-new-value" autocomplete="off"></label>'
        '<label>Note <input name="title" value="" autocomplete="off"></label>'
        f"{chooser('by', 'By', people)}<button>Set the secret</button></form>"
    )


def _secret(config: Row, secret: str, people: list[str]) -> list[str]:
    fields = {"project": config["project"], "config": config["name"], "name": secret, "by": people[0] if people else ""}
    again = button(ADDRESS, f"Set {secret} of {config['name']} anew", {**fields, "act": "renew"})
    away = button(ADDRESS, f"Take {secret} away from {config['name']}", {**fields, "act": "remove"}, danger=True)
    return [tag("span", config["name"]), tag("code", secret), f"{again}{away}" if people else ""]


def _entry(one: Row, config: str) -> list[str]:
    names = ", ".join(str(side["name"]) for side in one["diff"])
    return [tag("span", one["at"]), tag("span", config), tag("span", one["by"]), tag("code", names)]


def pressed(doppler: DopplerStandIn, fields: Fields) -> str:
    """Does what a button says; returns what came of it. Raises KeyError for no button, DopplerError for a refusal."""
    return ACTS[fields["act"]](doppler, fields)


def _set(doppler: DopplerStandIn, fields: Fields) -> str:
    return _changed(doppler, fields, fields["value"], "set")


def _renew(doppler: DopplerStandIn, fields: Fields) -> str:
    return _changed(doppler, fields, secrets.token_urlsafe(24), "set")


def _remove(doppler: DopplerStandIn, fields: Fields) -> str:
    return _changed(doppler, fields, None, "taken away")


def _changed(doppler: DopplerStandIn, fields: Fields, value: str | None, done: str) -> str:
    name = fields["name"].strip()
    if not NAME.fullmatch(name):
        raise DopplerError(400, "A secret is named with capitals, digits and underscores: PAYMENT_KEY.")
    doppler.user(fields["by"])
    project, config, text = fields["project"], fields["config"], fields.get("title", "").strip()
    doppler.set_secrets(project=project, config=config, values={name: value}, by=fields["by"], text=text)
    return f"{name} of {project}/{config} was {done} by {fields['by']}."


ACTS: dict[str, Callable[[DopplerStandIn, Fields], str]] = {"set": _set, "renew": _renew, "remove": _remove}
