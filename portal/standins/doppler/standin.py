"""The Doppler stand-in as one object."""

import secrets
from pathlib import Path
from typing import Any

from portal.standins.doppler import api
from portal.standins.doppler.world import DopplerError, DopplerWorld
from portal.standins.limits import Window
from portal.standins.web import Answer, Request, Serving

ACTS = (
    *("add_user", "add_project", "set_secrets", "add_member", "remove_member", "add_service_token", "add_sync"),
    *("request_change", "apply_request", "set_policy", "permit"),
)
LIMIT, WINDOW = 240, 60.0


class DopplerStandIn(DopplerWorld):
    """One workplace in a folder. Use ``start``/``stop``, or ``answer`` inside another server. ``limit`` requests a minute."""

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
    def token(self) -> str:
        """The token of a service account that reads, the same on every call."""
        row = self.store.one("token", subject="reader")
        if row is None:
            row = self.store.add("token", subject="reader", body={"token": f"dp.sa.{secrets.token_hex(20)}"})
        return str(row["token"])

    def start(self, *, port: int = 0) -> str:
        """Serves on a loopback port of its own (0: any free one). Returns the address."""
        self._serving = Serving(self.answer, port=port)
        self.url = self._serving.url
        self._serving.start()
        return self.url

    def stop(self) -> None:
        """Stops serving and sending."""
        if self._serving:
            self._serving.stop()
        self.hooks.stop()
        self.store.close()

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``/doppler``."""
        return api.answer(self, request, token=self.token, window=self.window)

    def perform(self, act: str, arguments: dict[str, Any]) -> Any:
        """Does one of ``ACTS`` by name, or names where webhooks go. Raises 422 for an unknown act or wrong arguments."""
        try:
            if act == "hooks":
                self.send_hooks_to(arguments["url"], secret=arguments["secret"])
                return arguments["url"]
            if act not in ACTS:
                raise DopplerError(422, f"There is no act {act!r}. There are: hooks, {', '.join(ACTS)}")
            return getattr(self, act)(**arguments)
        except (KeyError, TypeError) as problem:
            raise DopplerError(422, str(problem)) from problem
