"""The five systems of the policy as the guide knows them. Pure."""

from dataclasses import dataclass

from changes.forges import FORGES


@dataclass(frozen=True)
class System:
    """``kinds`` are kinds of sources, any of which will do; ``without`` says what the portal does not know without it.

    A system with no such sentence cannot be left out: there is nothing to prove without it.
    """

    code: str
    title: str
    kinds: tuple[str, ...]
    why: str
    without: str = ""


SYSTEMS = (
    System(
        "git",
        "Git",
        FORGES,
        "Pull requests, reviews and the history of the branches that feed staging and production.",
    ),
    System(
        "fly",
        "Fly",
        ("fly",),
        "What really runs: releases, machines, and which commit they came from.",
        "Releases are known only as far as the forge reports deployments.",
    ),
    System(
        "slack",
        "Slack",
        ("slack",),
        "The log of production changes, and the threads of emergencies.",
        "Gate 11 says that the log is not connected, and messages go by mail only.",
    ),
    System(
        "doppler",
        "Doppler",
        ("doppler",),
        "Who changed which secret when. Values are never read into the portal.",
        "Edits of secrets are not compared with changes.",
    ),
    System(
        "cloudflare",
        "Cloudflare",
        ("cloudflare",),
        "DNS records, and who may pass which door.",
        "Edits of DNS and of Access are not compared with changes.",
    ),
)
BY_CODE = {system.code: system for system in SYSTEMS}
