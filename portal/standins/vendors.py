"""GitHub, Fly, Slack, Doppler, Cloudflare, Gitea and GitLab of one company, side by side in one folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.standins.clock import Clock
from portal.standins.cloudflare import CloudflareStandIn
from portal.standins.doppler import DopplerStandIn
from portal.standins.fly import FlyStandIn
from portal.standins.forge import Forge
from portal.standins.gitea import GiteaStandIn
from portal.standins.github import GitHubStandIn
from portal.standins.gitlab import GitLabStandIn
from portal.standins.slack import SlackStandIn
from portal.standins.slack.world import TEAM

StandIn = GitHubStandIn | FlyStandIn | SlackStandIn | DopplerStandIn | CloudflareStandIn
"""Those of the other forges are GitHub's in another dialect."""


@dataclass
class Vendors:
    """All stand-ins; ``portal`` is where the portal answers, for a link on the page."""

    github: GitHubStandIn
    fly: FlyStandIn
    slack: SlackStandIn
    doppler: DopplerStandIn
    cloudflare: CloudflareStandIn
    gitea: GiteaStandIn
    gitlab: GitLabStandIn
    portal: str = ""
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def in_folder(cls, directory: Path, *, portal: str = "") -> "Vendors":
        """The stand-ins whose state lies in ``directory``."""
        directory.mkdir(parents=True, exist_ok=True)
        made = cls(
            GitHubStandIn(directory / "github"),
            FlyStandIn(directory / "fly"),
            SlackStandIn(directory / "slack"),
            DopplerStandIn(directory / "doppler"),
            CloudflareStandIn(directory / "cloudflare"),
            GiteaStandIn(directory / "gitea"),
            GitLabStandIn(directory / "gitlab"),
            portal,
        )
        for standin in made.by_name().values():
            standin.clock = made.clock
        return made

    @property
    def url(self) -> str:
        """Where they all answer."""
        return self.github.url

    def by_name(self) -> dict[str, StandIn]:
        """All of them."""
        return {
            "github": self.github,
            "fly": self.fly,
            "slack": self.slack,
            "doppler": self.doppler,
            "cloudflare": self.cloudflare,
            "gitea": self.gitea,
            "gitlab": self.gitlab,
        }

    def move_to(self, url: str) -> None:
        """Tells them where they answer now."""
        for standin in self.by_name().values():
            standin.url = url

    def described(self) -> dict[str, Any]:
        """Addresses and keys, for whoever connects the portal."""
        names = [row["full_name"] for row in self.github.repositories()]
        return {
            "url": self.url,
            "telling": self.clock.turned,
            "github": {
                "api_url": self.github.api_url,
                "clone_urls": {name: self.github.clone_url(name) for name in names},
                "app_id": self.github.app_id,
                "installation_id": self.github.installation_id,
                "hook_secret": self.github.hooks.config["secret"],
            },
            "fly": {"api_url": self.fly.api_url, "token": self.fly.token, "apps": [row["name"] for row in self.fly.apps()]},
            "slack": {
                "api_url": self.slack.api_url,
                "token": self.slack.token,
                "team": TEAM["id"],
                "signing_secret": self.slack.requests.config["secret"],
                "channels": {row["name"]: row["channel_id"] for row in self.slack.channels()},
                "users": {row["name"]: row["user_id"] for row in self.slack.users()},
            },
            "doppler": {
                "api_url": self.doppler.api_url,
                "token": self.doppler.token,
                "hook_secret": self.doppler.hooks.config["secret"],
                "users": {row["email"]: row["vendor_id"] for row in self.doppler.store.all("user")},
            },
            "cloudflare": {
                "api_url": self.cloudflare.api_url,
                "token": self.cloudflare.token,
                "account": self.cloudflare.account,
                "users": {row["email"]: row["user_id"] for row in self.cloudflare.store.all("member")},
            },
            **{forge.vendor: _described(forge) for forge in (self.gitea, self.gitlab)},
        }

    def close(self) -> None:
        """Lets go of everything."""
        for standin in self.by_name().values():
            standin.stop()


def _described(forge: Forge) -> dict[str, Any]:
    """Where a forge answers; whose token reads it is asked for by name (``gitea/token_of``)."""
    names = [row["full_name"] for row in forge.repositories()]
    return {
        "api_url": forge.api_url,
        "clone_urls": {name: forge.clone_url(name) for name in names},
        "hook_secret": forge.hooks.config["secret"],
    }
