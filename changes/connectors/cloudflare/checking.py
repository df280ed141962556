"""Test a connection to Cloudflare: is the token active, when does it end, what may it not read."""

from datetime import datetime, timedelta

from changes.connectors.checked import Checked, lacking
from changes.connectors.cloudflare.client import Cloudflare
from changes.connectors.models import Source

LATELY = timedelta(hours=1)


def check(*, source: Source, at: datetime) -> Checked:
    """Ask Cloudflare now; ``offers`` are the domains of the account. Raises ``Passing`` and ``Permanent``."""
    client = Cloudflare(source=source)
    state = client.token_state()
    if state.status != "active":
        return Checked(False, f"The token is {state.status} at Cloudflare", expires_at=state.expires_at)
    zones: list[tuple[str, str]] = []
    probes = [
        ("Zone Read", lambda: zones.extend((row.text("id") or "", row.text("name") or "") for row in client.zones())),
        ("DNS Read", lambda: next(client.records(zone=zones[0][0]), None) if zones else None),
        ("Account Settings Read", lambda: next(client.audit_v1(since=at - LATELY, before=at), None)),
        ("Access: Apps and Policies Read", lambda: next(client.applications(), None)),
        ("Access: Organizations, Identity Providers, and Groups Read", lambda: next(client.groups(), None)),
        ("Access: Service Tokens Read", lambda: next(client.service_tokens(), None)),
    ]
    missing = lacking(probes)
    words = f"Cloudflare answers: {len(zones)} domains in this account"
    names = tuple(sorted(name for _, name in zones if name))
    return Checked(True, words, missing, state.expires_at, names)
