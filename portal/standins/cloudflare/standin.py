"""The Cloudflare stand-in as one object."""

import secrets
from pathlib import Path

from portal.standins.cloudflare import api
from portal.standins.cloudflare.world import ACCOUNT, CloudflareError, CloudflareWorld
from portal.standins.limits import Window
from portal.standins.served import Served
from portal.standins.web import Answer, Request

LIMIT, WINDOW = 1200, 300.0


class CloudflareStandIn(Served, CloudflareWorld):
    """One Cloudflare account in a folder. ``limit`` requests in five minutes, as Cloudflare allows."""

    path = api.PATH
    problem = CloudflareError
    acts = (
        *("add_zone", "set_record", "delete_record", "set_application", "set_policy", "set_group"),
        *("add_service_token", "add_member", "remove_member", "permit"),
    )

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1", limit: int = LIMIT) -> None:
        super().__init__(directory)
        self.url = url
        self.window = Window(limit=limit, seconds=WINDOW)

    @property
    def account(self) -> str:
        """The id of the account."""
        return ACCOUNT

    @property
    def token(self) -> str:
        """The token that reads."""
        return self.reader(lambda: f"standin_{secrets.token_urlsafe(30)}")

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``/cloudflare``."""
        return api.answer(self, request, token=self.token, window=self.window)
