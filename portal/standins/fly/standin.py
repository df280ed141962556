"""The Fly stand-in as one object."""

import secrets
from pathlib import Path
from typing import Any

from portal.standins.fly import api
from portal.standins.fly.world import FlyError, FlyWorld
from portal.standins.web import Answer, Request, Serving

ACTS = ("create_app", "release", "rollback", "finish", "set_secrets", "set_volume", "configure")


class FlyStandIn(FlyWorld):
    """One Fly in a folder. Use ``start``/``stop``, or ``answer`` inside another server.

    Point a connector at ``api_url``: Machines below ``/v1``, GraphQL at ``/graphql``, the platform below ``/api/v1``.
    """

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1") -> None:
        super().__init__(directory)
        self.url = url
        self._serving: Serving | None = None

    @property
    def api_url(self) -> str:
        """Where all three APIs answer."""
        return self.url + api.PATH

    @property
    def token(self) -> str:
        """The token that reads everything, the same on every call."""
        row = self.store.one("token", subject="reader")
        if row is None:
            row = self.store.add("token", subject="reader", body={"token": "FlyV1 fm2_" + secrets.token_hex(24)})
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
        """Answers what lies below ``/fly``."""
        return api.answer(self, request, token=self.token)

    def perform(self, act: str, arguments: dict[str, Any]) -> Any:
        """Does one of ``ACTS`` by name, as the control door needs it. Raises 422 for an unknown act or wrong arguments."""
        if act not in ACTS:
            raise FlyError(422, f"There is no act {act!r}. There are: {', '.join(ACTS)}")
        try:
            return getattr(self, act)(**arguments)
        except TypeError as problem:
            raise FlyError(422, str(problem)) from problem
