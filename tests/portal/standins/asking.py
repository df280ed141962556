"""Asking a stand-in over HTTP as somebody."""

from typing import Any

import httpx

from portal.standins.github import GitHubStandIn
from tests.pace import SHARED


def ask(github: GitHubStandIn, path: str, *, method: str = "GET", by: str = "rex", token: str = "", **more: Any) -> httpx.Response:
    """One request to the API, as a person or with a token."""
    headers = {"Authorization": f"Bearer {token or github.token_of(by)}", **more.pop("headers", {})}
    return httpx.request(method, github.api_url + path, headers=headers, timeout=5 * SHARED, **more)
