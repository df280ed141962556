"""GitHub, Fly and Slack of one company, side by side in one folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.standins.fly import FlyStandIn
from portal.standins.github import GitHubStandIn
from portal.standins.slack import SlackStandIn
from portal.standins.slack.world import TEAM


@dataclass
class Vendors:
    """All stand-ins; ``portal`` is where the portal answers, for a link on the page."""

    github: GitHubStandIn
    fly: FlyStandIn
    slack: SlackStandIn
    portal: str = ""

    @classmethod
    def in_folder(cls, directory: Path, *, portal: str = "") -> "Vendors":
        """The stand-ins whose state lies in ``directory``."""
        directory.mkdir(parents=True, exist_ok=True)
        return cls(GitHubStandIn(directory / "github"), FlyStandIn(directory / "fly"), SlackStandIn(directory / "slack"), portal)

    @property
    def url(self) -> str:
        """Where they all answer."""
        return self.github.url

    def move_to(self, url: str) -> None:
        """Tells them where they answer now."""
        self.github.url = self.fly.url = self.slack.url = url

    def described(self) -> dict[str, Any]:
        """Addresses and keys, for whoever connects the portal."""
        names = [row["full_name"] for row in self.github.repositories()]
        return {
            "url": self.url,
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
        }

    def close(self) -> None:
        """Lets go of everything."""
        self.github.stop()
        self.fly.stop()
        self.slack.stop()
