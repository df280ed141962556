"""Test a connection to Slack: which workspace, which scopes are missing, in which channels the app is."""

from datetime import datetime

from changes.connectors.checked import Checked
from changes.connectors.errors import Forbidden
from changes.connectors.models import Source
from changes.connectors.slack.client import Slack
from changes.connectors.slack.health import SCOPES


def check(*, source: Source, at: datetime) -> Checked:
    """Ask Slack now; ``offers`` are ``<channel id> #<name>`` of channels that the app is in. A bot token has no end."""
    client = Slack(source=source)
    found = client.whoami()
    missing = tuple(sorted(SCOPES - found.scopes)) if found.scopes else ()
    try:
        channels = [f"{one.id} #{one.name}" for one in client.channels() if one.is_member and not one.is_archived]
    except Forbidden:
        channels = []
    words = f"Slack answers for the workspace {found.team_name or found.team}; the app is in {len(channels)} channels"
    return Checked(True, words, missing, offers=tuple(sorted(channels, key=lambda one: one.partition(" ")[2])))
