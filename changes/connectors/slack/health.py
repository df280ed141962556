"""Is Slack there, may we do what we need, and are we in our channels? Asked every minute; shown on the integrations page."""

from changes.connectors.errors import Forbidden, Invalid
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.connectors.slack.client import Slack
from changes.connectors.slack.workspace import remember

SCOPES = frozenset(
    {
        *("chat:write", "commands", "reactions:read", "users:read", "users:read.email"),
        *("channels:read", "channels:history", "im:write", "im:history"),
    }
)
"""What the app needs. In a private channel also groups:read and groups:history."""


def look(*, source: Source) -> None:
    """Look once, and keep who we are and what our channels are called. Raises ``Passing`` and ``Permanent`` in words."""
    client = Slack(source=source)
    found = client.whoami()
    remember(source=source, found=found)
    missing = SCOPES - found.scopes if found.scopes else frozenset()
    if missing:
        raise Forbidden(f"Slack: the app lacks {', '.join(sorted(missing))}; add them and install the app again")
    names = {}
    for channel in sorted(set(source.settings.get("channels", {}).values())):
        seen = client.channel(channel=channel)
        names[channel] = seen.name
        if seen.is_archived:
            raise Invalid(f"Slack: #{seen.name} is archived; connect Slack again with another --channel")
        if not seen.is_member:
            raise Forbidden(f"Slack: the app is not in #{seen.name}; write /invite @Countersign there")
    keep(source=source, names=names)
