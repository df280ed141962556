"""The Doppler stand-in as one object."""

import secrets
from pathlib import Path

from portal.standins.doppler import api
from portal.standins.doppler.people import DopplerError
from portal.standins.doppler.world import DopplerWorld
from portal.standins.limits import Window
from portal.standins.served import Served
from portal.standins.web import Answer, Request

LIMIT, WINDOW = 240, 60.0


class DopplerStandIn(Served, DopplerWorld):
    """One workplace in a folder. ``limit`` requests a minute."""

    path = api.PATH
    problem = DopplerError
    acts = (
        *("add_user", "add_project", "set_secrets", "add_member", "remove_member", "add_service_token", "add_sync"),
        *("add_group", "set_group", "remove_group", "add_group_member"),
        *("add_service_account", "add_account_member", "add_account_token", "add_role"),
        *("request_change", "apply_request", "set_policy", "permit", "send_hooks_to"),
    )

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1", limit: int = LIMIT) -> None:
        super().__init__(directory)
        self.url = url
        self.window = Window(limit=limit, seconds=WINDOW)

    @property
    def token(self) -> str:
        """The token of a service account that reads."""
        return self.reader(lambda: f"dp.sa.{secrets.token_hex(20)}")

    def stop(self) -> None:
        """Stops serving and sending."""
        self.hooks.stop()
        super().stop()

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``/doppler``."""
        return api.answer(self, request, token=self.token, window=self.window)
