"""Talks to a running pair of stand-ins through their control door."""

import http.client
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from portal.standins.control import HEADER
from portal.standins.times import stamp

WAIT_SECONDS = 60.0


class StandInRefused(Exception):
    """The stand-in said no; the message says why."""


class Remote:
    """The stand-ins at ``url``: ``remote.do("github/merge", repository=…, number=…, by=…)``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port
        self.url = url.rstrip("/")

    def do(self, act: str, **arguments: Any) -> Any:
        """Does an act and returns what came of it. Raises StandInRefused; OSError when nobody answers."""
        return self._ask("POST", act, {name: _plain(value) for name, value in arguments.items() if value is not None})

    def state(self) -> dict[str, Any]:
        """Addresses and keys."""
        state: dict[str, Any] = self._ask("GET", "state", {})
        return state

    def mark(self, name: str) -> Any:
        """A word remembered by the stand-ins; None when there is none."""
        return self.do("mark", name=name)

    def answers(self) -> bool:
        """Whether somebody is there."""
        try:
            self.state()
        except (OSError, http.client.HTTPException, StandInRefused):
            return False
        return True

    def _ask(self, method: str, act: str, body: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=WAIT_SECONDS)
        try:
            headers = {HEADER: "control", "Content-Type": "application/json"}
            connection.request(method, f"/_control/{act}", json.dumps(body) if method != "GET" else None, headers)
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "result" not in answer:
            raise StandInRefused(answer.get("error") or answer.get("message") or "no answer")
        return answer["result"]


def _plain(value: Any) -> Any:
    return stamp(value) if isinstance(value, datetime) else value
