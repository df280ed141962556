"""What really went over HTTP between a client and a stand-in, to be held to the vendor's own description."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from changes.connectors.http import Client


@dataclass(frozen=True)
class Exchange:
    """One question with its answer."""

    path: str
    query: dict[str, str]
    status: int
    body: bytes


def listen(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """From now on every request of any client is kept, with its answer."""
    heard: list[Exchange] = []
    original = Client.request

    def request(self: Client, **asked: Any) -> Any:
        answer = original(self, **asked)
        query = {name: str(value) for name, value in (asked.get("query") or {}).items()}
        heard.append(Exchange(asked["path"], query, answer.status, answer.body))
        return answer

    monkeypatch.setattr(Client, "request", request)
    return heard


def hold(exchange: Exchange, description: OpenAPI, *, host: str, prefix: str = "") -> None:
    """Raises what is wrong with the question or its answer."""
    request = MockRequest(host, "get", prefix + exchange.path, args=exchange.query, headers={"Authorization": "Bearer token"})
    description.validate_request(request)
    description.validate_response(request, MockResponse(exchange.body, exchange.status, content_type="application/json"))


def spoil(monkeypatch: pytest.MonkeyPatch, path: str, change: Callable[[Any], object]) -> None:
    """From now on ``change`` is made to every answer whose path ends so, or whose question is of that GraphQL operation."""
    original = Client.request

    def request(self: Client, **asked: Any) -> Any:
        answer = original(self, **asked)
        if not asked["path"].endswith(path) and path not in str(asked.get("body")):
            return answer
        body = json.loads(answer.body)
        change(body)
        return replace(answer, body=json.dumps(body).encode())

    monkeypatch.setattr(Client, "request", request)
