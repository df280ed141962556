"""The Cloudflare stand-in as one object."""

import secrets
from pathlib import Path
from typing import Any

from portal.standins.cloudflare import api
from portal.standins.cloudflare.world import ACCOUNT, CloudflareError, CloudflareWorld
from portal.standins.limits import Window
from portal.standins.web import Answer, Request, Serving

ACTS = (
    *("add_zone", "set_record", "delete_record", "set_application", "set_policy", "set_group"),
    *("add_service_token", "add_member", "remove_member", "permit"),
)
LIMIT, WINDOW = 1200, 300.0


class CloudflareStandIn(CloudflareWorld):
    """One Cloudflare account in a folder. Use ``start``/``stop``, or ``answer`` inside another server.

    Point a connector at ``api_url``. ``limit`` requests in five minutes, as Cloudflare allows.
    """

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1", limit: int = LIMIT) -> None:
        super().__init__(directory)
        self.url = url
        self.window = Window(limit=limit, seconds=WINDOW)
        self._serving: Serving | None = None

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return self.url + api.PATH

    @property
    def account(self) -> str:
        """The id of the account."""
        return ACCOUNT

    @property
    def token(self) -> str:
        """The token that reads, the same on every call."""
        row = self.store.one("token", subject="reader")
        if row is None:
            row = self.store.add("token", subject="reader", body={"token": f"standin_{secrets.token_urlsafe(30)}"})
        return str(row["token"])

    def start(self, *, port: int = 0) -> str:
        """Serves on a loopback port of its own (0: any free one). Returns the address."""
        self._serving = Serving(self.answer, port=port)
        self.url = self._serving.url
        self._serving.start()
        return self.url

    def stop(self) -> None:
        """Stops serving."""
        if self._serving:
            self._serving.stop()
        self.store.close()

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``/cloudflare``."""
        return api.answer(self, request, token=self.token, window=self.window)

    def perform(self, act: str, arguments: dict[str, Any]) -> Any:
        """Does one of ``ACTS`` by name, as the control door needs it. Raises 422 for an unknown act or wrong arguments."""
        if act not in ACTS:
            raise CloudflareError(422, f"There is no act {act!r}. There are: {', '.join(ACTS)}")
        try:
            return getattr(self, act)(**arguments)
        except TypeError as problem:
            raise CloudflareError(422, str(problem)) from problem
