"""Plain http through the proxy: a browser is led to https, a program is refused and told why. Everything else passes."""

import json

import pytest

from portal.access.walk import routes, rule_of
from portal.plain import MACHINES, OnlyEncrypted, behind_a_proxy
from portal.ui.headers import SECURITY_HEADERS
from tests.lean import aside

BASE = "https://countersign.northwind.example"
PLAIN = (b"x-forwarded-proto", b"http")


def play(path="/changes/", *, method="GET", headers=(PLAIN,), query=b"", raw=None, type="http", parts=(b"",)):
    """(whether the application was reached, status, headers, body) of one request."""
    sent, reached = [], []
    bodies = [{"type": "http.request", "body": part, "more_body": number + 1 < len(parts)} for number, part in enumerate(parts)]
    scope = {
        "type": type,
        "method": method,
        "path": path,
        "raw_path": raw or path.encode(),
        "query_string": query,
        "headers": headers,
    }

    async def application(scope, receive, send):
        reached.append(scope["path"])

    async def receive():
        return bodies.pop(0)

    async def send(message):
        sent.append(message)

    aside(behind_a_proxy(application, base=BASE, proxies=1)(scope, receive, send))
    if reached:
        return True, 0, {}, b""
    assert bodies == [], "the sender is still in the middle of its body"
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert {name: found[name.lower()] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert found["content-length"] == str(len(sent[1]["body"]))
    return False, sent[0]["status"], found, sent[1]["body"]


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ({"path": "/"}, "/"),
        ({"path": "/changes/", "query": b"state=open&q=%C3%BC"}, "/changes/?state=open&q=%C3%BC"),
        ({"path": "/\u00fc", "raw": b"/%C3%BC", "method": "HEAD"}, "/%C3%BC"),
        ({"path": "//evil.example/", "headers": ((b"X-Forwarded-Proto", b" HTTP , https"),)}, "//evil.example/"),
        ({"path": "/", "raw": b"@evil.example/"}, "/"),
        ({"path": "/", "raw": b"http://evil.example/"}, "/"),
    ],
)
def test_a_page_is_led_to_the_same_page_by_https(asked, leads_to):
    _, status, headers, body = play(**asked)

    assert (status, headers["location"], headers["cache-control"], body) == (301, BASE + leads_to, "no-store", b"")


@pytest.mark.parametrize(
    "asked",
    [
        *({"path": f"{machine.rstrip('/')}/x", "method": method} for machine in MACHINES for method in ("GET", "POST")),
        {"path": "/account/login/", "method": "POST", "parts": (b"password=", b"secret")},
        {"path": "/changes/", "headers": (PLAIN, (b"Authorization", b"Bearer cs_secret"))},
        {"path": "/changes/", "method": "OPTIONS"},
    ],
    ids=str,
)
def test_a_program_is_refused_and_nothing_leads_it_on(asked):
    _, status, headers, body = play(**asked)

    assert (status, headers["content-type"], "location" in headers) == (403, "application/json", False)
    assert json.loads(body)["error"].startswith(f"This came over plain http and was refused. Send it to {BASE}. A token")
    assert json.loads(body)["reference"] == headers["x-request-id"]
    assert b"secret" not in body


@pytest.mark.parametrize(
    "asked",
    [
        {"headers": ()},
        {"headers": ((b"x-forwarded-proto", b"https, http"),)},
        {"headers": ((b"x-proto", b"http"),)},
        {"type": "lifespan"},
    ],
    ids=str,
)
def test_what_came_by_https_or_from_the_machine_itself_passes(asked):
    assert play("/readyz", **asked)[0]


@pytest.mark.parametrize(("base", "proxies"), [("http://127.0.0.1:8000", 1), (BASE, 0)])
def test_without_https_or_without_a_proxy_whose_word_counts_nothing_is_refused(base, proxies):
    application = object()

    assert behind_a_proxy(application, base=base, proxies=proxies) is application
    assert isinstance(behind_a_proxy(application, base=BASE, proxies=1), OnlyEncrypted)


def test_every_address_of_programs_is_among_them_and_no_page_is():
    for route in routes():
        rule = rule_of(route.view, route.name)
        by_program = (rule is not None and rule.by_token) or route.name in {"hook", "csp-report"}
        assert f"/{route.pattern}".startswith(MACHINES) is by_program, route
