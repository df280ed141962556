"""One run over one Cloudflare account: who is asked, and when what was read last."""

from dataclasses import dataclass, field
from datetime import timedelta

from changes.connectors.cloudflare.client import Cloudflare
from changes.connectors.parts import Parts

EVERY = timedelta(minutes=10)
"""Assets are read so often, and at once when the audit log has something new."""
ACCOUNT, APPS = "Account Settings Read", "Access: Apps and Policies Read"


@dataclass
class Run(Parts):
    """``read`` says when each zone and application was read last, as ISO text."""

    cloudflare: Cloudflare
    read: dict[str, str] = field(default_factory=dict)
