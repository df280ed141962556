"""The Fly stand-in as one object."""

import secrets
from pathlib import Path

from portal.standins.fly import api
from portal.standins.fly.world import FlyError, FlyWorld
from portal.standins.served import Served
from portal.standins.web import Answer, Request


class FlyStandIn(Served, FlyWorld):
    """One Fly in a folder: Machines below ``/v1``, GraphQL at ``/graphql``, the platform below ``/api/v1``."""

    path = api.PATH
    problem = FlyError
    acts = ("create_app", "release", "rollback", "finish", "set_secrets", "set_volume", "configure")

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1") -> None:
        super().__init__(directory)
        self.url = url

    @property
    def token(self) -> str:
        """The token that reads everything."""
        return self.reader(lambda: "FlyV1 fm2_" + secrets.token_hex(24))

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``/fly``."""
        return api.answer(self, request, token=self.token)
