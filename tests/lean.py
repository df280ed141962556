"""A client for the whole ASGI application in this process: the cap, the lean addresses, and Django behind them."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import httpx
from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from changes.connectors.tray import TRAY
from portal.handler import Pages
from portal.limits import LimitBody
from portal.plain import behind_a_proxy
from portal.ui.lean import LeanPaths


def application():
    """As ``portal.asgi`` puts it together, with the settings of the test."""
    handlers = {pattern: import_string(name) for pattern, name in settings.LEAN_PATHS.items()}
    return LimitBody(behind_a_proxy(LeanPaths(Pages(), handlers), base=settings.BASE_URL, proxies=settings.PROXIES))


def aside(coroutine):
    """Run it to its end in a thread of its own: a browser of another test may keep a loop in this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


class Answer:
    """What tests of Django's client ask an answer for."""

    def __init__(self, response):
        self.status_code, self.content, self.headers, self.json = (
            response.status_code,
            response.content,
            response.headers,
            response.json,
        )


class LeanClient:
    """``post`` and ``get`` as Django's test client has them; ``at_once`` sends many together."""

    def __init__(self, host="testserver"):
        self.host = host

    def get(self, path):
        return self.at_once([("GET", path, b"", {})])[0]

    def post(self, path, data=b"", content_type="application/octet-stream", headers=None):
        return self.at_once([("POST", path, data, {"Content-Type": content_type, **(headers or {})})])[0]

    def at_once(self, requests):
        """Requests (method, path, body, headers), all sent before any is answered; the answers in their order."""
        return aside(self._at_once(requests))

    async def _at_once(self, requests):
        transport = httpx.ASGITransport(app=application(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{self.host}") as client:
            asked = [client.request(method, path, content=body, headers=_raw(headers)) for method, path, body, headers in requests]
            return [Answer(response) for response in await asyncio.gather(*asked)]


def _raw(headers):
    """As they go over the line: Latin-1."""
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


@contextlib.contextmanager
def lean_client():
    """The client; what it started ends with it, connections of threads too."""
    connections["default"].settings_dict["CONN_MAX_AGE"] = 0
    try:
        yield LeanClient()
    finally:
        TRAY.end()
