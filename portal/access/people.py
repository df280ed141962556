"""How a person is written in the ledger and found by the ones who read it."""

from portal.access.models import User

PORTAL = "portal"
"""The actor when the portal itself acts."""


def actor_of(user: User) -> str:
    """The person as an actor of ledger entries: ``user:<id>``."""
    return f"user:{user.pk}"


def shell_actor(os_user: str) -> str:
    """Somebody at the server's command line: ``shell:<account of the operating system>``."""
    return f"shell:{os_user}"


def stream_of(user: User) -> str:
    """The ledger's stream about one person: ``person:<id>``."""
    return f"person:{user.pk}"
