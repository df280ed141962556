"""Test a connection to Fly: which organisations and apps the token sees, what it is bound to, and whether it may read machines."""

from datetime import datetime
from functools import partial

from changes.connectors.checked import Checked, lacking
from changes.connectors.errors import Passing, Permanent
from changes.connectors.fly import assets
from changes.connectors.fly.client import ORGANISATIONS, Fly
from changes.connectors.fly.tokens import sentence
from changes.connectors.models import Source

ORGANISATIONS_AT_MOST = 5


def check(*, source: Source, at: datetime) -> Checked:
    """Ask Fly now; ``offers`` are ``<organisation>/<app>``. Raises ``Passing`` and ``Permanent``. Fly tells no end of a token."""
    fly = Fly(source=source)
    slugs = [row.external_id for row in assets.organisations(fly.look_up(query=ORGANISATIONS, variables={}))]
    found = [f"{slug}/{app}" for slug in slugs[:ORGANISATIONS_AT_MOST] for app in fly.apps(org=slug)]
    first = found[0].partition("/")[2] if found else ""
    probes = [("machines of an app", partial(fly.machines, app=first))] if first else []
    words = f"Fly answers: {len(found)} apps in {', '.join(slugs[:ORGANISATIONS_AT_MOST]) or 'no organisation'}"
    if bound := _bound(fly):
        words += f". {bound}"
    return Checked(bool(slugs), words, lacking(probes), offers=tuple(sorted(found)))


def _bound(fly: Fly) -> str:
    """What Fly says of the token; empty where it does not say, as of tokens of the older kind. Its silence is no failure."""
    try:
        return sentence(fly.tokens())
    except (Permanent, Passing):
        return ""
